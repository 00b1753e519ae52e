/** What a run folder's files hold. docs/experiments.md describes the same; keep them together. */
import { z } from 'zod';

const decibels = z.number().nullable();
/** A field that run folders of earlier versions lack. */
const laterNumber = decibels.default(null);

/** A PointPlace (app/units/place): budgets are absent where an SNR is swept. */
const budgets = { bandwidthHz: z.number().optional(), powerDb: z.number().optional() };
const place = { requestedSnrDb: decibels, ...budgets };

const laterFlag = z.boolean().nullable().default(null);

/** Squared errors over the tokens' power, linear: what the tokens lost, and what of it came from where. */
export const errorBudgetSchema = z.object({
  measured: z.number(),
  noise: z.number(),
  nonlinearity: z.number(),
  phase: z.number(),
  channel: z.number(),
  interference: z.number(),
  unexplained: z.number(),
});
export type ErrorBudgetRecord = z.infer<typeof errorBudgetSchema>;

/** Where a user sent beside others; bins of 1/2048 of the sample rate (docs/fdma.md). */
const subbandSchema = z.object({
  centerBin: z.number(),
  size: z.number(),
  guardBins: z.number(),
  /** What the user took out of its carrier itself. */
  soundedCfoHz: z.number().nullable(),
});

/** What became of a burst whose mapping is digital (docs/digital.md). SNRs in dB. */
const digitalSchema = z.object({
  bitsPerValue: z.number(),
  modulation: z.string(),
  payloadOfdmSymbols: z.number(),
  codeRate: z.number(),
  /** Of the sounding, for this modulation, and what the target PER needs. */
  effectiveSnrDb: z.number().nullable(),
  requiredSnrDb: z.number(),
  meetsTarget: z.boolean().nullable(),
  codeBlocks: z.number(),
  codeBlocksLost: z.number(),
  decoderIterations: z.number(),
  erasedTokens: z.number(),
});

/** One burst of one user. SNR in dB (Es/N0); the estimators side by side; `true...` is ground truth, twins only. */
export const burstRecordSchema = z.object({
  user: z.string(),
  sequence: z.number(),
  tokens: z.number(),
  dimension: z.number(),
  detected: z.boolean(),
  headerOk: z.boolean(),
  /** ok, or why there are no tokens (docs/experiments.md); null in runs of earlier versions. */
  outcome: z.string().nullable().default(null),
  /** Null: the full band. */
  subband: subbandSchema.nullable().default(null),
  /** Complex symbols that carry the payload, whole OFDM symbols. */
  channelUses: laterNumber,
  /** Null: the analog mapping. */
  digital: digitalSchema.nullable().default(null),
  /** Of soundings that a format is chosen by. */
  effectiveSnrDb: z
    .object({ qpsk: z.number(), '16qam': z.number(), '64qam': z.number(), '256qam': z.number() })
    .nullable()
    .default(null),
  snrDb: decibels,
  snrSdDb: laterNumber,
  /** `...LowDb`, `...HighDb`: 95 % interval. */
  snrLowDb: laterNumber,
  snrHighDb: laterNumber,
  bestEstimator: z.string().nullable().default(null),
  sndrDb: laterNumber,
  sndrLowDb: laterNumber,
  sndrHighDb: laterNumber,
  preambleSnrDb: decibels,
  emptyCarriersSnrDb: decibels,
  pilotEvmSnrDb: decibels,
  dataAidedSnrDb: laterNumber,
  genieSnrDb: decibels,
  preambleSdDb: laterNumber,
  preambleLowDb: laterNumber,
  preambleHighDb: laterNumber,
  emptyCarriersSdDb: laterNumber,
  emptyCarriersLowDb: laterNumber,
  emptyCarriersHighDb: laterNumber,
  pilotEvmSdDb: laterNumber,
  pilotEvmLowDb: laterNumber,
  pilotEvmHighDb: laterNumber,
  dataAidedSdDb: laterNumber,
  dataAidedLowDb: laterNumber,
  dataAidedHighDb: laterNumber,
  genieSdDb: laterNumber,
  genieLowDb: laterNumber,
  genieHighDb: laterNumber,
  disturbed: laterFlag,
  /** Squared error of the tokens over their power; the same of a perfect linear receiver on the measured channel. */
  tokenErrorDb: laterNumber,
  boundErrorDb: laterNumber,
  /** Of every nth trial (output.errorBudgetEveryNthTrial). */
  errorBudget: errorBudgetSchema.nullable().default(null),
  phaseDriftRad: laterNumber,
  saturatedSamples: laterNumber,
  trueSnrDb: decibels,
  cfoHz: z.number().nullable(),
  trueCfoHz: z.number().nullable(),
  clockOffsetPpm: z.number().nullable(),
  arrivalNs: z.number().nullable(),
  requestedTxGainDb: z.number(),
  txGainDb: z.number(),
  paprDb: z.number(),
  ccdfDb: z.array(z.number()).default([]),
  clippedFraction: z.number(),
  limitedFraction: laterNumber,
  clipEvmDb: laterNumber,
  airTimeS: z.number(),
});
export type BurstRecord = z.infer<typeof burstRecordSchema>;

