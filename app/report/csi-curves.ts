/** Curves over the carriers, from the CSI of many bursts. Means are of powers, shown in dB. */
import type { CsiRow } from '../store/parquet';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import { comparePlaces, pointName, type PointPlace } from '../units/place';

export type CarrierCurve = readonly { readonly carrier: number; readonly valueDb: number }[];

/** dB of the mean power of each carrier. */
function meanCurve(powers: ReadonlyMap<number, readonly number[]>): CarrierCurve {
  return [...powers]
    .sort(([a], [b]) => a - b)
    .map(([carrier, values]) => ({
      carrier,
      valueDb: powerRatioToDb(values.reduce((sum, value) => sum + value, 0) / values.length),
    }))
    .filter(({ valueDb }) => Number.isFinite(valueDb));
}

function pushTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/** |H|^2 of each user against its burst's mean over the carriers: the shape, whatever the gain was. */
export function channelCurves(rows: readonly CsiRow[], users: readonly string[]): Map<string, CarrierCurve> {
  const bursts = new Map<string, CsiRow[]>();
  for (const row of rows) pushTo(bursts, `${row.user} ${row.trial}`, row);
  const byUser = new Map<string, Map<number, number[]>>(users.map((user) => [user, new Map<number, number[]>()]));
  for (const burst of bursts.values()) {
    const powers = burst.map(({ hRe, hIm }) => hRe * hRe + hIm * hIm);
    const meanPower = powers.reduce((sum, power) => sum + power, 0) / powers.length;
    if (meanPower <= 0) continue;
    burst.forEach(({ user, carrier }, i) => {
      const lists = byUser.get(user);
      if (lists !== undefined) pushTo(lists, carrier, (powers[i] ?? 0) / meanPower);
    });
  }
  return new Map([...byUser].map(([user, powers]) => [user, meanCurve(powers)]));
}

/** Es/N0 of each carrier, by user and point, in the points' order. */
export function carrierSnrCurves(
  rows: readonly CsiRow[],
  users: readonly string[],
  placeOfTrial: ReadonlyMap<string, PointPlace>,
): Map<string, Map<string, CarrierCurve>> {
  const names = [...new Set([...placeOfTrial.values()].sort(comparePlaces).map(pointName))];
  const lists = new Map<string, Map<string, Map<number, number[]>>>(
    users.map((user) => [user, new Map(names.map((name) => [name, new Map<number, number[]>()]))]),
  );
  for (const { trial, user, carrier, snrDb } of rows) {
    const place = placeOfTrial.get(trial);
    const point = place === undefined ? undefined : lists.get(user)?.get(pointName(place));
    if (point !== undefined) pushTo(point, carrier, dbToPowerRatio(snrDb));
  }
  return new Map(
    [...lists].map(([user, points]) => [
      user,
      new Map([...points].filter(([, powers]) => powers.size > 0).map(([point, powers]) => [point, meanCurve(powers)])),
    ]),
  );
}
