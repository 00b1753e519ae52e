/** `otabench evaluate`: a bundle's accuracy over the ideal channel. */
import path from 'node:path';
import { findBundle } from '../config/bundle-folders';
import { InvalidInputError } from '../config/violations';
import { evaluate, type EvaluationRow } from '../host/evaluation';
import type { HostParts, LoadedModel } from '../host/run';
import { formatPercent } from '../units/format';
import { readSettings, type Setting } from './evaluate-settings';

export interface EvaluateOptions {
  readonly testSet?: string;
  readonly snr: string;
  readonly tokens: string;
  readonly draws: string;
  readonly seed: string;
  readonly power: string;
  readonly settings?: string;
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
  settings: readonly Setting[] | null;
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
  const settings = options.settings === undefined ? null : readSettings(options.settings);
  return { snrDb, tokens, draws, seed, power: power as 'burst' | 'token', settings };
}

/** Every length with every SNR, all users alike. */
function grid(tokens: readonly number[], snrDb: readonly number[]): Setting[] {
  return tokens.flatMap((length) =>
    snrDb.map((level) => ({
      visualTokens: length,
      audioTokens: length,
      visualSnrDb: level,
      audioSnrDb: level,
      textSnrDb: level,
    })),
  );
}

/** @returns the exit code */
export async function evaluateCommand(bundle: string, options: EvaluateOptions, parts: HostParts): Promise<number> {
  const { snrDb, tokens, draws, seed, power, settings } = readOptions(options);
  const testSet = options.testSet === undefined ? null : path.resolve(options.testSet);
  let loaded: LoadedModel;
  try {
    loaded = await parts.loadModel(findBundle(bundle, ''), testSet);
  } catch (error) {
    throw new InvalidInputError([`evaluate ${bundle}: ${(error as Error).message}`]);
  }
  try {
    const { facts, model } = loaded;
    const points = settings ?? grid(tokens, snrDb);
    for (const point of points)
      for (const user of ['visual', 'audio'] as const)
        if (!facts.tokenLengths[user].includes(point[`${user}Tokens`]))
          throw new InvalidInputError([
            `evaluate --${settings ? 'settings' : 'tokens'}: value "${point[`${user}Tokens`]}"; allowed ${facts.tokenLengths[user].join(', ')} (${user} of bundle ${facts.name})`,
          ]);
    const what = facts.testSet ? ` of ${path.basename(facts.testSet.file)}` : '';
    if (options.json !== true)
      process.stdout.write(
        `${facts.name}: ${facts.questions} questions${what}, ideal AWGN channel, power one over each ${power}\n` +
          `${settings ? 'L visual, audio  SNR dB visual, audio, text' : '   L   SNR dB'}  accuracy %  95 % interval   loss nats  blind %\n`,
      );
    const rows: EvaluationRow[] = [];
    for (const { visualTokens, audioTokens, visualSnrDb, audioSnrDb, textSnrDb } of points) {
      const row = await evaluate(model, {
        lengths: { visual: visualTokens, audio: audioTokens },
        snrDb: { text: textSnrDb, visual: visualSnrDb, audio: audioSnrDb },
        draws,
        seed,
        normalisation: power,
        arm: ARM,
      });
      rows.push(row);
      if (options.json !== true) process.stdout.write(`${describe(row, settings !== null)}\n`);
    }
    if (options.json === true)
      process.stdout.write(`${asJson(loaded, power, settings ? rows.map(asPoint) : rows.map(alike), settings)}\n`);
    else if (settings === null) process.stdout.write(`${families(rows.at(-1) as EvaluationRow).join('\n')}\n`);
    return 0;
  } finally {
    await loaded.close();
  }
}

const percent = (fraction: number): string => formatPercent(fraction).replace(' %', '');

function level(snrDb: number): string {
  return snrDb === Infinity ? 'none' : String(snrDb);
}

function describe(row: EvaluationRow, each: boolean): string {
  const interval = `[${percent(row.low)}, ${percent(row.high)}]`;
  const { text, visual, audio } = row.snrDb;
  const place = each
    ? `${`${row.visualTokens}, ${row.audioTokens}`.padStart(15)}  ${[visual, audio, text].map(level).join(', ').padStart(26)}`
    : `${String(row.visualTokens).padStart(4)}  ${level(text).padStart(7)}`;
  return `${place}  ${percent(row.accuracy).padStart(10)}  ${interval.padStart(13)}  ${row.lossNats.toFixed(4).padStart(10)}  ${percent(row.blindAccuracy).padStart(7)}`;
}

function families({ visualTokens, snrDb: { text }, families: list }: EvaluationRow): string[] {
  const at = text === Infinity ? 'without noise' : `at ${text} dB`;
  return [
    `by family, L ${visualTokens}, ${at}:`,
    ...list.map(
      ({ family, accuracy, blindAccuracy, questions }) =>
        `  ${family.padEnd(12)} ${percent(accuracy).padStart(6)} % of ${questions}, blind ${percent(blindAccuracy)} %`,
    ),
  ];
}

/** JSON has no infinity; null is the noise-free channel. */
const orNull = (snrDb: number): number | null => (snrDb === Infinity ? null : snrDb);

/** All users at one SNR. */
function alike(row: EvaluationRow): object {
  return { ...row, snrDb: orNull(row.snrDb.text) };
}

/** Each user at its own, under the names that a loss surface's points have. */
function asPoint({ snrDb, ...row }: EvaluationRow): object {
  return {
    visualSnrDb: orNull(snrDb.visual),
    audioSnrDb: orNull(snrDb.audio),
    textSnrDb: orNull(snrDb.text),
    ...row,
  };
}

function asJson(
  { facts }: LoadedModel,
  power: string,
  rows: readonly object[],
  settings: readonly Setting[] | null,
): string {
  // What else a setting says comes back with its row.
  const shown = settings === null ? rows : rows.map((row, i) => ({ ...settings[i], ...row }));
  return JSON.stringify({ bundle: facts.name, hash: facts.hash, testSet: facts.testSet ?? null, power, rows: shown });
}