export const eventRecordSchema = z.object({
  kind: z.string(),
  direction: z.string(),
  serial: z.string(),
  hardwareTimeNs: z.number().nullable(),
  count: z.number(),
  detail: z.string(),
});
export type EventRecord = z.infer<typeof eventRecordSchema>;

/** A counted trial; `valid` false when radio events spoilt every attempt: it then has no answer and counts nowhere. */
export const trialRecordSchema = z.object({
  kind: z.literal('trial'),
  id: z.string(),
  arm: z.string(),
  ...place,
  /** Position in the plan, from 0. */
  index: z.number(),
  question: z.number(),
  repeat: z.number(),
  family: z.string(),
  valid: z.boolean(),
  answer: z.string().nullable(),
  expected: z.string(),
  correct: z.boolean().nullable(),
  /** Natural logarithm of the probability that the model gave the right answer. */
  logProbability: z.number().nullable(),
  bursts: z.array(burstRecordSchema),
  events: z.array(eventRecordSchema),
  /** From the first burst's first sample to the last one's last. */
  airTimeS: laterNumber,
  /** Closed loop: id of the allocation that it was sent with; air time of its longest burst, and what was predicted of it. */
  allocation: z.string().optional(),
  latencyS: z.number().optional(),
  predictedLatencyS: z.number().optional(),
  attempts: z.number(),
  /** When it was answered, ms since 1970. */
  wallMs: z.number(),
});
export type TrialRecord = z.infer<typeof trialRecordSchema>;

/** A trial that only finds or verifies gains. */
export const soundingRecordSchema = z.object({
  kind: z.literal('sounding'),
  id: z.string(),
  arm: z.string(),
  /** The point that is verified; no SNR while the gain is searched. */
  ...place,
  valid: z.boolean(),
  bursts: z.array(burstRecordSchema),
  events: z.array(eventRecordSchema),
  attempts: z.number(),
  wallMs: z.number(),
});
export type SoundingRecord = z.infer<typeof soundingRecordSchema>;

/** Sounding of all users at once; `/USER` behind it: of that user alone, the others muted. */
export function leakageSoundingId(arm: string, number: number): string {
  return `${arm}/sounding/leakage/b${number}`;
}

/** An attempt that a radio event spoilt; the trial was tried again. */
export const spoiltRecordSchema = z.object({
  kind: z.literal('spoilt'),
  id: z.string(),
  attempt: z.number(),
  events: z.array(eventRecordSchema),
  wallMs: z.number(),
});
export type SpoiltRecord = z.infer<typeof spoiltRecordSchema>;

const decidedUserSchema = z.looseObject({
  id: z.string(),
  outage: z.boolean(),
  heard: z.boolean(),
  subband: z.object({ centerBin: z.number(), size: z.number(), guardBins: z.number() }).nullable(),
  txGainDb: decibels,
  powerW: z.number(),
  bandwidthHz: z.number(),
  tokenLength: z.number(),
  effectiveSnrDb: decibels,
  /** Predicted of what the receiver measures as snrDb. */
  meanSnrDb: decibels,
  latencyS: z.number().nullable(),
  loss: z.number(),
});

const predictionSchema = z.object({ objective: z.number(), latencyS: z.number(), loss: z.number() });

