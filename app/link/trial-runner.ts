/** Runs trials on an open bench, one after another: bursts out, what came back of them in. */
import type { BurstLayout, Native, ReceivedBurst, Reception, TwinPath } from '../../drivers/radio';
import { chosenFormat, type ChosenFormat } from './digital';
import { LinkError } from './errors';
import { attribute, burstResult, digitalOf, GRID_BINS, subbandOf, transportOf, type PlannedBurst } from './results';
import type { OpenBench, UserRadio } from './radio-bench';
import { outgoingOf, refusals, refuseNothingSent, type Outgoing } from './outgoing';
import { burstTruth } from './truth';
import type { BurstRequest, BurstTruth, ErrorBudget, RadioEvent, TrialRequest, TrialResult } from './types';

const NS = 1e9;
/** Received beyond the last burst's end: propagation, clock errors, filters. Doubled clock error limit of the medium. */
const TAIL_S = 200e-6;
const CLOCK_ERROR_LIMIT = 200e-6;
/** Between planning and sending where time runs by itself. */
const REALTIME_MARGIN_S = 0.02;
/** Of the sub-bands' filters, at the capture's rate. */
const SUBBAND_DELAY_SAMPLES = 2048;
const ACKNOWLEDGE_TIMEOUT_MS = 2000;
const GATE_STEP_SAMPLES = 64;
/** Around a burst that the receiver shall find again: its gate looks back, its filters ring. */
const BUDGET_MARGIN_SAMPLES = 256;
/** Far above what the machine needs beyond the trial's own time, well below what a host waits. */
const RECEIVE_TIMEOUT_MS = 20_000;

/** Told of every trial, with what the receiver said of each burst (null: lost). */
export type TrialWatcher = (result: TrialResult, found: readonly (ReceivedBurst | null)[]) => void;

export class TrialRunner {
  watcher: TrialWatcher | null = null;
  /** Told of what happened to the receiver while no trial ran: it spoils none. */
  idleWatcher: ((events: readonly RadioEvent[]) => void) | null = null;

  constructor(
    private readonly bench: OpenBench,
    private readonly native: Native,
  ) {}

  /**
   * @throws LinkError out-of-range (no burst can be sent), bad-partition, no-sounding, transmit-disabled,
   * timed-out, closed, driver-failed
   */
  async run(request: TrialRequest): Promise<TrialResult> {
    const radios = request.bursts.map((burst) => this.radioOf(burst));
    this.checkGains(request, radios);
    this.checkSubbands(request, radios);
    const formats = request.bursts.map((burst) => chosenFormat(burst, this.native));
    // Before the trial begins: none of its samples may go to another search.
    this.bench.receiver.setSubbands(
      request.bursts.flatMap((burst, index) => subbandOf(burst, radios[index] as UserRadio).subband ?? []),
    );
    const { air } = this.bench.setup;
    if (air === null) {
      if (request.channel !== undefined)
        throw new LinkError('unsupported', 'channel: on real radios, whose air is what it is; allowed on twins');
      if (request.atOnce === true)
        throw new LinkError('unsupported', 'atOnce: on real radios; allowed on twins until the safety layer lands');
      return this.runOnAir(request, radios, formats);
    }
    return this.runOnTwins(request, radios, formats, air.pace === 'free');
  }

  /** All bursts are planned from the reset clocks, handed over, and only then does time go on (in free pace). */
  private async runOnTwins(
    request: TrialRequest,
    radios: readonly UserRadio[],
    formats: readonly (ChosenFormat | null)[],
    free: boolean,
  ): Promise<TrialResult> {
    const { medium } = this.native;
    const { receiver, setup } = this.bench;
    const idle = receiver.drain();
    this.idleWatcher?.(idle.events);
    await this.setGains(request, radios);
    const afterEpoch = receiver.epoch;
    medium.beginTrial(request.trialId, request.channel);
    try {
      const planned = this.plan(request, radios, formats, free ? 0 : REALTIME_MARGIN_S);
      const sent = await this.sendAll(planned);
      const endNs = Math.max(...sent.map((burst) => (burst instanceof LinkError ? 0 : (burst.endNs ?? 0))));
      const untilNs = Math.ceil(endNs * (1 + CLOCK_ERROR_LIMIT)) + this.tailNs(request);
      if (free) medium.grantUntilNs(untilNs);
      const timeNs = Math.floor(untilNs * (1 - CLOCK_ERROR_LIMIT)) - (4 * NS) / setup.sampleRateHz;
      const timeoutMs = RECEIVE_TIMEOUT_MS + (free ? 0 : untilNs / 1e6);
      const reception = await receiver.collect({ afterEpoch, timeNs, timeoutMs });
      const events = [...reception.events, ...(await this.settleTransmitters(radios))];
      const truths = planned.map((burst, index) =>
        sent[index] instanceof LinkError
          ? null
          : burstTruth(this.native, this.bench.base.serial, setup.sampleRateHz, burst),
      );
      return this.result(request, planned, sent, reception, events, truths);
    } catch (error) {
      // Nothing of a trial that failed may reach into the next one.
      medium.endTrial();
      medium.silence();
      throw LinkError.from(error);
    }
  }

