/** Between the closed loop and app/allocation: the section `allocation` as terms of a decision, channels as records. */
import {
  DEFAULT_TERMS,
  predict,
  simulatedChannels,
  userChannels,
  type BenchTerms,
  type Decision,
  type PowerScale,
  type UserChannel,
} from '../allocation';
import type { AllocationRecord } from '../config/run-documents';
import type { BenchRadio, BurstResult } from '../link/types';
import { dbToPowerRatio } from '../units/db';
import { pointName, type PointPlace } from '../units/place';
import { RunFailedError } from './engine-types';
import type { ArmExperiment } from './file';
import type { BundleFacts, MeasuredSurface } from './model';
import type { PointSetting } from './trials';
import { USERS, type UserName } from './schema';

type LoopExperiment = ArmExperiment & { readonly allocation: NonNullable<ArmExperiment['allocation']> };

/** Width of a cell of a channel: one grid carrier, Hz. */
const CELL_HZ = 78_125;
const DBM_PER_WATT = 30;

export function idOf(place: PointPlace): string {
  return pointName(place).replaceAll(/[ ,]+/g, '');
}

/** As records round SNRs. */
export function rounded3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export function channelOf(channel: PointSetting['channel']): Pick<PointSetting, 'channel'> {
  return channel === undefined ? {} : { channel };
}

/**
 * What each user's radio sends, W, at the reference gain: as the file says, or by the twin's own output power (of a
 * full-scale tone at its highest gain) and the burst's back-off.
 */
export function powerScales(experiment: LoopExperiment, radios: readonly BenchRadio[]): Record<UserName, PowerScale> {
  const { allocation, air, transport } = experiment;
  const of = (user: UserName): PowerScale => {
    const gainDb = allocation.referenceGainDb;
    const most = radioOf(radios, user).txGainRangeDb.max;
    const twin = air?.radios[experiment.radios[user].serial];
    const dBm = allocation.referencePowerDbm ?? (twin?.maxOutputPowerDbm ?? 0) + gainDb - most + transport.rmsDbfs;
    return { gainDb, powerW: dbToPowerRatio(dBm - DBM_PER_WATT) };
  };
  return { text: of('text'), visual: of('visual'), audio: of('audio') };
}

function radioOf(radios: readonly BenchRadio[], user: UserName): BenchRadio {
  const radio = radios.find(({ role }) => role === user);
  if (radio === undefined) throw new RunFailedError(`radios.${user}: the radio process opened no radio for this role`);
  return radio;
}

export interface TermParts {
  readonly experiment: LoopExperiment;
  readonly place: PointPlace;
  readonly radios: readonly BenchRadio[];
  readonly surface: MeasuredSurface | null;
  readonly tokenLengths: BundleFacts['tokenLengths'];
  readonly dimensions: Readonly<Record<UserName, number>>;
  /** As most questions have. */
  readonly textTokens: number;
}

/** The decision's terms at one place of the sweep. Powers are W; the budget's 0 dB is what text's radio sends. */
export function benchTerms(parts: TermParts): BenchTerms {
  const { experiment, place, radios, surface, tokenLengths, dimensions, textTokens } = parts;
  const { allocation, transport } = experiment;
  const scales = powerScales(experiment, radios);
  const lengths = (user: UserName): readonly number[] =>
    user === 'text' ? [textTokens] : (allocation.lengths[user] ?? tokenLengths[user]);
  return {
    bandwidthHz: place.bandwidthHz ?? allocation.bandwidthHz,
    guardCarriers: allocation.guardCarriers,
    powerW: scales.text.powerW * dbToPowerRatio(place.powerDb ?? allocation.powerDb),
    weight: allocation.weight,
    latency: 'max',
    latencyRefS: allocation.latencyRefS,
    lossRef: allocation.lossRef,
    transport: 'analog',
    normalisation: transport.normalisation,
    terms: { ...DEFAULT_TERMS, ...allocation.terms },
    fitErrorRms: surface?.rmsError ?? null,
    interactions: (surface?.interactions ?? []).map(({ users, coefficient }) => ({ users: [...users], coefficient })),
    users: USERS.map((user) => ({
      id: user,
      dimension: dimensions[user],
      lengths: lengths(user),
      loss: surface?.users[user]?.loss ?? null,
      surface: surface?.users[user]?.surface ?? null,
      power: scales[user],
      gainRangeDb: radioOf(radios, user).txGainRangeDb,
    })),
  };
}