/** What the allocation decided of one arm at one place of the sweep, until the next sounding. */
export const allocationRecordSchema = z.object({
  kind: z.literal('allocation'),
  id: z.string(),
  arm: z.string(),
  ...place,
  /** Number of the sounding at this place, from 0, and the first question (place in the point) that it served. */
  epoch: z.number(),
  fromQuestion: z.number(),
  reason: z.enum(['start', 'every', 'moved']),
  csi: z.enum(['measured', 'simulated']),
  /** Twins: which draw of the fading was sounded, and when in it, s. */
  realisation: z.string().nullable(),
  channelTimeS: z.number(),
  /** As sounded, of users that were heard: g/N0 of each grid carrier, Hz/W, from the lowest on. */
  channels: z.array(z.object({ user: z.string(), cfoHz: z.number(), gainOverNoise: z.array(z.number()) })),
  /** app/allocation's Decision; its problem without the users' loss surfaces, which are the bundle's. */
  decision: z.looseObject({
    method: z.string(),
    users: z.array(decidedUserSchema),
    predicted: z.looseObject({ engineering: predictionSchema, shannon: predictionSchema }),
    allocation: z.looseObject({
      objective: z.number(),
      iterations: z.number(),
      gap: z.number().nullable(),
      /** Objective after each (bandwidth, power) step and each length step; null where it was infinite. */
      history: z.array(z.object({ afterShares: decibels, afterLengths: decibels })).optional(),
    }),
  }),
  /** Predicted mean SNR of each user by the channels as sounded, whatever the decision believed, dB. */
  soundedSnrDb: z.record(z.string(), z.number().nullable()),
  wallMs: z.number(),
});
export type AllocationRecord = z.infer<typeof allocationRecordSchema>;

export const lineSchema = z.discriminatedUnion('kind', [
  trialRecordSchema,
  soundingRecordSchema,
  spoiltRecordSchema,
  allocationRecordSchema,
]);
export type LineRecord = z.infer<typeof lineSchema>;

/** The same questions of one point over an ideal AWGN channel. */
export const referenceRecordSchema = z.object({
  arm: z.string(),
  ...place,
  /** The channel's SNR by user: that user's mean measured SNR at the point, dB; null when nothing was received. */
  snrDb: z.record(z.string(), z.number().nullable()),
  /** Correct answers of each draw. */
  correctPerDraw: z.array(z.number()),
  /** How many draws were correct, one base-36 digit a trial in the plan's order; "-" where the trial does not count. */
  correctPerTrial: z.string(),
});
export type ReferenceRecord = z.infer<typeof referenceRecordSchema>;

/** Channel and noise of one burst; carriers -26 to 26, H relative to full scale. */
export const csiRecordSchema = z.object({
  trial: z.string(),
  user: z.string(),
  cfoHz: z.number(),
  clockOffsetPpm: laterNumber,
  arrivalNs: laterNumber,
  noiseVariance: z.number(),
  burstSnrDb: laterNumber,
  burstSnrLowDb: laterNumber,
  burstSnrHighDb: laterNumber,
  bestEstimator: z.string().nullable().default(null),
  disturbed: laterFlag,
  carriers: z.array(z.number()),
  re: z.array(z.number()),
  im: z.array(z.number()),
  snrDb: z.array(z.number()),
});
export type CsiRecord = z.infer<typeof csiRecordSchema>;

/** Equalised symbols for the eye, interleaved re, im. */
export const viewRecordSchema = z.object({
  arm: z.string(),
  ...place,
  trial: z.string(),
  user: z.string(),
  constellation: z.array(z.number()),
});
export type ViewRecord = z.infer<typeof viewRecordSchema>;

export const radioRecordSchema = z.object({
  role: z.string(),
  driver: z.string(),
  serial: z.string(),
  hardware: z.string(),
  simulated: z.boolean(),
  centerFrequencyHz: z.object({ requested: z.number(), actual: z.number() }),
  sampleRateHz: z.object({ requested: z.number(), actual: z.number() }),
  txGainRangeDb: z.object({ min: z.number(), max: z.number(), step: z.number() }),
});
export type RadioRecord = z.infer<typeof radioRecordSchema>;

