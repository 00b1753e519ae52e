/**
 * Messages between a host and a radio process. Both ends parse what they receive with these schemas; what does not parse
 * is refused with one line.
 *
 * Two ways: heartbeats go over Node's own channel, everything else over a pipe beside it (message-pipe.ts), so that a
 * heartbeat never waits behind payload and a message may have any size.
 */
import * as z from 'zod';
import {
  errorBudgetSchema,
  healthSchema,
  liveViewSchema,
  radioDetailsSchema,
  radioEventSchema,
  radioHealthSchema,
} from './live-messages';

/** Trials that a radio process takes before it has answered the first. */
export const MOST_QUEUED_TRIALS = 1024;
/** The host sends a heartbeat this often ... */
export const HEARTBEAT_MS = 100;
/** ... and a radio process that has heard nothing for so long stops transmitting and ends. */
export const HOST_SILENCE_MS = 500;

/** Where a radio process finds its end of the message pipe: after stdin, stdout, stderr and Node's channel. */
export const MESSAGE_PIPE_FD = 4;

const MOST_TOKENS = 1023;
const MOST_DIMENSION = 1023;
const MOST_BURSTS = 64;

/** Messages are read, never changed; typed arrays are left alone. */
type ReadonlyDeep<T> = T extends Float32Array | Int16Array | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly ReadonlyDeep<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> }
      : T;

const float32 = z.custom<Float32Array>((value) => value instanceof Float32Array, 'must be a Float32Array');
const uint8 = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be a Uint8Array');
const int16 = z.custom<Int16Array>((value) => value instanceof Int16Array, 'must be an Int16Array');
const finite = z.number();
const id = z.int().nonnegative();
const line = z.string().max(2000);
const name = z.string().min(1).max(64);

export const tokenMatrixSchema = z
  .object({
    data: float32,
    tokens: z.int().min(1).max(MOST_TOKENS),
    dimension: z.int().min(1).max(MOST_DIMENSION),
  })
  .refine((matrix) => matrix.data.length === matrix.tokens * matrix.dimension, {
    path: ['data'],
    message: 'length must be tokens x dimension',
  });

const transport = z.object({
  normalisation: z.enum(['burst', 'token']),
  permutation: z.boolean(),
  scramble: z.boolean(),
  dftSpreading: z.boolean(),
  paprControl: z.enum(['none', 'clip-and-filter']),
  paprTargetDb: z.number().min(3.5).max(20),
  rmsDbfs: z.number().min(-60).max(0),
});

const modulation = z.enum(['qpsk', '16qam', '64qam', '256qam']);

const effectiveSnrDb = z.object({ qpsk: finite, '16qam': finite, '64qam': finite, '256qam': finite });

const digitalFormat = {
  bitsPerValue: z.int().min(2).max(8),
  modulation,
  payloadOfdmSymbols: z.int().min(1).max(2048),
};

const digitalRequest = z.object({
  bitsPerValue: digitalFormat.bitsPerValue.nullable(),
  modulation: modulation.nullable(),
  payloadOfdmSymbols: digitalFormat.payloadOfdmSymbols,
  effectiveSnrDb: effectiveSnrDb.nullable(),
  targetPer: z.number().gt(0).lt(1),
  marginDb: finite,
});

const subband = z.object({
  centerBin: z.int().min(-1024).max(1024),
  size: z.int().min(1).max(2048),
  guardBins: z.int().min(0).max(2048),
  soundedCfoHz: finite.nullable(),
});

export const trialRequestSchema = z.object({
  trialId: z.string().min(1).max(500),
  bursts: z
    .array(
      z.object({
        user: name,
        sequence: z.int().min(0).max(4095),
        tokens: tokenMatrixSchema,
        txGainDb: finite,
        leadS: z.number().min(0).max(10),
        transport: transport.optional(),
        digital: digitalRequest.optional(),
        subband: subband.optional(),
      }),
    )
    .min(1)
    .max(MOST_BURSTS),
  atOnce: z.boolean().optional(),
  channel: z.object({ realisation: z.string().min(1).max(500), startS: z.number().min(-1e6).max(1e6) }).optional(),
  errorBudget: z.boolean().optional(),
  effectiveSnr: z.boolean().optional(),
});

const radioRole = z.object({ role: name, driver: name, serial: z.string().min(1).max(128) });

