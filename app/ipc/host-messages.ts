/**
 * Messages between the host process and whoever shows its work (the desktop window; a test).
 * Both ends parse what they receive with these schemas; what does not parse is refused.
 *
 * Two channels. The control channel (`process.parentPort`) joins the host to the process that supervises it: there the
 * host sends `ready`, `heartbeat` (every 500 ms), `busy`, `run-started`, `run-finished` and `error`, and accepts every
 * command. The live channel is a MessagePort that arrives with an `attach-window` command (a later one replaces it):
 * there the host sends every event but `heartbeat` and `busy` and accepts every command but `shutdown`, `attach-window`
 * and those that name a file; `live` goes to windows that asked for it. On attaching it sends `ready` and, while a run
 * goes on, that run's `run-started`, last `progress` and all its points, so that a window that is opened late shows the
 * same as one that was there from the start.
 *
 * The Results view asks on the live channel (`query-results`, answered with a message of results-messages.ts). What
 * names a file (`export-results`, `make-report`) is taken from the control channel alone and answered with `task-done`.
 */
import * as z from 'zod';
import { healthSchema, liveViewSchema, radioDetailsSchema } from './live-messages';
import { exportRequestSchema, resultsQuerySchema, runNameSchema } from './results-messages';

const percentFraction = z.number().min(0).max(1);

/** One row of the result table: one arm at one place of the sweep. Fractions are 0 to 1, SNR in dB (Es/N0). */
export const pointSchema = z.object({
  arm: z.string(),
  /** Null where budgets are swept (app/units/place). */
  requestedSnrDb: z.number().nullable(),
  bandwidthHz: z.number().optional(),
  powerDb: z.number().optional(),
  measuredSnrDb: z.number().nullable(),
  /** Standard deviation of the measured SNR over the point's bursts, dB. */
  measuredSnrSdDb: z.number().nullable(),
  /** Ground truth of the medium; null on real radios. */
  trueSnrDb: z.number().nullable(),
  burstsSent: z.int().nonnegative(),
  burstsDetected: z.int().nonnegative(),
  headersOk: z.int().nonnegative(),
  questions: z.int().nonnegative(),
  accuracy: percentFraction.nullable(),
  /** Bounds of the 95 % Wilson interval. */
  accuracyLow: percentFraction.nullable(),
  accuracyHigh: percentFraction.nullable(),
  /** The same questions over an ideal AWGN channel at the measured SNR; null until computed. */
  awgnAccuracy: percentFraction.nullable(),
  blindAccuracy: percentFraction.nullable(),
});
export type Point = z.infer<typeof pointSchema>;

/** Host to window. */
export const hostEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), version: z.string(), pid: z.int() }),
  z.object({ type: z.literal('heartbeat'), sentAtMs: z.number() }),
  /** Announces a silence that is no fault (loading a model): no heartbeat is expected for `expectedS`. */
  z.object({ type: z.literal('busy'), what: z.string(), expectedS: z.number().nonnegative().max(300) }),
  z.object({
    type: z.literal('run-started'),
    run: z.string(),
    name: z.string(),
    trialsTotal: z.int().nonnegative(),
    radios: z.array(
      z.object({
        role: z.string(),
        serial: z.string(),
        driver: z.string(),
        /** As achieved. */
        centerFrequencyHz: z.number(),
        sampleRateHz: z.number(),
      }),
    ),
    simulated: z.boolean(),
    /** The processes that have the radios. SIGTERM silences and ends them. */
    radioPids: z.array(z.int().positive()),
  }),
  z.object({
    type: z.literal('progress'),
    run: z.string(),
    phase: z.enum(['sounding', 'trials', 'references']),
    /** Trials were with the radios since the message before. False: the model answers, or references are computed. */
    transmitting: z.boolean(),
    trialsDone: z.int().nonnegative(),
    trialsTotal: z.int().nonnegative(),
    questionsPerSecond: z.number().nonnegative(),
    remainingS: z.number().nonnegative().nullable(),
  }),
  /** A point as it stands; sent again whenever it has grown. The newest replaces earlier ones of the same arm and SNR. */
  z.object({ type: z.literal('point'), run: z.string(), complete: z.boolean(), point: pointSchema }),
  z.object({
    type: z.literal('run-finished'),
    run: z.string(),
    outcome: z.enum(['done', 'stopped', 'failed']),
    message: z.string().nullable(),
    reportFile: z.string().nullable(),
    wallS: z.number().nonnegative(),
  }),
  /** Radios that drivers know of, none of them opened; one line for each driver that could not be asked. */
  z.object({
    type: z.literal('radios-found'),
    radios: z.array(z.object({ driver: z.string(), serial: z.string(), label: z.string() })),
    failures: z.array(z.string()),
  }),
  /** Answers `export-results` and `make-report`: the file that was written, or why there is none. */
  z.object({ type: z.literal('task-done'), id: z.int(), file: z.string().nullable(), error: z.string().nullable() }),
  /** What opened radios are and can do: those of a run when it begins, or the one asked for by `inspect-radio`. */
  z.object({ type: z.literal('radio-details'), radios: z.array(radioDetailsSchema) }),
  /** Faults and sensors of the radios in use, or of the one asked for; the newest replaces what was known of them. */
  healthSchema.extend({ type: z.literal('health') }),
  /** The newest view. The next one comes after `live-drawn`. `sentAtMs` is the time of day. */
  z.object({ type: z.literal('live'), sequence: z.int().positive(), sentAtMs: z.number(), view: liveViewSchema }),
  z.object({ type: z.literal('error'), message: z.string() }),
]);
export type HostEvent = z.infer<typeof hostEventSchema>;

/** Window to host. */
export const hostCommandSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start-run'), experimentFile: z.string().min(1) }),
  z.object({ type: z.literal('stop-run') }),
  /** Answered with `radios-found`; refused while a run has the radios. */
  z.object({ type: z.literal('find-radios') }),
  /** Opens the radio for a moment. Answered with `radio-details` and `health`; refused while a run has the radios. */
  z.object({
    type: z.literal('inspect-radio'),
    driver: z.string().min(1).max(64),
    serial: z.string().min(1).max(128),
  }),
  /** Whether this window shows views. While it does, `live` comes. */
  z.object({ type: z.literal('watch-live'), on: z.boolean() }),
  /** The `live` sent last is on the screen. */
  z.object({ type: z.literal('live-drawn'), sequence: z.int().positive() }),
  /** Ends the run cleanly (run folder closed, transmitters silent) and then the host process itself, exit code 0. */
  z.object({ type: z.literal('shutdown') }),
  /** Carries one MessagePort, the live channel of a window. */
  z.object({ type: z.literal('attach-window') }),
  z.object({ type: z.literal('query-results'), id: z.int().nonnegative(), query: resultsQuerySchema }),
  z.object({ type: z.literal('export-results'), id: z.int(), request: exportRequestSchema, file: z.string().min(1) }),
  z.object({ type: z.literal('make-report'), id: z.int(), run: runNameSchema }),
]);
export type HostCommand = z.infer<typeof hostCommandSchema>;
