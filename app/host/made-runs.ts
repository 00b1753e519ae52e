/** Run folders filled with made-up figures, for benches and tests of what reads them. Each says in its name that it is made up. */
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  burstRecordSchema,
  referenceRecordSchema,
  runDocumentSchema,
  stopDocumentSchema,
  trialRecordSchema,
  type BurstRecord,
  type ReferenceRecord,
  type RunDocument,
  type StopDocument,
  type TrialRecord,
} from '../config/run-documents';
import { readBundleSamples } from '../../models/runtime';
import { runFiles } from '../store/layout';
import { writeParquet } from '../store/parquet';
import { armsOf, PointTable } from '../store/points';
import { seededRandom, type UniformRandom } from '../units/random';

const USERS = ['text', 'visual', 'audio'] as const;
const SNR_DB = [0, 5, 10, 15, 20] as const;
const ARM = 'over-the-air';
const FAMILIES = ['count', 'existence', 'order', 'where'] as const;
const DRAWS = 2;
const DAY_MS = 86_400_000;

export interface MadeRunsOptions {
  readonly runs: number;
  /** Of each run, a multiple of five: five points. */
  readonly trials: number;
  /** How many differ in their trials; the others share their files with them, so that thousands fit a disk. */
  readonly distinct: number;
  /** Its questions, pictures and sounds are named, if they are there. */
  readonly bundleFolder: string;
}

/** Fills `parent`, which must be there. @returns the names of the runs */
export async function makeRuns(parent: string, options: MadeRunsOptions): Promise<string[]> {
  const { runs, trials, distinct, bundleFolder } = options;
  const bundle = await readBundleSamples(bundleFolder, null).catch(() => null);
  const names: string[] = [];
  const firsts: { folder: string; stop: StopDocument }[] = [];
  for (let number = 0; number < runs; number++) {
    const startedAt = new Date(Date.UTC(2026, 0, 1) + number * (DAY_MS / 8)).toISOString();
    const name = `made-up-${number % 10}`;
    const run = `${startedAt.slice(0, 19).replaceAll(':', '').replace('T', '-')}-${name}`;
    const folder = path.join(parent, run);
    names.push(run);
    mkdirSync(folder);
    const document = runDocument(name, startedAt, number, trials, bundleFolder, bundle?.hash ?? 'ab'.repeat(32));
    const files = runFiles(folder);
    writeFileSync(files.run, `${JSON.stringify(document, null, 2)}\n`);
    const first = firsts[number % distinct];
    if (first === undefined) {
      const stop = await fill(folder, document);
      firsts.push({ folder, stop });
      continue;
    }
    const shared = runFiles(first.folder);
    for (const file of ['trials', 'trialsParquet', 'references'] as const) linkSync(shared[file], files[file]);
    writeFileSync(files.stop, `${JSON.stringify({ ...first.stop, startedAt }, null, 2)}\n`);
  }
  return names;
}

function runDocument(
  name: string,
  startedAt: string,
  seed: number,
  trials: number,
  bundleFolder: string,
  bundleHash: string,
): RunDocument {
  const trialsPerPoint = trials / SNR_DB.length;
  return runDocumentSchema.parse({
    format: 1,
    name,
    arm: ARM,
    startedAt,
    seed,
    simulated: true,
    planHash: '0'.repeat(64),
    nativeBuild: null,
    versions: { otabench: 'made up' },
    git: { commit: null, modified: null },
    bundle: { name: path.basename(bundleFolder), hash: bundleHash, folder: bundleFolder, testSet: null },
    radios: [],
    users: [...USERS],
    experiment: {},
    plan: {
      snrDb: [...SNR_DB],
      arms: [],
      trialsPerPoint,
      trialsTotal: trials,
      awgnDraws: DRAWS,
      questions: Array.from({ length: trialsPerPoint }, (_, k) => k % 1000),
      blindAccuracy: 0.31,
      families: FAMILIES.map((family) => ({ family, trials: trialsPerPoint / FAMILIES.length, blindAccuracy: 0.31 })),
    },
  });
}