/** run.json: written once, before the first trial. */
export const runDocumentSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  arm: z.string(),
  startedAt: z.string(),
  seed: z.number(),
  simulated: z.boolean(),
  /** sha256 of everything that determines the results: a folder is resumed only by the same plan. */
  planHash: z.string(),
  /** sha256 of the native libraries that computed the bits; null in runs of earlier versions. */
  nativeBuild: z.string().nullable().default(null),
  versions: z.record(z.string(), z.string()),
  git: z.object({ commit: z.string().nullable(), modified: z.boolean().nullable() }),
  bundle: z.object({
    name: z.string(),
    hash: z.string(),
    folder: z.string(),
    /** The user's own questions in place of the bundle's samples. */
    testSet: z.object({ file: z.string(), hash: z.string() }).nullable().default(null),
  }),
  radios: z.array(radioRecordSchema),
  users: z.array(z.string()),
  experiment: z.record(z.string(), z.unknown()),
  plan: z.object({
    /** Of the first arm. */
    snrDb: z.array(z.number()),
    /** Arms and their points, in the plan's order; empty in runs of earlier versions, which had one. */
    arms: z
      .array(
        z.object({
          name: z.string(),
          snrDb: z.array(z.number()),
          /** Budgets of each point, where they are swept in place of SNR. */
          budgets: z.array(z.object({ bandwidthHz: z.number(), powerDb: z.number() })).optional(),
          schedule: z.string().default('turns'),
          /** By user, with FDMA. */
          subbands: z
            .record(z.string(), z.object({ centerBin: z.number(), size: z.number(), guardBins: z.number() }))
            .nullable()
            .default(null),
        }),
      )
      .default([]),
    trialsPerPoint: z.number(),
    trialsTotal: z.number(),
    awgnDraws: z.number(),
    /** Question of each trial of a point; the same at every point. */
    questions: z.array(z.number()),
    blindAccuracy: z.number(),
    families: z.array(z.object({ family: z.string(), trials: z.number(), blindAccuracy: z.number() })),
  }),
});
export type RunDocument = z.infer<typeof runDocumentSchema>;

/** One row of the result table, with more than the contract asks. Fractions 0 to 1, SNR in dB (Es/N0). */
export const pointSummarySchema = z.object({
  arm: z.string(),
  ...place,
  measuredSnrDb: z.number().nullable(),
  measuredSnrSdDb: z.number().nullable(),
  trueSnrDb: z.number().nullable(),
  /** Mean of measured minus true over the bursts that have both. */
  snrErrorDb: z.number().nullable(),
  /** Signal over noise and distortion, mean of the bursts, with the half-width of its 95 % interval. */
  sndrDb: laterNumber,
  sndrHalfWidthDb: laterNumber,
  /** Mean squared error of the tokens over their power, dB, with its 95 % interval; and that of 1 / (1 + SNR). */
  tokenErrorDb: laterNumber,
  tokenErrorLowDb: laterNumber,
  tokenErrorHighDb: laterNumber,
  burstsSent: z.number(),
  burstsDetected: z.number(),
  headersOk: z.number(),
  questions: z.number(),
  spoilt: z.number(),
  accuracy: z.number().nullable(),
  accuracyLow: z.number().nullable(),
  accuracyHigh: z.number().nullable(),
  awgnAccuracy: z.number().nullable(),
  /** Accuracy minus AWGN accuracy over the same trials, and the half-width of its 95 % interval (paired). */
  difference: z.number().nullable(),
  differenceHalfWidth: z.number().nullable(),
  blindAccuracy: z.number().nullable(),
  users: z.array(
    z.object({
      user: z.string(),
      measuredSnrDb: z.number().nullable(),
      measuredSnrSdDb: z.number().nullable(),
      trueSnrDb: z.number().nullable(),
      preambleSnrDb: z.number().nullable(),
      emptyCarriersSnrDb: z.number().nullable(),
      pilotEvmSnrDb: z.number().nullable(),
      genieSnrDb: z.number().nullable(),
      txGainDb: z.number().nullable(),
      burstsSent: z.number(),
      headersOk: z.number(),
    }),
  ),
});
export type PointSummary = z.infer<typeof pointSummarySchema>;

/** Two arms on the same questions. Fractions 0 to 1. */
export const comparisonSchema = z.object({
  firstArm: z.string(),
  firstSnrDb: decibels,
  secondArm: z.string(),
  secondSnrDb: decibels,
  /** Of both arms. */
  ...budgets,
  /** Questions that both answered validly. */
  questions: z.number(),
  onlyFirstCorrect: z.number(),
  onlySecondCorrect: z.number(),
  /** Accuracy of the second minus the first, and the half-width of its 95 % interval (paired). */
  difference: z.number(),
  differenceHalfWidth: z.number().nullable(),
  /** McNemar's test, exact, two-sided. */
  pValue: z.number(),
});
export type ArmComparison = z.infer<typeof comparisonSchema>;

/** A user that sent beside others. Shares and powers linear unless dB. */
export const sharedBandUserSchema = z.object({
  arm: z.string(),
  user: z.string(),
  /** Occupied band, grid carriers of 78.125 kHz at 5 MS/s. */
  carriers: z.number(),
  /** Bursts that were received, and of their CFO what the user had not taken out, over the user's own carrier spacing. */
  bursts: z.number(),
  residualCfoRms: z.number().nullable(),
  residualCfoMost: z.number().nullable(),
  /** How long a burst takes, mean, s. */
  burstAirTimeS: z.number().nullable(),
  /**
   * Noise that the others bring into the user's carriers, over its own power, dB (others on against others muted): null
   * where none was found; and the upper end of its 95 % interval.
   */
  leakageDb: decibels,
  leakageHighDb: decibels,
  leakageBursts: z.number(),
});
export type SharedBandUser = z.infer<typeof sharedBandUserSchema>;