/** Fields may be absent; undefined is not taken. */
const impairments = {
  phaseNoiseLinewidthHz: finite.exactOptional(),
  phaseNoiseLoopBandwidthHz: finite.exactOptional(),
  phaseNoiseFloorDbcHz: finite.nullable().exactOptional(),
  txIqGainDb: finite.exactOptional(),
  txIqPhaseDeg: finite.exactOptional(),
  rxIqGainDb: finite.exactOptional(),
  rxIqPhaseDeg: finite.exactOptional(),
  loLeakageDbfs: finite.nullable().exactOptional(),
  dcOffsetDbfs: finite.nullable().exactOptional(),
  amplifierSaturationDb: finite.nullable().exactOptional(),
  amplifierSmoothness: finite.exactOptional(),
  dacBits: z.int().exactOptional(),
  adcBits: z.int().exactOptional(),
  activateSettleS: finite.exactOptional(),
  retuneSettleS: finite.exactOptional(),
  invalidRxSamples: z.int().exactOptional(),
  trialStart: z.enum(['settled', 'activated', 'retuned']).exactOptional(),
};

const air = z.object({
  pace: z.enum(['free', 'realtime']),
  radios: z.array(
    z.object({
      serial: name,
      clockErrorPpm: finite,
      noiseFigureDb: finite,
      maxOutputPowerDbm: finite,
      ...impairments,
    }),
  ),
  paths: z.array(
    z.object({
      from: name,
      to: name,
      pathLossDb: finite,
      taps: z.array(z.object({ delayS: finite, powerDb: finite, phaseRad: finite })).min(1),
      fading: z
        .object({
          kind: z.enum(['none', 'block', 'continuous']),
          profile: z.enum(['taps', 'tdl-a', 'tdl-b', 'tdl-c', 'tdl-d', 'tdl-e']),
          delaySpreadS: finite,
          dopplerHz: finite,
          ricianKDb: finite.nullable(),
        })
        .exactOptional(),
    }),
  ),
  interferers: z
    .array(
      z.object({
        frequencyHz: finite,
        powerDbm: finite,
        bandwidthHz: finite,
        startS: finite,
        onS: finite,
        periodS: finite,
        serials: z.array(name).max(64),
      }),
    )
    .max(16)
    .exactOptional(),
});

export const benchSetupSchema = z.object({
  seed: z.int().min(0),
  centerFrequencyHz: z.number().positive(),
  sampleRateHz: z.number().positive(),
  rxGainDb: finite,
  cfoPriorHz: finite.optional(),
  roles: z.array(radioRole).min(1).max(17),
  air: air.nullable(),
});

/** Host to radio process. `id` pairs an answer with its question. */
export const radioCommandSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('heartbeat') }),
  /** Transmission is disabled at once, past whatever is queued. Nobody answers; `close` follows. */
  z.object({ type: z.literal('halt') }),
  z.object({ type: z.literal('open'), id, setup: benchSetupSchema }),
  z.object({ type: z.literal('trial'), id, request: trialRequestSchema }),
  z.object({ type: z.literal('close'), id }),
  /** What somebody looks at: `view` comes, and sensors with `health`. Nothing of it at first. Nobody answers. */
  z.object({ type: z.literal('watch'), views: z.boolean(), sensors: z.boolean() }),
  /** Opens a radio, reads what it is and how it is, and closes it. */
  z.object({ type: z.literal('inspect'), id, radio: z.object({ driver: name, serial: z.string().min(1).max(128) }) }),
  /** Finds radios of these drivers without opening them. */
  z.object({ type: z.literal('list'), id, drivers: z.array(name).max(32) }),
  /** Opens each radio, turns its transmit gain down and closes it: what a supervisor asks of a fresh process. */
  z.object({ type: z.literal('silence'), id, radios: z.array(radioRole).max(17) }),
]);
export type RadioCommand = ReadonlyDeep<z.infer<typeof radioCommandSchema>>;

const requestedActual = z.object({ requested: finite, actual: finite });

const benchRadio = z.object({
  role: name,
  driver: name,
  serial: z.string(),
  hardware: z.string(),
  simulated: z.boolean(),
  centerFrequencyHz: requestedActual,
  sampleRateHz: requestedActual,
  txGainRangeDb: z.object({ min: finite, max: finite, step: finite }),
});

const mcsThreshold = z.object({
  modulation,
  codeRate: finite,
  snrDb: finite,
  gapDb: finite,
  bitsPerChannelUse: finite,
});

const estimate = z.object({
  snrDb: finite.nullable(),
  sdDb: finite.nullable(),
  lowDb: finite.nullable(),
  highDb: finite.nullable(),
});