  /** Real radios: their clocks run and know nothing of each other, so one burst follows the other's acknowledgement. */
  private async runOnAir(
    request: TrialRequest,
    radios: readonly UserRadio[],
    formats: readonly (ChosenFormat | null)[],
  ): Promise<TrialResult> {
    const { receiver, base, setup } = this.bench;
    const idle = receiver.drain();
    this.idleWatcher?.(idle.events);
    await this.setGains(request, radios);
    const planned: PlannedBurst[] = [];
    const sent: Outgoing[] = [];
    const events: RadioEvent[] = [];
    for (const [index, burst] of request.bursts.entries()) {
      const radio = radios[index] as UserRadio;
      const format = formats[index] ?? null;
      const layout = this.layout(burst, radio, format);
      await delay(burst.leadS * 1000);
      const nowNs = await radio.device.hardwareTimeNs();
      const one = {
        request: burst,
        radio,
        layout,
        format,
        startNs: nowNs === null ? null : nowNs + REALTIME_MARGIN_S * NS,
      };
      planned.push(one);
      sent.push(await this.send(one));
      await delay((layout.samples / setup.sampleRateHz + REALTIME_MARGIN_S) * 1000);
      events.push(...(await this.settleTransmitters([radio])));
    }
    refuseNothingSent(sent);
    const heardNs = await base.hardwareTimeNs();
    if (heardNs === null) await delay(4 * REALTIME_MARGIN_S * 1000);
    const reception =
      heardNs === null
        ? receiver.drain()
        : await receiver.collect({ afterEpoch: receiver.epoch - 1, timeNs: heardNs, timeoutMs: RECEIVE_TIMEOUT_MS });
    events.unshift(...reception.events);
    return this.result(
      request,
      planned,
      sent,
      reception,
      events,
      planned.map(() => null),
    );
  }

  private radioOf(burst: BurstRequest): UserRadio {
    const radio = this.bench.users.get(burst.user);
    if (radio === undefined)
      throw new LinkError(
        'out-of-range',
        `bursts.user: "${burst.user}"; allowed ${[...this.bench.users.keys()].join(', ') || '(no user on this bench)'}`,
      );
    return radio;
  }

  private checkGains(request: TrialRequest, radios: readonly UserRadio[]): void {
    const gains = new Map<UserRadio['gain'], number>();
    request.bursts.forEach(({ user, txGainDb }, index) => {
      const { gain } = radios[index] as UserRadio;
      if ((gains.get(gain) ?? txGainDb) !== txGainDb)
        throw new LinkError('out-of-range', `bursts.txGainDb: two gains of ${user}; allowed one within a trial`);
      gains.set(gain, txGainDb);
    });
  }

  private checkSubbands(request: TrialRequest, radios: readonly UserRadio[]): void {
    if (request.atOnce !== true) {
      const lone = request.bursts.find(({ subband }) => subband !== undefined);
      if (lone !== undefined)
        throw new LinkError(
          'bad-partition',
          `bursts.subband: of ${lone.user}, in turn; allowed where all send at once`,
        );
      return;
    }
    const seen = new Set<UserRadio['gain']>();
    request.bursts.forEach(({ user, subband }, index) => {
      const { gain } = radios[index] as UserRadio;
      if (seen.has(gain))
        throw new LinkError(
          'out-of-range',
          `bursts.user: "${user}" sends from a radio that sends already; allowed once`,
        );
      seen.add(gain);
      if (subband === undefined)
        throw new LinkError(
          'bad-partition',
          `bursts.subband: missing for ${user}; allowed its own where all send at once`,
        );
      if (subband.soundedCfoHz === null)
        throw new LinkError(
          'no-sounding',
          `bursts.subband.soundedCfoHz: missing for ${user}; allowed the CFO of a sounding, Hz`,
        );
    });
    const users = request.bursts.flatMap((burst, index) => subbandOf(burst, radios[index] as UserRadio).subband ?? []);
    const [fault] = this.native.subbandFaults(users);
    if (fault !== undefined) throw new LinkError('bad-partition', `bursts.subband: ${fault.message}`);
  }

