/**
 * The experiment file's fields. Every schema's error text says what is allowed, in the words that the user reads.
 * docs/experiments.md lists the same fields; keep them together.
 */
import { z } from 'zod';
import { CHANNEL_MODELS, DEFAULT_TERMS, METHODS, TERM_CHOICES } from '../allocation';

/** Users of the task, in the order in which they transmit. */
export const USERS = ['text', 'visual', 'audio'] as const;
export type UserName = (typeof USERS)[number];
export const ROLES = ['base', ...USERS] as const;
export type RoleName = (typeof ROLES)[number];

/** SoapySDR driver names that a plan may name. */
export const DRIVERS = ['twin', 'uhd', 'hackrf', 'lime', 'bladerf', 'plutosdr'] as const;

/** Where the link delivers bursts; what lies below is offline evaluation. dB, Es/N0. */
export const LINK_RANGE_DB = { min: -5, max: 35 } as const;

/** Cyclic prefix of the burst's symbols: paths longer than this would need another waveform. */
export const CYCLIC_PREFIX_S = 3.2e-6;

/** Largest carrier offset from link.cfoPriorHz that the preamble resolves, with room for noise (16-sample repetition at
 * 5 MS/s: 156 kHz). */
export const MAX_CARRIER_OFFSET_HZ = 150e3;

function number(unit: string, min: number, max: number): z.ZodNumber {
  const error = `a number from ${min} to ${max}${unit === '' ? '' : ` ${unit}`}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

function integer(min: number, max: number): z.ZodNumber {
  const error = `an integer from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

function yesOrNo(byDefault: boolean): z.ZodDefault<z.ZodBoolean> {
  return z.boolean({ error: 'true, false' }).default(byDefault);
}

function oneOf<const T extends readonly string[]>(values: T): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, { error: values.join(', ') });
}

function text(pattern: RegExp, error: string): z.ZodString {
  return z.string({ error }).regex(pattern, { error });
}

/** Keys of every mapping, by its path with indices and free names left out; for messages about unknown fields. */
const knownKeys = new Map<string, readonly string[]>();

function mapping<T extends z.ZodRawShape>(where: string, shape: T): z.ZodObject<T, z.core.$strict> {
  knownKeys.set(where, Object.keys(shape));
  return z.strictObject(shape, { error: `a mapping with ${Object.keys(shape).join(', ')}` });
}

