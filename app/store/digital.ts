/** What the digital mapping sent and lost, from a run's records. */
import type { BurstRecord, DigitalPoint, TrialRecord } from '../config/run-documents';
import { placeOf, pointKey, type PointPlace } from '../units/place';
import { mean, wilsonInterval } from '../units/statistics';

/** One row for every user of every arm and point whose mapping is digital, in the order in which they were sent. */
export function digitalPoints(trials: readonly TrialRecord[]): DigitalPoint[] {
  const groups = new Map<string, { trial: TrialRecord; bursts: BurstRecord[] }>();
  for (const trial of trials)
    for (const burst of trial.bursts) {
      if (!trial.valid || burst.digital === null) continue;
      const key = `${pointKey(trial.arm, trial)} ${burst.user}`;
      const group = groups.get(key) ?? { trial, bursts: [] };
      group.bursts.push(burst);
      groups.set(key, group);
    }
  return [...groups.values()].map(({ trial, bursts }) => {
    const [first] = bursts as [BurstRecord];
    const digital = bursts.map((burst) => burst.digital as NonNullable<BurstRecord['digital']>);
    const sum = (value: (one: (typeof digital)[number]) => number): number =>
      digital.reduce((all, one) => all + value(one), 0);
    const formats = new Map<string, number>();
    for (const { bitsPerValue, modulation } of digital) {
      const name = `${bitsPerValue} bit, ${modulation}`;
      formats.set(name, (formats.get(name) ?? 0) + 1);
    }
    const codeBlocks = sum((one) => one.codeBlocks);
    const judged = digital.filter(({ meetsTarget }) => meetsTarget !== null);
    return {
      arm: trial.arm,
      ...placeOf(trial),
      user: first.user,
      bursts: bursts.length,
      formats: [...formats].map(([format, count]) => ({ format, bursts: count })).sort((a, b) => b.bursts - a.bursts),
      channelUses: mean(bursts.map(({ channelUses }) => channelUses ?? 0)) ?? 0,
      codeRate: mean(digital.map(({ codeRate }) => codeRate)) ?? 0,
      effectiveSnrDb: mean(digital.flatMap(({ effectiveSnrDb }) => effectiveSnrDb ?? [])),
      requiredSnrDb: mean(digital.map(({ requiredSnrDb }) => requiredSnrDb)) ?? 0,
      meetsTarget: mean(judged.map(({ meetsTarget }) => (meetsTarget === true ? 1 : 0))),
      codeBlocks,
      codeBlocksLost: sum((one) => one.codeBlocksLost),
      tokens: bursts.reduce((all, { tokens }) => all + tokens, 0),
      erasedTokens: sum((one) => one.erasedTokens),
      iterationsPerBlock: codeBlocks === 0 ? 0 : sum((one) => one.decoderIterations) / codeBlocks,
    };
  });
}

export interface LostBlocks extends PointPlace {
  readonly arm: string;
  /** Of all users, with a 95 % interval (Wilson). */
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** Of every arm and point, all users together. */
export function lostBlocks(points: readonly DigitalPoint[]): LostBlocks[] {
  const groups = new Map<string, DigitalPoint[]>();
  for (const point of points) {
    const key = pointKey(point.arm, point);
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group as [DigitalPoint];
    const blocks = group.reduce((all, one) => all + one.codeBlocks, 0);
    const lost = group.reduce((all, one) => all + one.codeBlocksLost, 0);
    return { arm: first.arm, ...placeOf(first), share: lost / blocks, ...wilsonInterval(lost, blocks) };
  });
}
