/** Places in a sweep: what a point asks for, and its name. */

/**
 * An SNR that sounding sets, dB (Es/N0), or else budgets that allocation divides. bandwidthHz: all users with the guards
 * between them. powerDb: the sum of the users' transmit powers, over one user's at `allocation.referenceGainDb`.
 */
export interface PointPlace {
  readonly requestedSnrDb: number | null;
  readonly bandwidthHz?: number | undefined;
  readonly powerDb?: number | undefined;
}

/** The place alone, of something that is at it. */
export function placeOf({ requestedSnrDb, bandwidthHz, powerDb }: PointPlace): PointPlace {
  return requestedSnrDb === null ? { requestedSnrDb, bandwidthHz, powerDb } : { requestedSnrDb };
}

/** As labels and messages show it: "10 dB", or "2.5 MHz, 3 dB" where budgets are swept. */
export function pointName({ requestedSnrDb, bandwidthHz, powerDb }: PointPlace): string {
  if (requestedSnrDb !== null) return `${requestedSnrDb} dB`;
  return `${Number(((bandwidthHz ?? 0) / 1e6).toFixed(3))} MHz, ${powerDb ?? 0} dB`;
}

/** One string for one place of one arm. */
export function pointKey(arm: string, { requestedSnrDb, bandwidthHz, powerDb }: PointPlace): string {
  return requestedSnrDb === null ? `${arm}/${bandwidthHz ?? ''}Hz/${powerDb ?? ''}dB` : `${arm}/${requestedSnrDb}`;
}

/** Rising, for sorting. */
export function comparePlaces(a: PointPlace, b: PointPlace): number {
  return (
    (a.requestedSnrDb ?? 0) - (b.requestedSnrDb ?? 0) ||
    (a.bandwidthHz ?? 0) - (b.bandwidthHz ?? 0) ||
    (a.powerDb ?? 0) - (b.powerDb ?? 0)
  );
}