const measurement = z
  .object({
    snrDb: finite,
    bestEstimator: name,
    estimates: z.object({
      best: estimate,
      sndr: estimate,
      preamble: estimate,
      emptyCarriers: estimate,
      pilotEvm: estimate,
      dataAided: estimate,
    }),
    genie: estimate.nullable(),
    disturbed: z.boolean(),
    phaseDriftRad: finite.nullable(),
    saturatedSamples: z.int().nonnegative(),
    cfoHz: finite,
    clockOffsetPpm: finite,
    arrivalNs: finite,
    carriers: int16,
    channel: float32,
    carrierSnrDb: float32,
    effectiveSnrDb: effectiveSnrDb.nullable(),
    noiseVariance: finite,
    constellation: float32.refine((symbols) => symbols.length <= 1024, { message: 'at most 512 symbols' }),
  })
  .refine((m) => m.channel.length === 2 * m.carriers.length && m.carrierSnrDb.length === m.carriers.length, {
    path: ['channel'],
    message: 'lengths must follow carriers',
  });

const digitalResult = z.object({
  ...digitalFormat,
  codeRate: finite,
  effectiveSnrDb: finite.nullable(),
  requiredSnrDb: finite,
  meetsTarget: z.boolean().nullable(),
  codeBlocks: z.int().nonnegative(),
  codeBlocksLost: z.int().nonnegative(),
  decoderIterations: z.int().nonnegative(),
  erased: uint8,
});

export const trialResultSchema = z.object({
  trialId: z.string(),
  bursts: z.array(
    z.object({
      user: name,
      sequence: z.int().min(0).max(4095),
      detected: z.boolean(),
      headerOk: z.boolean(),
      outcome: name,
      channelUses: z.int().nonnegative(),
      subband: subband.nullable(),
      digital: digitalResult.nullable(),
      received: tokenMatrixSchema.nullable(),
      tokenError: finite.nullable(),
      boundError: finite.nullable(),
      errorBudget: errorBudgetSchema.nullable(),
      measurement: measurement.nullable(),
      truth: z.object({ snrDb: finite, cfoHz: finite }).nullable(),
      txGainDb: requestedActual,
      paprDb: finite,
      ccdfDb: z.array(finite).max(16),
      clippedFraction: finite,
      limitedFraction: finite,
      clipEvmDb: finite.nullable(),
      airTimeS: finite,
    }),
  ),
  events: z.array(radioEventSchema),
  airTimeS: finite,
  valid: z.boolean(),
});

/** Radio process to host. */
export const radioReplySchema = z.discriminatedUnion('type', [
  /** Sent once, when the process listens. */
  z.object({ type: z.literal('started'), pid: z.int(), transmitWatchdogMs: finite }),
  z.object({
    type: z.literal('opened'),
    id,
    radios: z.array(benchRadio),
    details: z.array(radioDetailsSchema),
    mcs: z.array(mcsThreshold).max(256),
  }),
  z.object({ type: z.literal('trial-done'), id, result: trialResultSchema }),
  z.object({ type: z.literal('closed'), id }),
  z.object({
    type: z.literal('listed'),
    id,
    radios: z.array(z.object({ driver: name, serial: z.string(), label: z.string() })),
    failures: z.array(line),
  }),
  z.object({ type: z.literal('silenced'), id, failures: z.array(line) }),
  z.object({ type: z.literal('inspected'), id, details: radioDetailsSchema, health: radioHealthSchema }),
  /** While somebody watches, at most 20 a second. */
  z.object({ type: z.literal('view'), view: liveViewSchema }),
  /** When something happened to a radio; with sensors, regularly, while they are wanted. */
  z.object({ type: z.literal('health'), health: healthSchema }),
  /** `id` is null when the message that is refused had none that could be read. */
  z.object({ type: z.literal('refused'), id: id.nullable(), code: z.string().max(64), message: line }),
  /** The process is about to end by itself. */
  z.object({ type: z.literal('stopped'), reason: line }),
  /** A vendor's log line of level warning or worse. */
  z.object({ type: z.literal('log'), level: z.string().max(16), line }),
]);
export type RadioReply = ReadonlyDeep<z.infer<typeof radioReplySchema>>;

/** What is wrong with a message, in one line: where, and what is allowed there. */
export function describeIssues(error: z.ZodError): string {
  const [first] = error.issues;
  if (first === undefined) return 'malformed message';
  const where = first.path.map(String).join('.');
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : '';
  return `${where === '' ? 'message' : where}: ${first.message.replace(/\s+/g, ' ')}${more}`;
}