async function fill(folder: string, document: RunDocument): Promise<StopDocument> {
  const files = runFiles(folder);
  const { plan, startedAt, seed } = document;
  const table = new PointTable({
    arms: armsOf(document),
    users: USERS,
    trialsPerPoint: plan.trialsPerPoint,
    blindAccuracy: plan.blindAccuracy,
  });
  const references: ReferenceRecord[] = [];
  const lines: string[] = [];
  SNR_DB.forEach((requestedSnrDb, point) => {
    const random = seededRandom(seed, `made up ${requestedSnrDb}`);
    plan.questions.forEach((question, k) => {
      const repeat = Math.floor(k / 1000);
      const trial = madeTrial(random, { question, repeat, requestedSnrDb, index: point * plan.trialsPerPoint + k });
      table.addTrial(trial);
      lines.push(JSON.stringify(trial));
    });
    const correctPerTrial = plan.questions.map(() => (random() < 0.85 ? String(DRAWS) : '0')).join('');
    const correct = correctPerTrial.replaceAll('0', '').length;
    const reference = referenceRecordSchema.parse({
      arm: ARM,
      requestedSnrDb,
      snrDb: { text: requestedSnrDb, visual: requestedSnrDb, audio: requestedSnrDb },
      correctPerDraw: Array.from({ length: DRAWS }, () => correct),
      correctPerTrial,
    });
    references.push(reference);
    table.addReference(reference);
  });
  writeFileSync(files.trials, `${lines.join('\n')}\n`);
  writeFileSync(files.references, `${references.map((one) => JSON.stringify(one)).join('\n')}\n`);
  await writeParquet(folder);
  const stop = stopDocumentSchema.parse({
    format: 1,
    outcome: 'done',
    message: null,
    startedAt,
    endedAt: startedAt,
    wallS: 60,
    questionsPerSecond: 160,
    resumed: false,
    trialsDone: plan.trialsTotal,
    trialsTotal: plan.trialsTotal,
    points: table.summaries(),
  });
  writeFileSync(files.stop, `${JSON.stringify(stop, null, 2)}\n`);
  return stop;
}

function madeTrial(
  random: UniformRandom,
  {
    question,
    repeat,
    requestedSnrDb,
    index,
  }: Pick<TrialRecord, 'question' | 'repeat' | 'index'> & { readonly requestedSnrDb: number },
): TrialRecord {
  const probability = Math.min(1, 0.5 + requestedSnrDb / 50 + 0.5 * random());
  const correct = random() < probability;
  return trialRecordSchema.parse({
    kind: 'trial',
    id: `${ARM}/${requestedSnrDb}dB/q${question}/r${repeat}`,
    arm: ARM,
    requestedSnrDb,
    index,
    question,
    repeat,
    family: FAMILIES[question % FAMILIES.length] as string,
    valid: true,
    answer: correct ? 'seven' : 'two',
    expected: 'seven',
    correct,
    logProbability: Math.round(1e4 * Math.log(probability)) / 1e4,
    bursts: USERS.map((user, place) => madeBurst(random, user, 3 * index + place, requestedSnrDb)),
    events: [],
    airTimeS: 0.0015,
    attempts: 1,
    wallMs: 1_767_225_600_000 + index,
  });
}

function madeBurst(random: UniformRandom, user: string, sequence: number, requestedSnrDb: number): BurstRecord {
  const snrDb = Math.round(1e3 * (requestedSnrDb + random() - 0.5)) / 1e3;
  const reading = { snrDb, low: snrDb - 0.4, high: snrDb + 0.4 };
  // Fields that are not here are null.
  return burstRecordSchema.parse({
    user,
    sequence,
    tokens: user === 'text' ? 5 : 16,
    dimension: user === 'text' ? 128 : 16,
    detected: true,
    headerOk: true,
    outcome: 'ok',
    subband: null,
    snrDb,
    snrSdDb: 0.2,
    snrLowDb: reading.low,
    snrHighDb: reading.high,
    bestEstimator: 'data-aided-and-pilots',
    sndrDb: snrDb,
    sndrLowDb: reading.low,
    sndrHighDb: reading.high,
    preambleSnrDb: snrDb,
    emptyCarriersSnrDb: snrDb,
    pilotEvmSnrDb: snrDb,
    dataAidedSnrDb: snrDb,
    genieSnrDb: snrDb,
    preambleSdDb: 0.4,
    preambleLowDb: reading.low,
    preambleHighDb: reading.high,
    emptyCarriersSdDb: 0.4,
    emptyCarriersLowDb: reading.low,
    emptyCarriersHighDb: reading.high,
    pilotEvmSdDb: 0.4,
    pilotEvmLowDb: reading.low,
    pilotEvmHighDb: reading.high,
    dataAidedSdDb: 0.4,
    dataAidedLowDb: reading.low,
    dataAidedHighDb: reading.high,
    genieSdDb: 0.4,
    genieLowDb: reading.low,
    genieHighDb: reading.high,
    disturbed: false,
    tokenErrorDb: -snrDb,
    boundErrorDb: -snrDb,
    errorBudget: null,
    phaseDriftRad: 0.001,
    saturatedSamples: 0,
    trueSnrDb: requestedSnrDb,
    cfoHz: Math.round(1e4 * random()) / 10,
    trueCfoHz: 500,
    clockOffsetPpm: 0.2,
    arrivalNs: 100_000,
    requestedTxGainDb: 50,
    txGainDb: 50,
    paprDb: 9.1,
    ccdfDb: [3, 6.5, 8.2],
    clippedFraction: 0,
    limitedFraction: 0,
    clipEvmDb: null,
    airTimeS: 0.0004,
  });
}
