/** What the Results view asks of a run's trials, answered by DuckDB. Fractions 0 to 1, SNR in dB (Es/N0). */
import { existsSync, statSync } from 'node:fs';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { z } from 'zod';
import type { BurstRow, PointKey, TrialRow, TrialsQuery } from '../ipc/results-messages';
import { runFiles } from './layout';
import { CSI_COLUMNS, literal, readLines } from './parquet';

const number = z.number().nullable();

const swept = { requestedSnrDb: number, bandwidthHz: number, powerDb: number };

const figuresSchema = z.object({
  arm: z.string(),
  ...swept,
  questions: z.number(),
  correct: z.number(),
  invalid: z.number(),
  /** Mean of the bursts that were received. */
  measuredSnrDb: number,
  /** Cross-entropy of the right answer, nats: mean and standard deviation. */
  lossNats: number,
  lossSdNats: number,
  /** Pooled tokens that a trial sent, of all users but the text's: mean. */
  tokens: number,
  airTimeS: number,
});
/** All of one point. */
export type PointFigures = z.infer<typeof figuresSchema>;

const pairSchema = z.object({
  firstArm: z.string(),
  secondArm: z.string(),
  ...swept,
  questions: z.number(),
  firstCorrect: z.number(),
  secondCorrect: z.number(),
  onlyFirst: z.number(),
  onlySecond: z.number(),
});
export type PairedCounts = z.infer<typeof pairSchema>;

const rowSchema = z.object({
  id: z.string(),
  question: z.number(),
  repeat: z.number(),
  family: z.string(),
  valid: z.boolean(),
  answer: z.string().nullable(),
  expected: z.string(),
  correct: z.boolean().nullable(),
  probability: number,
  snrDb: number,
  bursts: z.number(),
  headersOk: z.number(),
  events: z.number(),
});
export type BareTrialRow = Omit<TrialRow, 'words'>;

const SWEPT = 'requestedSnrDb, bandwidthHz, powerDb';
const OF_POINT = `arm = $1 AND requestedSnrDb IS NOT DISTINCT FROM $2::DOUBLE AND bandwidthHz IS NOT DISTINCT FROM $3::DOUBLE
  AND powerDb IS NOT DISTINCT FROM $4::DOUBLE`;
const pointValues = ({ arm, requestedSnrDb, bandwidthHz, powerDb }: PointKey): DuckDBValue[] => [
  arm,
  requestedSnrDb,
  bandwidthHz,
  powerDb,
];

const received =
  'list_filter(list_transform(bursts, lambda b: CASE WHEN b.headerOk THEN b.snrDb END), lambda x: x IS NOT NULL)';
const ROW = `id, question, repeat, family, valid, answer, expected, correct,
  least(1.0, exp(logProbability))::DOUBLE AS probability, list_avg(${received})::DOUBLE AS snrDb,
  len(bursts)::INTEGER AS bursts, len(list_filter(bursts, lambda b: b.headerOk))::INTEGER AS headersOk,
  coalesce(len(events), 0)::INTEGER AS events`;

const ANSWERS: Readonly<Record<TrialsQuery['answers'], string>> = {
  all: 'true',
  right: 'valid AND correct',
  wrong: 'valid AND NOT correct',
  invalid: 'NOT valid',
};
const ORDERS: Readonly<Record<TrialsQuery['order'], string>> = {
  index: '"index"',
  'least-probable': 'logProbability NULLS LAST, "index"',
  'lowest-snr': 'snrDb NULLS FIRST, "index"',
};

export class TrialQueries {
  constructor(private readonly connection: DuckDBConnection) {}

  private async rows<T>(schema: z.ZodType<T>, sql: string, values: readonly DuckDBValue[] = []): Promise<T[]> {
    const result = await this.connection.runAndReadAll(sql, [...values]);
    return z.array(schema).parse(result.getRowObjectsJS());
  }

  /** @param source table of TrialSources */
  points(source: string): Promise<PointFigures[]> {
    const counted = 'FILTER (WHERE valid)';
    return this.rows(
      figuresSchema,
      `SELECT arm, ${SWEPT}, (count(*) ${counted})::INTEGER AS questions,
        (count(*) FILTER (WHERE valid AND correct))::INTEGER AS correct,
        (count(*) FILTER (WHERE NOT valid))::INTEGER AS invalid,
        (sum(list_sum(${received})) ${counted} / nullif(sum(len(${received})) ${counted}, 0))::DOUBLE AS measuredSnrDb,
        (avg(-logProbability) ${counted})::DOUBLE AS lossNats, (stddev_samp(-logProbability) ${counted})::DOUBLE AS lossSdNats,
        (avg(list_sum(list_transform(list_filter(bursts, lambda b: b."user" <> 'text'), lambda b: b.tokens))) ${counted})::DOUBLE
          AS tokens,
        (avg(airTimeS) ${counted})::DOUBLE AS airTimeS
      FROM ${source} GROUP BY arm, ${SWEPT} ORDER BY min("index")`,
    );
  }

  async trials(source: string, query: TrialsQuery): Promise<{ matching: number; rows: BareTrialRow[] }> {
    const where = `${OF_POINT} AND ${ANSWERS[query.answers]} AND ($5::VARCHAR IS NULL OR family = $5)`;
    const values = [...pointValues(query.point), query.family];
    const [counted] = await this.rows(
      z.object({ matching: z.number() }),
      `SELECT count(*)::INTEGER AS matching FROM ${source} WHERE ${where}`,
      values,
    );
    const rows = await this.rows(
      rowSchema,
      `SELECT ${ROW} FROM ${source} WHERE ${where} ORDER BY ${ORDERS[query.order]} LIMIT ${query.limit} OFFSET ${query.offset}`,
      values,
    );
    return { matching: counted?.matching ?? 0, rows };
  }

