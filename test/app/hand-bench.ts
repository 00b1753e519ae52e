/**
 * A bench and a model written by hand, for tests of everything above the link: seeded AWGN by the channel contract,
 * SNR that follows the transmit gain, and faults on request. No radio, no network.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LossSurface } from '../../app/allocation';
import type { BundleFacts, TaskModel, UserTokens } from '../../app/experiment/model';
import type { HostParts } from '../../app/host/run';
import type {
  Bench,
  BenchLauncher,
  BenchSetup,
  BurstMeasurement,
  BurstRequest,
  BurstResult,
  SnrEstimate,
  TokenMatrix,
  TrialRequest,
  TrialResult,
} from '../../app/link/types';
import { seededRandom, type UniformRandom } from '../../app/units/random';
import { GRID_BINS } from '../../app/units/subbands';

function gaussian(random: UniformRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** r = g/(1+g) (x + n) of the channel contract, written a second time on purpose. */
export function awgn(tokens: TokenMatrix, snrDb: number, random: UniformRandom): TokenMatrix {
  const gamma = 10 ** (snrDb / 10);
  let energy = 0;
  for (const value of tokens.data) energy += value * value;
  const scale = Math.sqrt(energy / Math.ceil(tokens.data.length / 2));
  const data = tokens.data.map((v) => (gamma / (1 + gamma)) * (v + scale * gaussian(random) * Math.sqrt(0.5 / gamma)));
  return { ...tokens, data };
}

export interface HandFaults {
  /** SNR minus transmit gain, by user, dB. */
  readonly offsetsDb?: Readonly<Record<string, number>>;
  /** Systematic error that the search at one gain does not see: SNR per dB of gain. */
  readonly slope?: number;
  /** A user's power is spread over its sub-band: the narrower, the higher its SNR. */
  readonly spreads?: boolean;
  /** dB on top, by user and the channel that the trial meets. */
  readonly fadingDb?: (user: string, channel: TrialRequest['channel']) => number;
  /** Share of bursts that are lost. */
  readonly lostShare?: number;
  /** This user is heard in soundings alone. */
  readonly vanishes?: string;
  /** Digital bursts of this user come without their first token, or as payload-mismatch. */
  readonly erases?: string;
  readonly mismatches?: string;
  /** How many attempts of this trial are spoilt by an overflow. */
  readonly spoiltAttempts?: (trialId: string) => number;
  /** The radio process ends after so many trials. */
  readonly dieAfterTrials?: number;
  /** Time that a trial takes, ms. */
  readonly trialMs?: number;
}

const CARRIERS = Int16Array.from({ length: 48 }, (_, i) => (i < 24 ? i - 26 : i - 21)).filter((c) => c !== 0);
export const TX_GAIN_RANGE_DB = { min: 0, max: 89.75, step: 0.25 };

export class HandBench implements Bench {
  readonly radios: Bench['radios'];
  readonly mcs: Bench['mcs'] = [
    { modulation: 'qpsk', codeRate: 0.5, snrDb: 1.4, gapDb: 0.9, bitsPerChannelUse: 1 },
    { modulation: '16qam', codeRate: 0.5, snrDb: 6.5, gapDb: 1.1, bitsPerChannelUse: 2 },
  ];
  readonly requests: TrialRequest[] = [];
  readonly attempts = new Map<string, number>();
  closed = false;
  private listener: (reason: string) => void = () => undefined;
  private lost = false;

  constructor(
    readonly setup: BenchSetup,
    private readonly faults: HandFaults,
  ) {
    this.radios = setup.roles.map(({ role, driver, serial }) => ({
      role,
      driver,
      serial,
      hardware: 'written by hand',
      simulated: true,
      centerFrequencyHz: { requested: setup.centerFrequencyHz, actual: setup.centerFrequencyHz },
      sampleRateHz: { requested: setup.sampleRateHz, actual: setup.sampleRateHz },
      txGainRangeDb: TX_GAIN_RANGE_DB,
    }));
  }