  private async setGains(request: TrialRequest, radios: readonly UserRadio[]): Promise<void> {
    await Promise.all(
      request.bursts.map(async ({ txGainDb }, index) => {
        const radio = radios[index] as UserRadio;
        if (radio.gain.achieved.requested === txGainDb) return;
        radio.gain.achieved = await radio.device.setGainDb('tx', txGainDb);
      }),
    );
  }

  private layout(request: BurstRequest, radio: UserRadio, format: ChosenFormat | null): BurstLayout {
    const { tokens, dimension } = request.tokens;
    const layout = this.native.burstLayout({
      tokens,
      dimension,
      ...transportOf(request),
      ...digitalOf(format),
      ...subbandOf(request, radio),
    });
    const most = this.native.numerology.mostPayloadOfdmSymbols;
    if (layout.payloadOfdmSymbols > most)
      throw new LinkError(
        'out-of-range',
        `bursts.tokens: ${tokens} x ${dimension} needs ${layout.payloadOfdmSymbols} symbols; allowed at most ${most}`,
      );
    return layout;
  }

  private plan(
    request: TrialRequest,
    radios: readonly UserRadio[],
    formats: readonly (ChosenFormat | null)[],
    marginS: number,
  ): PlannedBurst[] {
    const { sampleRateHz } = this.bench.setup;
    // In whole samples, so that starts fall on them.
    const begin = Math.round(marginS * sampleRateHz);
    let sample = begin;
    return request.bursts.map((burst, index) => {
      const radio = radios[index] as UserRadio;
      const format = formats[index] ?? null;
      const layout = this.layout(burst, radio, format);
      sample += Math.round(burst.leadS * sampleRateHz);
      const startNs = Math.round((sample * NS) / sampleRateHz);
      sample = request.atOnce === true ? begin : sample + layout.samples;
      return { request: burst, radio, layout, format, startNs };
    });
  }

  /** What no burst can be made of is refused by itself, and the others are served. */
  private async sendAll(planned: readonly PlannedBurst[]): Promise<Outgoing[]> {
    const sent = await Promise.all(planned.map((burst) => this.send(burst)));
    refuseNothingSent(sent);
    return sent;
  }

  private async send({ request, radio, format, startNs }: PlannedBurst): Promise<Outgoing> {
    const { data, tokens, dimension } = request.tokens;
    const burst = {
      data,
      tokens,
      dimension,
      user: radio.number,
      sequence: request.sequence,
      ...transportOf(request),
      ...digitalOf(format),
      ...subbandOf(request, radio),
      startNs: radio.device.capabilities.hardwareTime ? startNs : null,
    };
    try {
      return await radio.transmitter.send(burst);
    } catch (error) {
      const refusal = LinkError.from(error);
      if (refusal.code === 'out-of-range') return refusal;
      throw refusal;
    }
  }

  /** Acknowledgements, and what went wrong with those who got none. */
  private async settleTransmitters(radios: readonly UserRadio[]): Promise<RadioEvent[]> {
    const streams = new Map(radios.map((radio) => [radio.transmitter, radio]));
    const events = await Promise.all(
      [...streams.values()].map(async ({ transmitter, device }): Promise<RadioEvent[]> => {
        const missing = await transmitter.flush(ACKNOWLEDGE_TIMEOUT_MS);
        const told = [...transmitter.drainEvents()];
        if (missing > 0)
          told.push({
            kind: 'stream-error',
            direction: 'tx',
            serial: device.serial,
            hardwareTimeNs: null,
            count: missing,
            detail: 'bursts that the radio did not acknowledge',
          });
        return told;
      }),
    );
    return events.flat();
  }

  private tailNs(request: TrialRequest): number {
    const delays = this.bench.setup.air?.paths.flatMap(longestDelaysS) ?? [];
    const narrowest = Math.min(GRID_BINS, ...request.bursts.flatMap(({ subband }) => subband?.size ?? []));
    const filtersS = request.atOnce === true ? SUBBAND_DELAY_SAMPLES / this.bench.setup.sampleRateHz : 0;
    return Math.ceil(((TAIL_S * GRID_BINS) / narrowest + filtersS + Math.max(0, ...delays)) * NS);
  }