  async families(source: string, point: PointKey): Promise<string[]> {
    const found = await this.rows(
      z.object({ family: z.string() }),
      `SELECT DISTINCT family FROM ${source} WHERE ${OF_POINT} ORDER BY family`,
      pointValues(point),
    );
    return found.map(({ family }) => family);
  }

  /** Null when the run has no such trial. */
  async trial(source: string, id: string): Promise<TrialWhole | null> {
    const [found] = await this.rows(
      wholeSchema,
      `SELECT ${ROW}, arm, ${SWEPT}, wallMs::DOUBLE AS wallMs, to_json(bursts) AS burstsJson, to_json(events) AS eventsJson
        FROM ${source} WHERE id = $1`,
      [id],
    );
    return found ?? null;
  }

  /** Pairs of arms over the trials (question and repeat) that both answered validly, at equal requested SNR. */
  pairs(first: string, second: string): Promise<PairedCounts[]> {
    const counted = (which: string): string => `(count(*) FILTER (WHERE ${which}))::INTEGER`;
    return this.rows(
      pairSchema,
      `SELECT a.arm AS firstArm, b.arm AS secondArm, a.requestedSnrDb, a.bandwidthHz, a.powerDb, count(*)::INTEGER AS questions,
        ${counted('a.correct')} AS firstCorrect, ${counted('b.correct')} AS secondCorrect,
        ${counted('a.correct AND NOT b.correct')} AS onlyFirst, ${counted('b.correct AND NOT a.correct')} AS onlySecond
      FROM ${first} a JOIN ${second} b USING (question, repeat)
      WHERE a.requestedSnrDb IS NOT DISTINCT FROM b.requestedSnrDb AND a.bandwidthHz IS NOT DISTINCT FROM b.bandwidthHz
        AND a.powerDb IS NOT DISTINCT FROM b.powerDb AND a.valid AND b.valid AND a.correct IS NOT NULL AND b.correct IS NOT NULL
      GROUP BY ALL ORDER BY 1, 2, 3, 4, 5`,
    );
  }

  /** Channel of a trial's bursts, from csi.parquet and from lines that are not in it yet. */
  async channel(folder: string, trial: string): Promise<CarrierRow[]> {
    const files = runFiles(folder);
    const sources: string[] = [];
    if (existsSync(files.csiParquet))
      sources.push(`SELECT trial, "user", carrier, hRe, hIm, snrDb FROM ${literal(files.csiParquet)}`);
    if ((statSync(files.csiLines, { throwIfNoEntry: false })?.size ?? 0) > 0)
      sources.push(`SELECT trial, "user", unnest(carriers) AS carrier, unnest(re) AS hRe, unnest(im) AS hIm,
        unnest(snrDb) AS snrDb FROM ${readLines(files.csiLines, CSI_COLUMNS)}`);
    if (sources.length === 0) return [];
    return this.rows(
      carrierSchema,
      `SELECT "user", carrier::INTEGER AS carrier, hRe::DOUBLE AS hRe, hIm::DOUBLE AS hIm, snrDb::DOUBLE AS snrDb
        FROM (${sources.join(' UNION ALL ')}) WHERE trial = $1 ORDER BY "user", carrier`,
      [trial],
    );
  }
}

const carrierSchema = z.object({
  user: z.string(),
  carrier: z.number(),
  hRe: z.number(),
  hIm: z.number(),
  snrDb: z.number(),
});
export type CarrierRow = z.infer<typeof carrierSchema>;

/** Fields that a burst of an earlier version lacks are null. */
const burstSchema = z.object({
  user: z.string(),
  tokens: z.number(),
  dimension: z.number(),
  detected: z.boolean(),
  headerOk: z.boolean(),
  outcome: z.string().nullable(),
  snrDb: number,
  snrLowDb: number,
  snrHighDb: number,
  bestEstimator: z.string().nullable(),
  preambleSnrDb: number,
  emptyCarriersSnrDb: number,
  pilotEvmSnrDb: number,
  genieSnrDb: number,
  trueSnrDb: number,
  tokenErrorDb: number,
  cfoHz: number,
  txGainDb: number,
  airTimeS: number,
});

const wholeSchema = rowSchema.extend({
  arm: z.string(),
  ...swept,
  wallMs: number,
  burstsJson: z.string().transform((text): BurstRow[] =>
    z
      .array(burstSchema)
      .parse(JSON.parse(text))
      .map(({ detected, headerOk, outcome, bestEstimator, ...rest }) => ({
        ...rest,
        estimator: bestEstimator,
        outcome: outcome ?? (headerOk ? 'ok' : detected ? 'header corrupt' : 'not detected'),
      })),
  ),
  eventsJson: z
    .string()
    .nullable()
    .transform((text): string[] =>
      z
        .array(
          z.object({
            kind: z.string(),
            direction: z.string(),
            serial: z.string(),
            count: z.number(),
            detail: z.string(),
          }),
        )
        .parse(JSON.parse(text ?? '[]'))
        .map(
          ({ kind, direction, serial, count, detail }) =>
            `${kind} (${direction}, ${serial}, ${count} times): ${detail}`,
        ),
    ),
});
export type TrialWhole = z.infer<typeof wholeSchema>;
