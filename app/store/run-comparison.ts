/** Two runs (or the arms of one) on the same questions, pair by pair. */
import type { RunDocument } from '../config/run-documents';
import type { ComparisonRow, CompareReply } from '../ipc/results-messages';
import { mcNemarExact } from '../units/statistics';
import { armsOf } from './points';
import type { PairedCounts, TrialQueries } from './trial-queries';

const Z_95 = 1.959963984540054;

export interface ComparedRun {
  readonly run: string;
  readonly document: RunDocument;
  /** Table of TrialSources. */
  readonly source: string;
}

/**
 * Arms of one name are paired across runs; where the runs share no name, every arm with every other. One run given
 * twice: its arms, two by two. Runs of other questions (bundle or test set) cannot be paired.
 */
export async function compareRuns(
  queries: TrialQueries,
  first: ComparedRun,
  second: ComparedRun,
): Promise<CompareReply> {
  const kinds = new Set([first.document.simulated, second.document.simulated]);
  const simulated = kinds.size > 1 ? 'both' : kinds.has(true) ? 'simulated' : 'measured';
  const blind = first.document.plan.blindAccuracy;
  const problems: string[] = [];
  const questionsOf = ({ bundle }: RunDocument): string => `${bundle.hash} ${bundle.testSet?.hash ?? ''}`;
  if (questionsOf(first.document) !== questionsOf(second.document))
    problems.push('The runs answered other questions (another bundle or test set), so they cannot be paired.');
  const names = armsOf(first.document).map(({ name }) => name);
  const others = armsOf(second.document).map(({ name }) => name);
  const same = first.run === second.run;
  if (same && names.length < 2) problems.push('The run has one arm. Choose a second run, or a run with several arms.');
  if (problems.length > 0) return { kind: 'compare', rows: [], blind, simulated, problems };
  const shared = names.some((name) => others.includes(name));
  const isPair = ({ firstArm, secondArm }: PairedCounts): boolean =>
    same ? names.indexOf(firstArm) < names.indexOf(secondArm) : !shared || firstArm === secondArm;
  const rows = (await queries.pairs(first.source, second.source))
    .filter(isPair)
    .map((pair) => row(first, second, pair));
  if (rows.length === 0)
    problems.push('No trial of the one has its pair (question, repeat, requested SNR) in the other.');
  return { kind: 'compare', rows, blind, simulated, problems };
}

function row(first: ComparedRun, second: ComparedRun, pair: PairedCounts): ComparisonRow {
  const { questions, onlyFirst, onlySecond } = pair;
  const difference = (onlySecond - onlyFirst) / questions;
  // Each pair's difference is -1, 0 or 1, so its squares are counted by the discordant pairs.
  const variance = questions > 1 ? (onlyFirst + onlySecond - questions * difference ** 2) / (questions - 1) : null;
  return {
    first: { run: first.run, arm: pair.firstArm },
    second: { run: second.run, arm: pair.secondArm },
    requestedSnrDb: pair.requestedSnrDb,
    bandwidthHz: pair.bandwidthHz,
    powerDb: pair.powerDb,
    questions,
    firstAccuracy: pair.firstCorrect / questions,
    secondAccuracy: pair.secondCorrect / questions,
    onlyFirstCorrect: onlyFirst,
    onlySecondCorrect: onlySecond,
    difference,
    differenceHalfWidth: variance === null ? null : Z_95 * Math.sqrt(variance / questions),
    pValue: mcNemarExact(onlyFirst, onlySecond),
  };
}
