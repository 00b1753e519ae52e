/**
 * What a radio process tells those who look on: decimated views, radios' faults and sensors. They go from the radio
 * process through the host to the window; no run depends on any of them, and the newest one wins.
 */
// A namespace import: see desktop-messages.ts.
import * as z from 'zod';

/** Most views a second. */
export const VIEW_INTERVAL_MS = 50;
export const SENSOR_INTERVAL_MS = 2000;
export const MOST_CONSTELLATION_SYMBOLS = 512;

const finite = z.number();
const name = z.string().min(1).max(64);
const count = z.int().nonnegative();
const float32 = z.custom<Float32Array>((value) => value instanceof Float32Array, 'must be a Float32Array');
const int16 = z.custom<Int16Array>((value) => value instanceof Int16Array, 'must be an Int16Array');
const symbols = float32.refine((list) => list.length <= 2 * MOST_CONSTELLATION_SYMBOLS, {
  message: `at most ${MOST_CONSTELLATION_SYMBOLS} symbols`,
});

/** Squared errors over the tokens' power, linear (docs/link.md). */
export const errorBudgetSchema = z.object({
  measured: finite,
  noise: finite,
  nonlinearity: finite,
  phase: finite,
  channel: finite,
  interference: finite,
  unexplained: finite,
});

const estimateDb = finite.nullable();

/** A burst as it was received. Carriers as in `carriers`; symbols are interleaved re, im. */
export const liveBurstSchema = z
  .object({
    trialId: z.string().max(500),
    sequence: z.int().min(0).max(4095),
    /** Mean Es/N0 over the payload carriers, dB, by the best-informed estimator. */
    snrDb: finite,
    bestEstimator: name,
    /** By each estimator; null where it could not be formed. */
    estimatesDb: z.object({
      preamble: estimateDb,
      emptyCarriers: estimateDb,
      pilotEvm: estimateDb,
      genie: estimateDb,
    }),
    /** Ground truth of the medium; null on real radios. */
    trueSnrDb: finite.nullable(),
    cfoHz: finite,
    disturbed: z.boolean(),
    saturatedSamples: count,
    carriers: int16,
    carrierSpacingHz: z.number().positive(),
    /** Interleaved re, im, relative to full scale. */
    channel: float32,
    carrierSnrDb: float32,
    /** Payload symbols at unit mean power, before the equaliser and after it: the same places in both. */
    unequalised: symbols,
    equalised: symbols,
    paprDb: finite,
    /** Power over its mean that 10 %, 1 % and 0.1 % of the sent samples exceed, dB. */
    ccdfDb: z.array(finite).max(16),
    txGainDb: finite,
  })
  .refine((b) => b.channel.length === 2 * b.carriers.length && b.carrierSnrDb.length === b.carriers.length, {
    path: ['channel'],
    message: 'lengths must follow carriers',
  });
export type LiveBurst = z.infer<typeof liveBurstSchema>;

const liveUserSchema = z.object({
  user: name,
  /** Since the view before. */
  burstsSent: count,
  burstsReceived: count,
  /** The newest that was received since the view before. */
  burst: liveBurstSchema.nullable(),
  /** The newest error budget since the view before; made of every nth trial only. */
  errorBudget: z.object({ trialId: z.string().max(500), parts: errorBudgetSchema }).nullable(),
});
export type LiveUser = z.infer<typeof liveUserSchema>;

/** Densities are relative to full scale (|sample|² = 1), dB per Hz; bins ascend from -rate/2. */
const spectrumSchema = z
  .object({
    centerFrequencyHz: z.number().positive(),
    sampleRateHz: z.number().positive(),
    meanDbfsPerHz: float32.refine((bins) => bins.length <= 4096, { message: 'at most 4096 bins' }),
    peakDbfsPerHz: float32,
    segments: count,
    segmentsLeftOut: count,
  })
  .refine((s) => s.meanDbfsPerHz.length === s.peakDbfsPerHz.length, {
    path: ['peakDbfsPerHz'],
    message: 'length must be that of meanDbfsPerHz',
  });
export type LiveSpectrum = z.infer<typeof spectrumSchema>;

export const liveViewSchema = z.object({
  /** Of the receiving radio; null where nothing was received since the view before. */
  spectrum: spectrumSchema.nullable(),
  users: z.array(liveUserSchema).max(16),
});
export type LiveView = z.infer<typeof liveViewSchema>;

export const radioEventSchema = z.object({
  kind: z.enum([
    'overflow',
    'underflow',
    'late',
    'time-gap',
    'dropped-burst',
    'corrupt-header',
    'refused-burst',
    'stream-error',
    'device-lost',
  ]),
  direction: z.enum(['rx', 'tx']),
  serial: z.string(),
  hardwareTimeNs: finite.nullable(),
  count,
  detail: z.string(),
});
export type RadioEventMessage = z.infer<typeof radioEventSchema>;

const sensorSchema = z.object({
  /** Of the device; of its first channel as "rx:NAME" and "tx:NAME". */
  name: z.string().max(128),
  /** As the driver says it; null where it could not be read. */
  value: z.string().max(200).nullable(),
});

/** A radio since it was opened. */
export const radioHealthSchema = z.object({
  driver: name,
  serial: z.string().max(128),
  /** Events since the radio was opened, by kind. Kinds that never happened are absent. */
  faults: z.partialRecord(radioEventSchema.shape.kind, count),
  /** Null: not read yet. */
  sensors: z.array(sensorSchema).max(64).nullable(),
});
export type RadioHealth = z.infer<typeof radioHealthSchema>;

export const MOST_TOLD_EVENTS = 50;
export const healthSchema = z.object({
  radios: z.array(radioHealthSchema).max(64),
  /** Since the message before. */
  events: z.array(radioEventSchema).max(MOST_TOLD_EVENTS),
  /** Beyond those. */
  eventsLeftOut: count,
});
export type Health = z.infer<typeof healthSchema>;

const range = z.object({ min: finite, max: finite, step: finite });
const channelSchema = z.object({
  channels: count,
  fullDuplex: z.boolean(),
  antennas: z.array(z.string().max(128)).max(64),
  gainRangeDb: range,
  gainElementsDb: z.array(range.extend({ name: z.string().max(128) })).max(64),
  frequencyRangesHz: z.array(range).max(256),
  sampleRateRangesHz: z.array(range).max(256),
  bandwidthRangesHz: z.array(range).max(256),
  formats: z.array(z.string().max(64)).max(64),
  nativeFormat: z.string().max(64),
  nativeFullScale: finite,
});

/** Identity and capabilities as the opened radio tells them (drivers/radio/contract.ts). */
export const radioDetailsSchema = z.object({
  driver: name,
  serial: z.string().max(128),
  hardware: z.string().max(200),
  information: z.record(z.string().max(128), z.string().max(500)),
  simulated: z.boolean(),
  mayTransmit: z.boolean(),
  capabilities: z.object({
    rx: channelSchema,
    tx: channelSchema,
    hardwareTime: z.boolean(),
    clockSources: z.array(z.string().max(128)).max(64),
    timeSources: z.array(z.string().max(128)).max(64),
    sensors: z.array(z.string().max(128)).max(64),
  }),
});
export type RadioDetails = z.infer<typeof radioDetailsSchema>;