/** Channels from the bursts of a sounding; users of whom nothing was heard are absent. */
export function channelsOfBursts(
  bursts: readonly BurstResult[],
  scales: Readonly<Record<UserName, PowerScale>>,
): Map<string, UserChannel> {
  return userChannels(
    bursts.flatMap(({ user, txGainDb, measurement }) =>
      measurement === null
        ? []
        : [
            {
              user,
              txGainDb: txGainDb.actual,
              carriers: measurement.carriers,
              carrierSnrDb: measurement.carrierSnrDb,
              cfoHz: measurement.cfoHz,
            },
          ],
    ),
    scales,
  );
}

/** Doubles in full: a resumed run decides from the same numbers. */
export function channelRecords(channels: ReadonlyMap<string, UserChannel>): AllocationRecord['channels'] {
  return [...channels.values()].map(({ user, cfoHz, gainOverNoise }) => ({
    user,
    cfoHz: cfoHz ?? 0,
    gainOverNoise: [...gainOverNoise],
  }));
}

export function channelsOf(records: AllocationRecord['channels']): Map<string, UserChannel> {
  return new Map(
    records.map(({ user, cfoHz, gainOverNoise }) => [
      user,
      {
        user,
        source: 'measured',
        bursts: 1,
        cfoHz,
        cellHz: CELL_HZ,
        gainOverNoise: Float64Array.from(gainOverNoise),
        spreadDb: null,
      },
    ]),
  );
}

/**
 * What a simulator believes of the same bench: its model's channels, drawn anew at every sounding, of the users that were
 * heard at all. Mean path losses and noise figure are the air's where the file does not say others.
 */
export function simulatedFor(
  experiment: LoopExperiment,
  epoch: number,
  heard: ReadonlyMap<string, UserChannel>,
): Map<string, UserChannel> {
  const { simulated } = experiment.allocation;
  const { air } = experiment;
  const { model, pathLossDb, noiseFigureDb, shadowingDb, delaySpreadS } = simulated;
  const base = experiment.radios.base.serial;
  const lossDb = (user: UserName): number =>
    pathLossDb?.[user] ??
    air?.paths.find(({ from, to }) => from === experiment.radios[user].serial && to === base)?.pathLossDb ??
    0;
  const channels = simulatedChannels({
    model,
    seed: experiment.seed + epoch,
    users: USERS.filter((user) => heard.has(user)).map((user) => ({ user, pathLossDb: lossDb(user) })),
    noiseFigureDb: noiseFigureDb ?? air?.radios[base]?.noiseFigureDb ?? 6,
    ...(shadowingDb !== undefined && { shadowingDb }),
    ...(delaySpreadS !== undefined && { delaySpreadS }),
  });
  return new Map(channels);
}

/** As the record keeps it: the surfaces, thousands of numbers, are the bundle's. */
export function strippedDecision(decision: Decision): AllocationRecord['decision'] {
  const users = decision.problem.users.map((user) => ({ ...user, ...('surface' in user && { surface: undefined }) }));
  return { ...decision, problem: { ...decision.problem, users } } as unknown as AllocationRecord['decision'];
}

/** Mean SNR of each user as decided, over the channels as sounded, dB. */
export function soundedSnrDb(
  bench: BenchTerms,
  channels: ReadonlyMap<string, UserChannel>,
  { users }: Decision,
): Record<string, number | null> {
  const settings = users.flatMap(({ id, subband, powerW, tokenLength }) =>
    subband === null || !channels.has(id) ? [] : [{ id, place: subband, powerW, tokenLength }],
  );
  const predicted = predict(bench, channels, settings).users;
  return Object.fromEntries(users.map(({ id }) => [id, predicted.find((one) => one.id === id)?.meanSnrDb ?? null]));
}
