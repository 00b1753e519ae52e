/** `otabench evaluate`: a bundle's accuracy over the ideal channel. */
import path from 'node:path';
import { findBundle } from '../config/bundle-folders';
import { InvalidInputError } from '../config/violations';
import { evaluate, type EvaluationRow } from '../host/evaluation';
import type { HostParts, LoadedModel } from '../host/run';
import { formatPercent } from '../units/format';

export interface EvaluateOptions {
  readonly testSet?: string;
  readonly snr: string;
  readonly tokens: string;
  readonly draws: string;
  readonly seed: string;
  readonly power: string;
  readonly json?: boolean;
}

/** The arm of an experiment file that names none. */
const ARM = 'over-the-air';

/** @throws InvalidInputError with a line for every option that cannot be used */
function readOptions(options: EvaluateOptions): {
  snrDb: number[];
  tokens: number[];
  draws: number;
  seed: number;
  power: 'burst' | 'token';
} {
  const violations: string[] = [];
  const refuse = (option: string, found: string, allowed: string): void => {
    violations.push(`evaluate --${option}: value "${found}"; allowed ${allowed}`);
  };
  const integer = (option: string, text: string, min: number, max: number): number => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) refuse(option, text, `an integer from ${min} to ${max}`);
    return value;
  };
  const snrDb = options.snr.split(',').map((text) => {
    if (text.trim() === 'none') return Infinity;
    const value = text.trim() === '' ? NaN : Number(text);
    if (!(value >= -40 && value <= 60)) refuse('snr', text, 'numbers from -40 to 60 dB, or none');
    return value;
  });
  const tokens = options.tokens.split(',').map((text) => integer('tokens', text, 1, 4096));
  const draws = integer('draws', options.draws, 1, 1000);
  const seed = integer('seed', options.seed, 0, 4294967295);
  const { power } = options;
  if (power !== 'burst' && power !== 'token') refuse('power', power, 'burst, token');
  if (violations.length > 0) throw new InvalidInputError(violations);
  return { snrDb, tokens, draws, seed, power: power as 'burst' | 'token' };
}

/** @returns the exit code */
export async function evaluateCommand(bundle: string, options: EvaluateOptions, parts: HostParts): Promise<number> {
  const { snrDb, tokens, draws, seed, power } = readOptions(options);
  const testSet = options.testSet === undefined ? null : path.resolve(options.testSet);
  let loaded: LoadedModel;
  try {
    loaded = await parts.loadModel(findBundle(bundle, ''), testSet);
  } catch (error) {
    throw new InvalidInputError([`evaluate ${bundle}: ${(error as Error).message}`]);
  }
  try {
    const { facts, model } = loaded;
    for (const length of tokens)
      for (const user of ['visual', 'audio'] as const)
        if (!facts.tokenLengths[user].includes(length))
          throw new InvalidInputError([
            `evaluate --tokens: value "${length}"; allowed ${facts.tokenLengths[user].join(', ')} (${user} of bundle ${facts.name})`,
          ]);
    const what = facts.testSet ? ` of ${path.basename(facts.testSet.file)}` : '';
    if (options.json !== true)
      process.stdout.write(
        `${facts.name}: ${facts.questions} questions${what}, ideal AWGN channel, power one over each ${power}\n` +
          '   L   SNR dB  accuracy %  95 % interval   loss nats  blind %\n',
      );
    const rows: EvaluationRow[] = [];
    for (const length of tokens)
      for (const level of snrDb) {
        const lengths = { visual: length, audio: length };
        const row = await evaluate(model, { lengths, snrDb: level, draws, seed, normalisation: power, arm: ARM });
        rows.push(row);
        if (options.json !== true) process.stdout.write(`${describe(row)}\n`);
      }
    if (options.json === true) process.stdout.write(`${asJson(loaded, power, rows)}\n`);
    else process.stdout.write(`${families(rows.at(-1) as EvaluationRow).join('\n')}\n`);
    return 0;
  } finally {
    await loaded.close();
  }
}

const percent = (fraction: number): string => formatPercent(fraction).replace(' %', '');

function level(snrDb: number): string {
  return snrDb === Infinity ? 'none' : String(snrDb);
}

function describe(row: EvaluationRow): string {
  const interval = `[${percent(row.low)}, ${percent(row.high)}]`;
  return `${String(row.visualTokens).padStart(4)}  ${level(row.snrDb).padStart(7)}  ${percent(row.accuracy).padStart(10)}  ${interval.padStart(13)}  ${row.lossNats.toFixed(4).padStart(10)}  ${percent(row.blindAccuracy).padStart(7)}`;
}

function families({ visualTokens, snrDb, families: list }: EvaluationRow): string[] {
  const at = snrDb === Infinity ? 'without noise' : `at ${snrDb} dB`;
  return [
    `by family, L ${visualTokens}, ${at}:`,
    ...list.map(
      ({ family, accuracy, blindAccuracy, questions }) =>
        `  ${family.padEnd(12)} ${percent(accuracy).padStart(6)} % of ${questions}, blind ${percent(blindAccuracy)} %`,
    ),
  ];
}

function asJson({ facts }: LoadedModel, power: string, rows: readonly EvaluationRow[]): string {
  // JSON has no infinity; null is the noise-free channel.
  const shown = rows.map((row) => ({ ...row, snrDb: row.snrDb === Infinity ? null : row.snrDb }));
  return JSON.stringify({ bundle: facts.name, hash: facts.hash, testSet: facts.testSet ?? null, power, rows: shown });
}
