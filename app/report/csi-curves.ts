/** Curves over the carriers, from the CSI of many bursts. Means are of powers, shown in dB. */
import type { CsiRow } from '../store/parquet';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';

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

/** Es/N0 of each carrier, by user and requested SNR. */
export function carrierSnrCurves(
  rows: readonly CsiRow[],
  users: readonly string[],
  snrOfTrial: ReadonlyMap<string, number>,
): Map<string, Map<number, CarrierCurve>> {
  const lists = new Map<string, Map<number, Map<number, number[]>>>(users.map((user) => [user, new Map()]));
  for (const { trial, user, carrier, snrDb } of rows) {
    const requestedSnrDb = snrOfTrial.get(trial);
    const own = lists.get(user);
    if (requestedSnrDb === undefined || own === undefined) continue;
    let point = own.get(requestedSnrDb);
    if (point === undefined) own.set(requestedSnrDb, (point = new Map<number, number[]>()));
    pushTo(point, carrier, dbToPowerRatio(snrDb));
  }
  return new Map(
    [...lists].map(([user, points]) => [
      user,
      new Map([...points].map(([requestedSnrDb, powers]) => [requestedSnrDb, meanCurve(powers)])),
    ]),
  );
}
