/** Views, details and health of made-up radios, of the right shapes and sizes; for tests of the window alone. */
import type { Health, LiveBurst, LiveView, RadioDetails } from '../../app/ipc/live-messages';
import type { Bench, BenchObserver } from '../../app/link/types';
import { seededRandom } from '../../app/units/random';

const USERS = ['text', 'visual', 'audio'] as const;
const CARRIERS = Int16Array.from({ length: 52 }, (_, i) => (i < 26 ? i - 26 : i - 25));
const SYMBOLS = 480;
const BINS = 512;

const random = seededRandom(5, 'views');
const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function burst(index: number, number: number): LiveBurst {
  const snrDb = 14 + 4 * index + 1.5 * Math.sin(number / 30 + index);
  const channel = new Float32Array(2 * CARRIERS.length);
  CARRIERS.forEach((carrier, i) => {
    const angle = 0.09 * carrier * (index + 1) + number / 50;
    channel[2 * i] = 0.02 * (Math.cos(angle) + 0.5 * Math.cos(3.1 * angle));
    channel[2 * i + 1] = 0.02 * (Math.sin(angle) + 0.5 * Math.sin(3.1 * angle));
  });
  const power = (i: number): number => (channel[2 * i] ?? 0) ** 2 + (channel[2 * i + 1] ?? 0) ** 2;
  const equalised = Float32Array.from({ length: 2 * SYMBOLS }, () => gaussian() / Math.SQRT2);
  const unequalised = Float32Array.from({ length: 2 * SYMBOLS }, () => gaussian() / Math.SQRT2);
  return {
    trialId: `pooled/${number}`,
    sequence: number % 4096,
    snrDb,
    bestEstimator: 'data-aided-and-pilots',
    estimatesDb: {
      preamble: snrDb + 0.5 * gaussian(),
      emptyCarriers: snrDb + 0.4 * gaussian(),
      pilotEvm: snrDb + 0.6 * gaussian(),
      genie: snrDb + 0.1 * gaussian(),
    },
    trueSnrDb: snrDb,
    cfoHz: -4000 * index + 30 * gaussian(),
    disturbed: false,
    saturatedSamples: 0,
    carriers: CARRIERS,
    carrierSpacingHz: 78125,
    channel,
    carrierSnrDb: Float32Array.from(CARRIERS, (_, i) => snrDb + 10 * Math.log10(power(i) / 5e-4)),
    unequalised,
    equalised,
    paprDb: 9 + gaussian() / 3,
    ccdfDb: [3.6, 6.6, 8.3],
    txGainDb: 70,
  };
}

export function fakeView(number: number): LiveView {
  const shape = (i: number): number => (Math.abs(i / BINS - 0.5) < 0.41 ? 28 : 0);
  const levels = (offsetDb: number): Float32Array =>
    Float32Array.from({ length: BINS }, (_, i) => -135 + shape(i) + offsetDb + 1.2 * gaussian());
  return {
    spectrum: {
      centerFrequencyHz: 2.45e9,
      sampleRateHz: 5e6,
      meanDbfsPerHz: levels(2 * Math.sin(number / 10)),
      peakDbfsPerHz: levels(9),
      segments: 200,
      segmentsLeftOut: 0,
    },
    users: USERS.map((user, index) => ({
      user,
      burstsSent: 4,
      burstsReceived: number % 40 === 0 ? 3 : 4,
      burst: burst(index, number),
      errorBudget:
        number % 10 === 1
          ? {
              trialId: `pooled/${number}`,
              parts: {
                measured: 0.03,
                noise: 0.021,
                nonlinearity: 0.002,
                phase: 0.001,
                channel: 0.004 + 0.001 * index,
                interference: 0.001,
                unexplained: 0.001 - 0.001 * index,
              },
            }
          : null,
    })),
  };
}

const range = { min: 0, max: 89.75, step: 0.25 };
const channelOf = (channels: number): RadioDetails['capabilities']['rx'] => ({
  channels,
  fullDuplex: true,
  antennas: ['RX', 'TX/RX'],
  gainRangeDb: range,
  gainElementsDb: [{ name: 'PGA', ...range }],
  frequencyRangesHz: [{ min: 70e6, max: 6e9, step: 0 }],
  sampleRateRangesHz: [{ min: 1e5, max: 61.44e6, step: 0 }],
  bandwidthRangesHz: [{ min: 2e5, max: 56e6, step: 0 }],
  formats: ['CF32'],
  nativeFormat: 'CF32',
  nativeFullScale: 1,
});

export function fakeDetails(serial: string): RadioDetails {
  return {
    driver: 'twin',
    serial,
    hardware: 'twin',
    information: { serial, firmware: 'none: simulated' },
    simulated: true,
    mayTransmit: true,
    capabilities: {
      rx: channelOf(1),
      tx: channelOf(1),
      hardwareTime: true,
      clockSources: ['internal'],
      timeSources: ['internal'],
      sensors: ['ref_locked', 'rx:temp'],
    },
  };
}

const SERIALS = ['TWIN-BASE', 'TWIN-TEXT', 'TWIN-VISUAL', 'TWIN-AUDIO'];

export function fakeHealth(): Health {
  return {
    radios: SERIALS.map((serial, index) => ({
      driver: 'twin',
      serial,
      faults: index === 0 ? { overflow: 2 } : {},
      sensors: [
        { name: 'ref_locked', value: index === 3 ? 'false' : 'true' },
        { name: 'rx:temp', value: index === 2 ? '78.5' : '25.0' },
      ],
    })),
    events: [
      {
        kind: 'overflow',
        direction: 'rx',
        serial: 'TWIN-BASE',
        hardwareTimeNs: 1.25e9,
        count: 1,
        detail: 'the radio dropped samples that nobody read in time',
      },
    ],
    eventsLeftOut: 0,
  };
}

/** A bench that makes nothing but views, this often. */
export function fakeBench(intervalMs: number): Bench {
  let timer: NodeJS.Timeout | null = null;
  let observer: BenchObserver | null = null;
  let number = 0;
  let told = false;
  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  return {
    radios: [],
    mcs: [],
    details: SERIALS.map(fakeDetails),
    runTrial: () => Promise.reject(new Error('a made-up bench runs no trials')),
    close: () => Promise.resolve(stop()),
    onLost: () => undefined,
    observe: (given) => {
      observer = given;
    },
    watch: ({ views, sensors }) => {
      stop();
      if (sensors) observer?.health({ ...fakeHealth(), ...(told ? { events: [] } : {}) });
      told ||= sensors;
      if (!views) return;
      timer = setInterval(() => observer?.view(fakeView(++number)), intervalMs);
    },
  };
}
