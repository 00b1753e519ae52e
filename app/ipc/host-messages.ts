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

/** Longest experiment file that an editor sends, characters. */
export const MOST_FILE_CHARACTERS = 1_000_000;

export const FORM_KINDS = [
  'mapping',
  'record',
  'list',
  'number',
  'integer',
  'text',
  'choice',
  'boolean',
  'either',
  'any',
] as const;

/** One field of the experiment file, as the schema has it: what a form is made from. */
export interface FormField {
  /** Its key in the mapping around it; empty for what a list or a record holds, and for an alternative. */
  readonly key: string;
  readonly kind: (typeof FORM_KINDS)[number];
  /** What is allowed, in the words of the error message. */
  readonly allowed: string;
  /** By the key's ending; empty where there is none. */
  readonly unit: string;
  readonly required: boolean;
  /** null is allowed too. */
  readonly nullable: boolean;
  /** What stands for the field where it is left out, as JSON. */
  readonly byDefault: string | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly choices: readonly string[];
  /** Of a mapping; what a record or a list holds; the alternatives. */
  readonly fields: readonly FormField[];
}

const formFieldSchema: z.ZodType<FormField> = z.lazy(() =>
  z.object({
    key: z.string(),
    kind: z.enum(FORM_KINDS),
    allowed: z.string(),
    unit: z.string(),
    required: z.boolean(),
    nullable: z.boolean(),
    byDefault: z.string().nullable(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    choices: z.array(z.string()),
    fields: z.array(formFieldSchema),
  }),
);

/** What a plan would do. Durations are estimates, s. */
const planSummarySchema = z.object({
  /** As `otabench check` prints them: a headline, then lines of `topic     text`. */
  lines: z.array(z.string()),
  name: z.string(),
  simulated: z.boolean(),
  trials: z.int().nonnegative(),
  points: z.int().nonnegative(),
  durationS: z.number().nonnegative(),
  airTimeS: z.number().nonnegative(),
  transmitters: z.array(
    z.object({
      user: z.string(),
      driver: z.string(),
      serial: z.string(),
      /** dBm; null where the plan knows no limit. */
      maxPowerDbm: z.number().nullable(),
    }),
  ),
});

const violationSchema = z.object({
  /** 1-based. */
  line: z.int().positive(),
  field: z.string(),
  detail: z.string(),
});
export type PlanViolation = z.infer<typeof violationSchema>;

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
    /** `pausing`: no trial is handed out, but some are with the radios still. `paused`: none is. */
    pause: z.enum(['no', 'pausing', 'paused']),
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
  /** Answers `check-plan` of the same number. */
  z.object({
    type: z.literal('plan-checked'),
    check: z.int(),
    /** Null where there are violations, or where the bundle was not looked into. */
    summary: planSummarySchema.nullable(),
    violations: z.array(violationSchema),
    /** Why the bundle was not looked into; null where it was. */
    deferred: z.string().nullable(),
    /** The newest unfinished run of this plan, which could be resumed. */
    unfinished: z
      .object({
        run: z.string(),
        /** Null where the run was torn by a crash. */
        trialsDone: z.int().nonnegative().nullable(),
      })
      .nullable(),
  }),
  z.object({ type: z.literal('form-described'), sections: z.array(formFieldSchema) }),
  z.object({ type: z.literal('error'), message: z.string() }),
]);
export type HostEvent = z.infer<typeof hostEventSchema>;
export type PlanChecked = Extract<HostEvent, { type: 'plan-checked' }>;

/** Window to host. */
export const hostCommandSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('start-run'),
    /** Says where relative paths begin, and is read where there is no text. */
    experimentFile: z.string().min(1),
    /** What an editor holds, saved or not. */
    text: z.string().max(MOST_FILE_CHARACTERS).optional(),
    /** Goes on with the newest unfinished run of this plan. */
    resume: z.boolean().optional(),
  }),
  z.object({ type: z.literal('stop-run') }),
  /** No trial is handed to a radio until `continue-run`. */
  z.object({ type: z.literal('pause-run') }),
  z.object({ type: z.literal('continue-run') }),
  /** Answered with `plan-checked`, unless a newer one has come meanwhile. */
  z.object({
    type: z.literal('check-plan'),
    check: z.int(),
    experimentFile: z.string().min(1),
    text: z.string().max(MOST_FILE_CHARACTERS),
  }),
  /** Answered with `form-described`. */
  z.object({ type: z.literal('describe-form') }),
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
