/**
 * The Results view's questions about run folders and the host's answers. They travel on the live channel, each question
 * with a number that its answer repeats. The page names runs, never files; it gets rows, pages and aggregates.
 */
import * as z from 'zod';
import {
  ANSWER_FILTERS,
  CHART_KINDS,
  MOST_ROWS,
  MOST_RUNS_IN_CHART,
  MOST_TAGS,
  NOTE_LENGTH,
  RUN_ORDERS,
  RUN_STATES,
  TAG_PATTERN,
} from './results-words';

/** Name of a run folder within the runs folder. */
const runName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^(?!\.{1,2}$)[^/\\\0]+$/, { error: 'the name of a run folder' });
const count = z.int().nonnegative();
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, { error: 'bytes' });
const floats = z.custom<Float32Array>((value) => value instanceof Float32Array, { error: 'float32 samples' });
const fraction = z.number().min(0).max(1);

const tag = z.string().regex(TAG_PATTERN, { error: 'a word of at most 40 characters, without commas' });
const tags = z.array(tag).max(MOST_TAGS);
const note = z.string().max(NOTE_LENGTH);

/** What sets the points of an arm apart: requested SNR, or the budget where one is swept. The others are null. */
const swept = {
  requestedSnrDb: z.number().nullable(),
  bandwidthHz: z.number().nullable(),
  /** Relative to the experiment's reference power. */
  powerDb: z.number().nullable(),
};

/** An accuracy with all that it must not go without: count, 95 % Wilson interval, blind prior. */
export const accuracySchema = z.object({
  arm: z.string(),
  ...swept,
  accuracy: fraction,
  low: fraction,
  high: fraction,
  questions: count,
  blind: fraction.nullable(),
});

/** A row of the run table. What an unreadable folder does not tell is null. */
export const runSummarySchema = z.object({
  run: z.string(),
  state: z.enum(RUN_STATES),
  /** What is wrong with it, or what its stop document says; one line. */
  message: z.string().nullable(),
  name: z.string().nullable(),
  startedAt: z.string().nullable(),
  simulated: z.boolean().nullable(),
  bundle: z.string().nullable(),
  commit: z.string().nullable(),
  seed: z.number().nullable(),
  arms: z.array(z.string()),
  snrDb: z.object({ min: z.number(), max: z.number() }).nullable(),
  points: count,
  trialsDone: count.nullable(),
  trialsTotal: count.nullable(),
  wallS: z.number().nonnegative().nullable(),
  /** Of the first arm's point with the highest SNR (or the largest budget); null before the run has stopped. */
  top: accuracySchema.nullable(),
  tags: z.array(z.string()),
  note: z.string(),
});
export type RunSummary = z.infer<typeof runSummarySchema>;

const page = { offset: count, limit: z.int().min(1).max(MOST_ROWS) };

const listQuerySchema = z.object({
  kind: z.literal('list'),
  /** All of them must occur in a row's names, tags or note; case does not matter. */
  words: z.string().max(200),
  tag: tag.nullable(),
  state: z.enum(RUN_STATES).nullable(),
  order: z.enum(RUN_ORDERS),
  descending: z.boolean(),
  ...page,
});
export type ListQuery = z.infer<typeof listQuerySchema>;

const listReplySchema = z.object({
  kind: z.literal('list'),
  /** Where the runs lie. */
  folder: z.string(),
  runs: count,
  matching: count,
  rows: z.array(runSummarySchema).max(MOST_ROWS),
  tags: z.array(z.object({ tag: z.string(), runs: count })),
  /** How long the host took, ms. */
  tookMs: z.number().nonnegative(),
});
export type ListReply = z.infer<typeof listReplySchema>;

export const chartRequestSchema = z.object({
  chart: z.enum(CHART_KINDS),
  /** The y axis shows the measured points and their intervals, and no more. */
  fit: z.boolean(),
  runs: z.array(runName).min(1).max(MOST_RUNS_IN_CHART),
});
export type ChartRequest = z.infer<typeof chartRequestSchema>;

export type Swept = { readonly [K in keyof typeof swept]: number | null };

/** Whose trials a dot stands for. */
export const pointKeySchema = z.object({ run: runName, arm: z.string(), ...swept });
export type PointKey = z.infer<typeof pointKeySchema>;