  /** On twins with the medium's truth, which no receiver reads; before the next trial begins. */
  private errorBudget(
    { request, radio, layout, format }: PlannedBurst,
    sent: Outgoing,
    found: ReceivedBurst | null,
  ): ErrorBudget | null {
    // Numbers err by their steps and by whole blocks: no share of theirs is noise's or the phase's.
    if (format !== null || sent instanceof LinkError) return null;
    if (found?.headerOk !== true || found.data === null) return null;
    const { air, sampleRateHz, centerFrequencyHz, cfoPriorHz = 0 } = this.bench.setup;
    const burst = {
      sent: request.tokens.data,
      user: radio.number,
      sequence: request.sequence,
      tokens: request.tokens.tokens,
      dimension: request.tokens.dimension,
      ...transportOf(request),
    };
    // The substitution knows the full band's waveform alone.
    if (air === null || request.subband !== undefined) {
      const { data, channel, noiseVariance, signalPower, estimates } = found;
      const dataAidedDb = estimates.dataAided.snrDb;
      if (noiseVariance === null || signalPower === null || dataAidedDb === null) return null;
      const { clipEvmDb } = sent;
      const heard = { data, channel, noiseVariance, signalPower, dataAidedDb, clipEvmDb };
      return this.native.errorBudget({ ...burst, heard });
    }
    const arrivalSample = Math.round((found.arrivalNs * sampleRateHz) / NS);
    const before = Math.max(0, arrivalSample - BUDGET_MARGIN_SAMPLES);
    // The receiver's gate looks at whole steps of the stream: the same grid makes the same estimates.
    const firstSample = before - (before % GATE_STEP_SAMPLES);
    const sampleCount = arrivalSample - firstSample + layout.samples + BUDGET_MARGIN_SAMPLES;
    return this.native.errorBudget({
      ...burst,
      air: {
        from: radio.device.serial,
        to: this.bench.base.serial,
        firstSample,
        sampleCount,
        clippedAtSource: sent.clippedFraction > 0 || sent.limitedFraction > 0,
        sampleRateHz,
        centerFrequencyHz,
        cfoPriorHz,
      },
    });
  }

  private result(
    request: TrialRequest,
    planned: readonly PlannedBurst[],
    sent: readonly Outgoing[],
    reception: Reception,
    events: readonly RadioEvent[],
    truths: readonly (BurstTruth | null)[],
  ): TrialResult {
    const { sampleRateHz } = this.bench.setup;
    const found = attribute(planned, reception.bursts, sampleRateHz);
    const allEvents = [...events, ...refusals(planned, sent)];
    const budgetOf = (index: number): ErrorBudget | null =>
      request.errorBudget === true
        ? this.errorBudget(planned[index] as PlannedBurst, sent[index] as Outgoing, found[index] ?? null)
        : null;
    const lengthsNs = planned.map(({ layout, startNs }) => ({
      startNs: startNs ?? 0,
      endNs: (startNs ?? 0) + (layout.samples * NS) / sampleRateHz,
    }));
    const firstNs = Math.min(...lengthsNs.map(({ startNs }) => startNs));
    const result: TrialResult = {
      trialId: request.trialId,
      airTimeS: (Math.max(...lengthsNs.map(({ endNs }) => endNs)) - firstNs) / NS,
      bursts: planned.map((burst, index) =>
        burstResult(
          burst,
          outgoingOf(sent[index]),
          found[index] ?? null,
          truths[index] ?? null,
          budgetOf(index),
          { sampleRateHz, effectiveSnr: request.effectiveSnr === true },
          this.native,
        ),
      ),
      events: allEvents,
      // A header that noise has spoilt is what the channel did, not what a radio failed to do.
      valid: allEvents.every(({ kind }) => kind === 'corrupt-header'),
    };
    this.watcher?.(result, found);
    return result;
  }
}

/** The longest tapped delay line of TR 38.901 (TDL-E), rounded up, in rms delay spreads. */
const LONGEST_TAP_SPREADS = 25;

function longestDelaysS({ taps, fading }: TwinPath): number[] {
  const profileS = LONGEST_TAP_SPREADS * (fading?.delaySpreadS ?? 0);
  return taps.map((tap) => tap.delayS + profileS);
}

async function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