const kebab = text(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens, at most 64');
/** Serials of twins, as the medium takes them. */
export const TWIN_SERIAL = /^TWIN-[A-Z0-9-]{1,32}$/;
export const TWIN_SERIAL_ALLOWED = 'TWIN- and 1 to 32 of A-Z, 0-9 and "-"';

/** What twins can be tuned to, as a B200. */
export const TWIN_LIMITS = { centerFrequencyHz: { min: 70e6, max: 6e9 }, rxGainDb: { min: 0, max: 76 } } as const;

const serial = text(
  /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/,
  'a serial of letters, digits, ".", "_", ":" and "-", at most 64',
);
const folder = text(/\S/, 'the path of a folder');

const radio = mapping('radios.*', { driver: oneOf(DRIVERS), serial });

/** A number that null, the default, switches off. */
function orNull(unit: string, min: number, max: number, off: string): z.ZodDefault<z.ZodNullable<z.ZodNumber>> {
  const error = `a number from ${min} to ${max} ${unit}, or null (${off})`;
  return z.number({ error }).min(min, { error }).max(max, { error }).nullable().default(null);
}

const bits = '0 (ideal) or an integer from 2 to 16';
const converterBits = z
  .number({ error: bits })
  .int({ error: bits })
  .refine((value) => value === 0 || (value >= 2 && value <= 16), { error: bits })
  .default(0);

const tap = mapping('air.paths.taps', {
  delayS: number('s', 0, CYCLIC_PREFIX_S),
  powerDb: number('dB', -60, 20),
  phaseRad: number('rad', -6.3, 6.3).default(0),
});

/** Last tap of the tapped delay lines of 3GPP TR 38.901, in rms delay spreads. */
export const LAST_TAP_SPREADS = {
  'tdl-a': 9.6586,
  'tdl-b': 4.7834,
  'tdl-c': 8.6523,
  'tdl-d': 12.525,
  'tdl-e': 20.6519,
} as const;

const fading = mapping('air.paths.fading', {
  kind: oneOf(['none', 'block', 'continuous']).default('none'),
  profile: oneOf(['taps', 'tdl-a', 'tdl-b', 'tdl-c', 'tdl-d', 'tdl-e']).default('taps'),
  delaySpreadS: number('s', 0, CYCLIC_PREFIX_S).default(0),
  dopplerHz: number('Hz', 0, 2000).default(0),
  ricianKDb: orNull('dB', -40, 60, 'as the profile says'),
});

const path = mapping('air.paths', {
  from: serial,
  to: serial,
  pathLossDb: number('dB', 0, 200),
  taps: z
    .array(tap, { error: 'a list of 1 to 16 taps (delayS, powerDb, phaseRad)' })
    .min(1, { error: 'a list of 1 to 16 taps (delayS, powerDb, phaseRad)' })
    .max(16, { error: 'a list of 1 to 16 taps (delayS, powerDb, phaseRad)' })
    .default([{ delayS: 0, powerDb: 0, phaseRad: 0 }]),
  fading: fading.prefault({}),
});

const loopBandwidth = '0 (free-running) or a number from 10 to 1000000 Hz';
const twin = mapping('air.radios.*', {
  clockErrorPpm: number('ppm', -100, 100).default(0),
  noiseFigureDb: number('dB', 0, 30).default(6),
  maxOutputPowerDbm: number('dBm', -30, 40).default(10),
  phaseNoiseLinewidthHz: number('Hz', 0, 1e4).default(0),
  phaseNoiseLoopBandwidthHz: z
    .number({ error: loopBandwidth })
    .refine((value) => value === 0 || (value >= 10 && value <= 1e6), { error: loopBandwidth })
    .default(0),
  phaseNoiseFloorDbcHz: orNull('dBc/Hz', -200, -60, 'none'),
  txIqGainDb: number('dB', -6, 6).default(0),
  txIqPhaseDeg: number('degrees', -30, 30).default(0),
  rxIqGainDb: number('dB', -6, 6).default(0),
  rxIqPhaseDeg: number('degrees', -30, 30).default(0),
  loLeakageDbfs: orNull('dBFS', -150, 0, 'none'),
  dcOffsetDbfs: orNull('dBFS', -150, 0, 'none'),
  amplifierSaturationDb: orNull('dB', -40, 40, 'a linear amplifier'),
  amplifierSmoothness: number('', 0.5, 20).default(2),
  dacBits: converterBits,
  adcBits: converterBits,
  activateSettleS: number('s', 0, 1).default(0),
  retuneSettleS: number('s', 0, 1).default(0),
  invalidRxSamples: integer(0, 16_000_000).default(0),
  trialStart: oneOf(['settled', 'activated', 'retuned']).default('activated'),
});

const bandwidth = '0 (a tone) or a number from 200000 to 61440000 Hz';
const duration = '0 (for ever) or a number from 0.000001 to 1000000 s';
const interfererList = 'a list of at most 16 interferers (frequencyHz, powerDbm, ...)';
const interferer = mapping('air.interferers', {
  frequencyHz: number('Hz', 0, 10e9),
  powerDbm: number('dBm', -200, 60),
  bandwidthHz: z
    .number({ error: bandwidth })
    .refine((value) => value === 0 || (value >= 200e3 && value <= 61.44e6), { error: bandwidth })
    .default(0),
  startS: number('s', 0, 1e6).default(0),
  onS: z
    .number({ error: duration })
    .refine((value) => value === 0 || (value >= 1e-6 && value <= 1e6), { error: duration })
    .default(0),
  periodS: number('s', 0, 1e6).default(0),
  serials: z.array(serial, { error: 'a list of serials of air.radios; empty: all' }).default([]),
});

const snrList = `a list of 1 to 50 different numbers from ${LINK_RANGE_DB.min} to ${LINK_RANGE_DB.max} dB`;
const snr = `a number from ${LINK_RANGE_DB.min} to ${LINK_RANGE_DB.max} dB, the link range`;
const belowRange = `${snr} (below it there is offline evaluation only)`;
/** Sections that an arm may change. */
export const ARM_SECTIONS = ['schedule', 'partition', 'transport', 'allocation', 'air', 'users', 'sweep'] as const;
const armList =
  'a list of 2 to 16 arms (name, and what differs: schedule, partition, transport, allocation, air, users, sweep)';
/** What an arm changes is read a second time, merged into the section. */
const overrides = z.record(z.string(), z.unknown(), { error: 'a mapping of what differs in this arm' }).optional();
const carriers = 'a number of grid carriers, or a mapping with first and count';
/** Whether it fits is told by partition.ts. */
const share = z.union(
  [
    z.number(),
    mapping('partition.*', { first: z.number({ error: carriers }).int(), count: z.number({ error: carriers }).int() }),
  ],
  { error: carriers },
);
export const MODULATIONS = ['qpsk', '16qam', '64qam', '256qam'] as const;
const bitsPerValue = 'auto (link adaptation), or an integer from 2 to 8';
const bitsNumber = z
  .number({ error: bitsPerValue })
  .int({ error: bitsPerValue })
  .min(2, { error: bitsPerValue })
  .max(8, { error: bitsPerValue });
const modulation = `auto (link adaptation), ${MODULATIONS.join(', ')}`;
const symbolShare = number('', 0.01, 100);
const SCHEDULES = ['turns', 'fdma', 'one-transmitter'] as const;
const tokenLength = mapping('users.*', { tokens: integer(1, 4096) });

/** What allocation may divide: the capture's band of 53 grid carriers at most. */
const BANDWIDTH_HZ = { min: 1e6, max: 4_140_625 } as const;

function budgetList(range: string, { min, max }: { min: number; max: number }) {
  const error = `a list of 1 to 50 different numbers from ${range}`;
  return z
    .array(z.number({ error }).min(min, { error }).max(max, { error }), { error })
    .min(1, { error })
    .max(50, { error })
    .refine((values) => new Set(values).size === values.length, { error })
    .optional();
}

const lengthList = 'a list of different token lengths, integers from 1 to 4096';
const lengths = z
  .array(z.number({ error: lengthList }).int({ error: lengthList }).min(1, { error: lengthList }).max(4096), {
    error: lengthList,
  })
  .min(1, { error: lengthList })
  .refine((values) => new Set(values).size === values.length, { error: lengthList })
  .optional();
const eachUser = { text: number('dB', 0, 200), visual: number('dB', 0, 200), audio: number('dB', 0, 200) };

/** Closed loop: sound, allocate, send with what was decided. */
const allocation = mapping('allocation', {
  method: oneOf(METHODS).optional(),
  csi: oneOf(['measured', 'simulated']).default('measured'),
  weight: number('', 0, 1).default(0.5),
  latencyRefS: number('s', 1e-6, 1e3).default(1),
  lossRef: number('', 1e-6, 1e3).default(1),
  bandwidthHz: number('Hz', BANDWIDTH_HZ.min, BANDWIDTH_HZ.max).default(BANDWIDTH_HZ.max),
  powerDb: number('dB', -60, 60).default(0),
  referenceGainDb: number('dB', 0, 120),
  referencePowerDbm: number('dBm', -120, 60).optional(),
  guardCarriers: number('grid carriers', 1, 32).default(2),
  lengths: mapping('allocation.lengths', { visual: lengths, audio: lengths }).prefault({}),
  resound: mapping('allocation.resound', {
    everyTrials: integer(1, 1_000_000).default(50),
    checkTrials: integer(1, 1000).default(10),
    movedDb: orNull('dB', 0.1, 60, 'never before everyTrials'),
  }).prefault({}),
  terms: mapping('allocation.terms', {
    latency: oneOf(TERM_CHOICES.latency).default(DEFAULT_TERMS.latency),
    gainAverage: oneOf(TERM_CHOICES.gainAverage).default(DEFAULT_TERMS.gainAverage),
    loss: oneOf(TERM_CHOICES.loss).default(DEFAULT_TERMS.loss),
    bands: oneOf(TERM_CHOICES.bands).default(DEFAULT_TERMS.bands),
  }).prefault({}),
  simulated: mapping('allocation.simulated', {
    model: oneOf(CHANNEL_MODELS).default('path-loss'),
    pathLossDb: mapping('allocation.simulated.pathLossDb', eachUser).optional(),
    noiseFigureDb: number('dB', 0, 60).optional(),
    shadowingDb: number('dB', 0, 40).optional(),
    delaySpreadS: number('s', 0, 1e-5).optional(),
  }).prefault({}),
});

/** The sections of the file, each checked by itself so that one bad section hides nothing in another. */
export const sectionSchemas = {
  name: kebab,
  seed: integer(0, 4294967295),
  arm: kebab.default('over-the-air'),
  arms: z
    .array(
      mapping('arms', {
        name: kebab,
        schedule: z.unknown().optional(),
        partition: z.unknown().optional(),
        transport: overrides,
        allocation: overrides,
        air: overrides,
        users: overrides,
        sweep: overrides,
      }),
      { error: armList },
    )
    .min(2, { error: armList })
    .max(16, { error: armList })
    .optional(),
  task: mapping('task', {
    name: kebab,
    bundle: folder,
    testSet: text(/\S/, 'the path of a .csv or .json list of questions').optional(),
  }),
  radios: mapping('radios', { base: radio, text: radio, visual: radio, audio: radio }),
  link: mapping('link', {
    centerFrequencyHz: number('Hz', 1e6, 7.25e9),
    rxGainDb: number('dB', 0, 120),
    cfoPriorHz: number('Hz', -390_625, 390_625).default(0),
    leadS: number('s', 1e-5, 1).default(1e-4),
    leadJitterS: number('s', 0, 1).default(2e-5),
  }),
  schedule: oneOf(SCHEDULES).optional(),
  partition: z
    .union(
      [
        z.literal('equal'),
        mapping('partition', {
          guardCarriers: number('grid carriers', 1, 32).default(2),
          text: share,
          visual: share,
          audio: share,
        }),
      ],
      {
        error:
          'equal, or a mapping with text, visual, audio (each a number of grid carriers, or first and count) and guardCarriers (1 to 32)',
      },
    )
    .optional(),
  transport: mapping('transport', {
    mapping: oneOf(['analog', 'digital']).default('analog'),
    digital: mapping('transport.digital', {
      bitsPerValue: z.union([z.literal('auto'), bitsNumber], { error: bitsPerValue }).default('auto'),
      modulation: z.enum(['auto', ...MODULATIONS], { error: modulation }).default('auto'),
      channelUsesOf: kebab.optional(),
      shares: mapping('transport.digital.shares', {
        text: symbolShare,
        visual: symbolShare,
        audio: symbolShare,
      }).optional(),
      targetPer: number('', 1e-4, 0.5).default(0.01),
      marginDb: number('dB', 0, 20).default(0),
    }).prefault({}),
    normalisation: oneOf(['burst', 'token']).default('burst'),
    permutation: yesOrNo(true),
    scramble: yesOrNo(true),
    dftSpreading: yesOrNo(false),
    papr: mapping('transport.papr', {
      control: oneOf(['none', 'clip-and-filter']).default('none'),
      targetDb: number('dB', 3.5, 20).default(6),
    }).prefault({}),
    rmsDbfs: number('dBFS', -60, 0).default(-12),
  }).prefault({}),
  air: mapping('air', {
    pace: oneOf(['free', 'realtime']).default('free'),
    radios: z.record(text(TWIN_SERIAL, `a twin's serial: ${TWIN_SERIAL_ALLOWED}`), twin, {
      error: 'a mapping of serials to clockErrorPpm, noiseFigureDb, maxOutputPowerDbm and impairments',
    }),
    paths: z.array(path, { error: 'a list of paths (from, to, pathLossDb, taps, fading)' }),
    interferers: z.array(interferer, { error: interfererList }).max(16, { error: interfererList }).default([]),
    channel: mapping('air.channel', {
      blockTrials: integer(1, 1_000_000),
      trialIntervalS: number('s', 0, 10).default(0),
    }).optional(),
  }).optional(),
  allocation: allocation.optional(),
  users: mapping('users', {
    text: mapping('users.text', {}).default({}),
    visual: tokenLength,
    audio: tokenLength,
  }),
  sweep: mapping('sweep', {
    snrDb: z
      .array(
        z.number({ error: snr }).min(LINK_RANGE_DB.min, { error: belowRange }).max(LINK_RANGE_DB.max, { error: snr }),
        { error: snrList },
      )
      .max(50, { error: snrList })
      .default([]),
    bandwidthHz: budgetList(`${BANDWIDTH_HZ.min} to ${BANDWIDTH_HZ.max} Hz`, BANDWIDTH_HZ),
    powerDb: budgetList('-60 to 60 dB', { min: -60, max: 60 }),
    by: oneOf(['snr', 'sndr']).default('snr'),
  }),
  questions: mapping('questions', {
    trialsPerPoint: integer(1, 1_000_000),
    distinct: integer(1, 1_000_000).optional(),
    awgnDraws: integer(0, 32).default(8),
  }),
  sounding: mapping('sounding', {
    burstsPerRound: integer(1, 100).default(8),
    toleranceDb: number('dB', 0.05, 3).default(0.2),
  }).default({ burstsPerRound: 8, toleranceDb: 0.2 }),
  output: mapping('output', {
    folder: folder.default('runs'),
    csiEveryNthTrial: integer(0, 1_000_000).default(10),
    errorBudgetEveryNthTrial: integer(0, 1_000_000).default(10),
  }).prefault({}),
} as const;

export type SectionName = keyof typeof sectionSchemas;
export const SECTION_NAMES = Object.keys(sectionSchemas) as SectionName[];

/** What each section reads as. */
export type Sections = { [K in SectionName]: z.output<(typeof sectionSchemas)[K]> };

/** Keys allowed in the mapping at a path, free names and indices ignored. */
export function keysAllowedAt(fieldPath: readonly PropertyKey[]): readonly string[] {
  const names = fieldPath.filter((part) => typeof part !== 'number').map(String);
  const exact = knownKeys.get(names.join('.'));
  if (exact !== undefined) return exact;
  return knownKeys.get([...names.slice(0, -1), '*'].join('.')) ?? [];
}