export const dotSchema = z.object({
  x: z.number(),
  y: z.number(),
  /** 95 % interval on the y axis. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Questions that it rests on; null on a curve of reference. */
  count: count.nullable(),
  /** Null where a click finds no trials. */
  point: pointKeySchema.nullable(),
  /** More figures of it, for tooltip and table. */
  measuredSnrDb: z.number().nullable(),
  blind: fraction.nullable(),
  tokens: z.number().nullable(),
});
export type Dot = z.infer<typeof dotSchema>;

export const seriesSchema = z.object({
  label: z.string(),
  run: z.string(),
  /** `measured` has dots with intervals; `reference` is dashed (AWGN, a prediction); `prior` is dotted (blind). */
  kind: z.enum(['measured', 'reference', 'prior']),
  /** Series of one number share a colour. */
  colour: count,
  /** Whether a line goes from dot to dot. */
  joined: z.boolean(),
  dots: z.array(dotSchema),
});
export type Series = z.infer<typeof seriesSchema>;

/** A chart as it is drawn on the page and in exported files alike. */
export const chartModelSchema = z.object({
  chart: z.enum(CHART_KINDS),
  title: z.string(),
  /** What all of it rests on: twins, radios, or both (then each series says it). */
  source: z.enum(['simulated', 'measured', 'both']),
  x: z.object({ title: z.string(), min: z.number(), max: z.number() }),
  y: z.object({ title: z.string(), min: z.number(), max: z.number() }),
  series: z.array(seriesSchema),
  /** How to read it, one or two sentences. */
  caption: z.string(),
  /** Why a run has no series here; one line each. */
  missing: z.array(z.string()),
});
export type ChartModel = z.infer<typeof chartModelSchema>;

const chartReplySchema = z.object({ kind: z.literal('chart'), model: chartModelSchema, tookMs: z.number() });

/** Two arms (of two runs) on the same questions. */
export const comparisonRowSchema = z.object({
  first: z.object({ run: z.string(), arm: z.string() }),
  second: z.object({ run: z.string(), arm: z.string() }),
  ...swept,
  /** Trials that both answered validly. */
  questions: count,
  firstAccuracy: fraction,
  secondAccuracy: fraction,
  onlyFirstCorrect: count,
  onlySecondCorrect: count,
  /** Second minus first, with the half-width of its 95 % interval (paired). */
  difference: z.number(),
  differenceHalfWidth: z.number().nullable(),
  /** McNemar's test, exact, two-sided. */
  pValue: fraction,
});
export type ComparisonRow = z.infer<typeof comparisonRowSchema>;

const compareReplySchema = z.object({
  kind: z.literal('compare'),
  rows: z.array(comparisonRowSchema),
  blind: fraction.nullable(),
  simulated: z.enum(['simulated', 'measured', 'both']),
  /** Why runs cannot be paired; one line each. */
  problems: z.array(z.string()),
});
export type CompareReply = z.infer<typeof compareReplySchema>;

const trialsQuerySchema = z.object({
  kind: z.literal('trials'),
  point: pointKeySchema,
  answers: z.enum(ANSWER_FILTERS),
  family: z.string().max(100).nullable(),
  order: z.enum(['index', 'least-probable', 'lowest-snr']),
  ...page,
});
export type TrialsQuery = z.infer<typeof trialsQuerySchema>;

const trialRowSchema = z.object({
  id: z.string(),
  question: count,
  repeat: count,
  family: z.string(),
  /** The question in words; null where the run's samples are not at hand. */
  words: z.string().nullable(),
  valid: z.boolean(),
  answer: z.string().nullable(),
  expected: z.string(),
  correct: z.boolean().nullable(),
  /** Probability that the model gave the right answer. */
  probability: fraction.nullable(),
  /** Mean over the bursts that were received, dB. */
  snrDb: z.number().nullable(),
  bursts: count,
  headersOk: count,
  /** Radio events during it. */
  events: count,
});
export type TrialRow = z.infer<typeof trialRowSchema>;

const trialsReplySchema = z.object({
  kind: z.literal('trials'),
  matching: count,
  rows: z.array(trialRowSchema).max(MOST_ROWS),
  /** Of the whole point, whatever the filter. */
  summary: accuracySchema.nullable(),
  invalid: count,
  families: z.array(z.string()),
  simulated: z.boolean(),
});
export type TrialsReply = z.infer<typeof trialsReplySchema>;