/** A user of an arm whose mapping is digital, at one point. SNRs in dB. */
export const digitalPointSchema = z.object({
  arm: z.string(),
  ...place,
  user: z.string(),
  bursts: z.number(),
  /** What was sent, most often first: "2 bit, 64qam". */
  formats: z.array(z.object({ format: z.string(), bursts: z.number() })),
  /** Means of the bursts. */
  channelUses: z.number(),
  codeRate: z.number(),
  /** Of the point's sounding; null where nothing was sounded. */
  effectiveSnrDb: decibels,
  requiredSnrDb: z.number(),
  /** Share of the bursts whose format reaches the target PER. */
  meetsTarget: z.number().nullable(),
  codeBlocks: z.number(),
  codeBlocksLost: z.number(),
  tokens: z.number(),
  erasedTokens: z.number(),
  iterationsPerBlock: z.number(),
});
export type DigitalPoint = z.infer<typeof digitalPointSchema>;

/** How long a trial's bursts take in all, mean, s. */
export const trialAirTimeSchema = z.object({ arm: z.string(), airTimeS: z.number() });
export type TrialAirTime = z.infer<typeof trialAirTimeSchema>;

const intervalSchema = z.object({ mean: z.number(), low: z.number(), high: z.number() });

/** One arm of a closed loop at one place. Means with 95 % intervals over blocks that met one channel. */
const closedLoopPointSchema = z.object({
  arm: z.string(),
  ...place,
  method: z.string(),
  csi: z.enum(['measured', 'simulated']),
  trials: z.number(),
  objective: intervalSchema,
  /** Air time of a trial's longest burst. */
  latencyS: intervalSchema,
  /** -ln of the probability of the right answer. */
  loss: intervalSchema,
  accuracy: intervalSchema,
  /** By the decisions, mean over the trials. */
  predicted: predictionSchema,
  /** Payload alone, at one symbol per second and Hz. */
  shannonLatencyS: z.number(),
  /** Of a trial's predicted latency against its air time, relative. */
  latencyErrorMean: z.number(),
  latencyErrorMost: z.number(),
  /** Measured minus predicted mean SNR of the bursts. */
  snrErrorMeanDb: decibels,
  snrErrorRmsDb: decibels,
  /** Trials with a user in outage. */
  outages: z.number(),
});
export type ClosedLoopPoint = z.infer<typeof closedLoopPointSchema>;

/** Objective of the second arm minus the first's on the same questions; without budgets: all places together. */
const closedLoopComparisonSchema = z.object({
  firstArm: z.string(),
  secondArm: z.string(),
  ...budgets,
  blocks: z.number(),
  objectiveDifference: intervalSchema,
  /** Fisher's randomisation test over blocks, two-sided. */
  pValue: z.number(),
});
export type ClosedLoopComparison = z.infer<typeof closedLoopComparisonSchema>;

const closedLoopSummarySchema = z.object({
  blockTrials: z.number(),
  points: z.array(closedLoopPointSchema),
  comparisons: z.array(closedLoopComparisonSchema),
});
export type ClosedLoopSummary = z.infer<typeof closedLoopSummarySchema>;

/** stop.json: how a run ended. A folder without it is running or was killed. */
export const stopDocumentSchema = z.object({
  format: z.literal(1),
  outcome: z.enum(['done', 'stopped', 'failed']),
  message: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Of this session: from the start of the run to the last reference, seconds. */
  wallS: z.number(),
  /** Of this session: questions answered over the air by seconds from the first trial sent to the last one answered. */
  questionsPerSecond: z.number(),
  resumed: z.boolean(),
  trialsDone: z.number(),
  trialsTotal: z.number(),
  points: z.array(pointSummarySchema),
  comparisons: z.array(comparisonSchema).default([]),
  /** Empty without FDMA. */
  sharedBand: z.array(sharedBandUserSchema).default([]),
  airTimes: z.array(trialAirTimeSchema).default([]),
  /** Null without allocation. */
  closedLoop: closedLoopSummarySchema.nullable().default(null),
  /** Empty where every mapping is analog. */
  digital: z.array(digitalPointSchema).default([]),
});
export type StopDocument = z.infer<typeof stopDocumentSchema>;