  async runTrial(request: TrialRequest): Promise<TrialResult> {
    this.requests.push(request);
    if (this.requests.length > (this.faults.dieAfterTrials ?? Infinity)) this.die();
    await new Promise((resolve) =>
      this.faults.trialMs ? setTimeout(resolve, this.faults.trialMs) : setImmediate(resolve),
    );
    if (this.lost || this.closed) throw new Error('the radio process is gone');
    const attempt = (this.attempts.get(request.trialId) ?? 0) + 1;
    this.attempts.set(request.trialId, attempt);
    const valid = attempt > (this.faults.spoiltAttempts?.(request.trialId) ?? 0);
    return {
      trialId: request.trialId,
      bursts: request.bursts.map((burst) => this.burst(request, burst)),
      events: valid
        ? []
        : [{ kind: 'overflow', direction: 'rx', serial: 'TWIN-BASE', hardwareTimeNs: 5, count: 1, detail: 'by hand' }],
      valid,
      airTimeS: 0.0015,
    };
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  onLost(listener: (reason: string) => void): void {
    this.listener = listener;
  }

  die(): void {
    if (this.lost) return;
    this.lost = true;
    this.listener('the radio process ended (killed by signal SIGKILL)');
  }

  private burst({ trialId, effectiveSnr, channel }: TrialRequest, request: BurstRequest): BurstResult {
    const { user, sequence, tokens, txGainDb, subband, digital } = request;
    const random = seededRandom(this.setup.seed, `${trialId}/${user}`);
    const spreadDb = this.faults.spreads ? 10 * Math.log10(GRID_BINS / (subband?.size ?? GRID_BINS)) : 0;
    const channelDb = (this.faults.offsetsDb?.[user] ?? -50) + (this.faults.fadingDb?.(user, channel) ?? 0) + spreadDb;
    const trueSnrDb = channelDb + (this.faults.slope ?? 1) * txGainDb;
    const gone = user === this.faults.vanishes && !trialId.includes('sounding');
    const lost = gone || trueSnrDb < -9 || random() < (this.faults.lostShare ?? 0);
    const snrDb = trueSnrDb + 0.3 * gaussian(random);
    const mismatch = digital !== undefined && user === this.faults.mismatches;
    const erased = new Uint8Array(tokens.tokens);
    if (lost || mismatch) erased.fill(1);
    else if (user === this.faults.erases) erased[0] = 1;
    return {
      user,
      sequence,
      detected: !lost,
      headerOk: !lost,
      outcome: lost ? 'absent' : mismatch ? 'payload-mismatch' : 'ok',
      channelUses: 48,
      subband: subband ?? null,
      digital:
        digital === undefined
          ? null
          : {
              bitsPerValue: digital.bitsPerValue ?? 3,
              modulation: digital.modulation ?? '16qam',
              payloadOfdmSymbols: digital.payloadOfdmSymbols,
              codeRate: 0.5,
              effectiveSnrDb: digital.effectiveSnrDb?.['16qam'] ?? null,
              requiredSnrDb: 6,
              meetsTarget: (digital.effectiveSnrDb?.['16qam'] ?? 0) >= 6,
              codeBlocks: 1,
              codeBlocksLost: erased.includes(1) ? 1 : 0,
              decoderIterations: 4,
              erased,
            },
      received: lost || mismatch ? null : awgn(tokens, trueSnrDb, random),
      tokenError: lost ? null : 1 / (1 + 10 ** (trueSnrDb / 10)),
      errorBudget: null,
      boundError: lost ? null : 1 / (1 + 10 ** (snrDb / 10)),
      measurement: lost ? null : { ...measurement(snrDb, random), effectiveSnrDb: effectiveSnr ? flat(snrDb) : null },
      truth: { snrDb: trueSnrDb, cfoHz: 1000 },
      txGainDb: { requested: txGainDb, actual: txGainDb },
      paprDb: 9.5,
      ccdfDb: [3.6, 6.6, 8.4],
      clippedFraction: 0,
      limitedFraction: 0,
      clipEvmDb: null,
      airTimeS: 0.0004,
    };
  }
}

function flat(snrDb: number): NonNullable<BurstMeasurement['effectiveSnrDb']> {
  return { qpsk: snrDb, '16qam': snrDb, '64qam': snrDb, '256qam': snrDb };
}

function estimate(snrDb: number, sdDb: number): SnrEstimate {
  return { snrDb, sdDb, lowDb: snrDb - 2 * sdDb, highDb: snrDb + 2 * sdDb };
}

function measurement(snrDb: number, random: UniformRandom): BurstMeasurement {
  const noise = 10 ** (-snrDb / 20);
  return {
    snrDb,
    bestEstimator: 'data-aided-and-pilots',
    estimates: {
      best: estimate(snrDb, 0.15),
      sndr: estimate(snrDb - 0.1, 1.3),
      preamble: estimate(snrDb + 0.1, 0.4),
      emptyCarriers: estimate(snrDb - 0.1, 0.4),
      pilotEvm: estimate(snrDb, 1.3),
      dataAided: estimate(snrDb, 0.2),
    },
    genie: null,
    disturbed: false,
    phaseDriftRad: 0.001,
    saturatedSamples: 0,
    cfoHz: 1000 + random(),
    clockOffsetPpm: 0.4,
    arrivalNs: 100000,
    carriers: CARRIERS,
    channel: Float32Array.from(
      { length: 2 * CARRIERS.length },
      (_, i) => (i % 2 === 0 ? 0.01 : 0.002) + 0.0004 * random(),
    ),
    carrierSnrDb: Float32Array.from(CARRIERS, () => snrDb + gaussian(random)),
    effectiveSnrDb: null,
    noiseVariance: 1e-6,
    constellation: Float32Array.from({ length: 256 }, () => gaussian(random) * Math.SQRT1_2 + noise * gaussian(random)),
  };
}

export class HandLauncher implements BenchLauncher {
  readonly benches: HandBench[] = [];
  constructor(private readonly faults: HandFaults = {}) {}
  open(setup: BenchSetup): Promise<HandBench> {
    const bench = new HandBench(setup, this.faults);
    this.benches.push(bench);
    return Promise.resolve(bench);
  }
}

export const HAND_QUESTIONS = 40;
const FAMILIES = ['count', 'where'];

/** Answers rightly when the tokens came through well enough for the question's own demand. */
export function handModel(onAnswer: (batch: number) => void = () => undefined): TaskModel {
  const matrix = (label: string, tokens: number, dimension: number): TokenMatrix => {
    const random = seededRandom(1, label);
    return { data: Float32Array.from({ length: tokens * dimension }, () => gaussian(random)), tokens, dimension };
  };
  const sent = (question: number, lengths: { visual: number; audio: number }): UserTokens => ({
    text: matrix(`text ${question}`, 3 + (question % 4), 8),
    visual: matrix(`visual ${question}`, lengths.visual, 8),
    audio: matrix(`audio ${question}`, lengths.audio, 8),
  });
  return {
    name: 'by-hand',
    hash: 'ab'.repeat(32),
    questions: Array.from({ length: HAND_QUESTIONS }, (_, index) => ({
      index,
      family: FAMILIES[index % 2] as string,
      words: ['what', 'is', 'it'],
      answer: 'seven',
    })),
    parallelCalls: 2,
    blindPrior: () => 0.25,
    encode: (indices, lengths) => Promise.resolve(indices.map((question) => sent(question, lengths))),
    answer: (batch) => {
      onAnswer(batch.length);
      return Promise.resolve(
        batch.map(({ question, received }) => {
          const original = sent(question, { visual: received.visual.tokens, audio: received.audio.tokens });
          let error = 0;
          let count = 0;
          for (const user of ['text', 'visual', 'audio'] as const)
            original[user].data.forEach((value, i) => {
              error += (value - (received[user].data[i] ?? 0)) ** 2;
              count++;
            });
          const demand = 0.02 + 0.5 * seededRandom(2, `demand ${question}`)();
          const correct = error / count < demand;
          return { word: correct ? 'seven' : 'two', correct, logProbability: -error / count };
        }),
      );
    },
    awgn,
  };
}

export const HAND_FACTS: BundleFacts = {
  name: 'by-hand',
  hash: 'ab'.repeat(32),
  task: 'digit-avqa',
  questions: HAND_QUESTIONS,
  tokenLengths: { visual: [2, 4, 16], audio: [2, 4, 16] },
  dimensions: { text: 8, visual: 8, audio: 8 },
  textTokens: [3, 4, 5, 6],
};

const handSurface = (loss: readonly number[][]): { surface: LossSurface } => ({
  surface: { form: 'table', snrDb: [-10, 0, 10, 20], lengths: [2, 4, 16], loss: loss.map((row) => [...row]) },
});

/** With the loss surface that allocation needs. */
export const HAND_FACTS_WITH_SURFACE: BundleFacts = {
  ...HAND_FACTS,
  surface: {
    users: {
      text: handSurface([1, 0.5, 0.1, 0.05].map((one) => [one, one, one])),
      visual: handSurface([1, 0.6, 0.3, 0.2].map((one) => [one, one / 2, one / 3])),
      audio: handSurface([0.8, 0.5, 0.2, 0.1].map((one) => [one, one / 2, one / 3])),
    },
    rmsError: { loss: 0.1, surface: 0.02 },
  },
};

export function handParts(launcher: BenchLauncher, model: TaskModel = handModel(), facts = HAND_FACTS): HostParts {
  return {
    launcher,
    loadModel: () => Promise.resolve({ model, facts, close: () => Promise.resolve() }),
    findRadios: () =>
      Promise.resolve({ radios: [{ driver: 'twin', serial: 'TWIN-BASE', label: 'by hand' }], failures: ['uhd: none'] }),
    inspectRadio: () => Promise.reject(new Error('by hand: nothing to open')),
  };
}

/** A good experiment file; tests replace lines of it. */
export const GOOD_FILE = `name: by-hand
seed: 7
task: { name: digit-avqa, bundle: bundle }
radios:
  base: { driver: twin, serial: TWIN-BASE }
  text: { driver: twin, serial: TWIN-TEXT }
  visual: { driver: twin, serial: TWIN-VISUAL }
  audio: { driver: twin, serial: TWIN-AUDIO }
link:
  centerFrequencyHz: 2.45e9
  rxGainDb: 40
air:
  radios:
    TWIN-BASE: {}
    TWIN-TEXT: { clockErrorPpm: 2 }
    TWIN-VISUAL: {}
    TWIN-AUDIO: {}
  paths:
    - { from: TWIN-TEXT, to: TWIN-BASE, pathLossDb: 60 }
    - { from: TWIN-VISUAL, to: TWIN-BASE, pathLossDb: 60 }
    - { from: TWIN-AUDIO, to: TWIN-BASE, pathLossDb: 60 }
users:
  visual: { tokens: 4 }
  audio: { tokens: 4 }
sweep:
  snrDb: [0, 10, 20]
questions:
  trialsPerPoint: 100
  awgnDraws: 3
output:
  csiEveryNthTrial: 5
`;

/** Writes an experiment file and the folder that its bundle field names. @returns the file */
export function writeExperiment(folder: string, text: string = GOOD_FILE): string {
  mkdirSync(path.join(folder, 'bundle'), { recursive: true });
  writeFileSync(path.join(folder, 'bundle', 'manifest.json'), '{}\n');
  const file = path.join(folder, 'experiment.yml');
  writeFileSync(file, text);
  return file;
}