const burstRowSchema = z.object({
  user: z.string(),
  tokens: count,
  dimension: count,
  outcome: z.string(),
  snrDb: z.number().nullable(),
  snrLowDb: z.number().nullable(),
  snrHighDb: z.number().nullable(),
  /** Which estimator `snrDb` is of. */
  estimator: z.string().nullable(),
  preambleSnrDb: z.number().nullable(),
  emptyCarriersSnrDb: z.number().nullable(),
  pilotEvmSnrDb: z.number().nullable(),
  genieSnrDb: z.number().nullable(),
  trueSnrDb: z.number().nullable(),
  tokenErrorDb: z.number().nullable(),
  cfoHz: z.number().nullable(),
  txGainDb: z.number().nullable(),
  airTimeS: z.number().nullable(),
});
export type BurstRow = z.infer<typeof burstRowSchema>;

const trialReplySchema = z.object({
  kind: z.literal('trial'),
  simulated: z.boolean(),
  point: pointKeySchema.omit({ run: true }),
  trial: trialRowSchema,
  blindAnswer: z.string().nullable(),
  wallMs: z.number().nullable(),
  bursts: z.array(burstRowSchema),
  events: z.array(z.string()),
  /** Why picture, sound and question are not shown; null when they are. */
  sampleProblem: z.string().nullable(),
  /** Grey levels, row by row. */
  picture: z.object({ width: count, height: count, pixels: bytes }).nullable(),
  /** Samples from -1 to 1. */
  sound: z.object({ sampleRateHz: z.number().positive(), samples: floats }).nullable(),
  /** Equalised payload symbols, interleaved re, im, of this trial or of another one of the same point. */
  symbols: z.object({
    trial: z.string().nullable(),
    users: z.array(z.object({ user: z.string(), iq: floats })),
  }),
  /** |H| against the burst's mean and SNR by carrier; empty where the run kept no CSI of this trial. */
  channel: z.array(
    z.object({ user: z.string(), carriers: z.array(z.number()), hDb: z.array(z.number()), snrDb: z.array(z.number()) }),
  ),
});
export type TrialReply = z.infer<typeof trialReplySchema>;

const runReplySchema = z.object({
  kind: z.literal('run'),
  summary: runSummarySchema,
  /** Provenance and plan, as name and value. */
  facts: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type RunReply = z.infer<typeof runReplySchema>;

export const resultsQuerySchema = z.discriminatedUnion('kind', [
  listQuerySchema,
  chartRequestSchema.extend({ kind: z.literal('chart') }),
  z.object({ kind: z.literal('compare'), first: runName, second: runName }),
  trialsQuerySchema,
  z.object({ kind: z.literal('trial'), run: runName, id: z.string().min(1).max(500) }),
  z.object({ kind: z.literal('run'), run: runName }),
  /** Keeps tags and note beside the run; answered with the run. */
  z.object({ kind: z.literal('annotate'), run: runName, tags, note }),
]);
export type ResultsQuery = z.infer<typeof resultsQuerySchema>;

export const resultsReplySchema = z.discriminatedUnion('kind', [
  listReplySchema,
  chartReplySchema,
  compareReplySchema,
  trialsReplySchema,
  trialReplySchema,
  runReplySchema,
  /** It could not be answered; one line. */
  z.object({ kind: z.literal('error'), message: z.string() }),
]);
export type ResultsReply = z.infer<typeof resultsReplySchema>;
/** The answer to a question of this kind. */
export type ReplyTo<Kind extends ResultsQuery['kind']> = Extract<
  ResultsReply,
  { kind: Kind extends 'annotate' ? 'run' : Kind }
>;

/** Host to window, on the live channel. */
export const resultsMessageSchema = z.object({ type: z.literal('results'), id: count, reply: resultsReplySchema });
export type ResultsMessage = z.infer<typeof resultsMessageSchema>;

/** What can be written to a file that the user chose. */
export const exportRequestSchema = z.discriminatedUnion('what', [
  chartRequestSchema.extend({ what: z.literal('chart'), format: z.enum(['png', 'svg', 'csv', 'parquet']) }),
  z.object({ what: z.literal('trials'), run: runName, format: z.enum(['csv', 'parquet']) }),
]);
export type ExportRequest = z.infer<typeof exportRequestSchema>;

export { runName as runNameSchema };
