/**
 * What soundings say about one transmitter on its path: SNR follows the transmit gain dB by dB, so the mean of
 * "measured SNR minus gain" predicts the gain for any SNR. Pure functions; who measures is app/experiment/sounding.ts.
 */
import { mean } from '../../app/units/statistics';

/** Gains that a radio has, dB; `step` 0 means any value between. */
export interface GainRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** One sounding round: the transmit gain, and the mean SNR (Es/N0) that the receiver measured with it, dB. */
export interface Sounding {
  readonly txGainDb: number;
  readonly snrDb: number;
}

/** SNR minus transmit gain, dB; null without a sounding. */
export function snrOverGainDb(soundings: readonly Sounding[]): number | null {
  return mean(soundings.map(({ snrDb, txGainDb }) => snrDb - txGainDb));
}

/** The gain nearest to `gainDb` that the radio has. */
export function achievableGainDb(gainDb: number, range: GainRange): number {
  const aboveMin = range.step > 0 ? Math.round((gainDb - range.min) / range.step) * range.step : gainDb - range.min;
  return Math.min(range.max, Math.max(range.min, range.min + aboveMin));
}

/** The gain that should give `snrDb`, as near as the radio gets. */
export function gainForSnrDb(snrDb: number, snrOverGain: number, range: GainRange): number {
  return achievableGainDb(snrDb - snrOverGain, range);
}

/** Whether some gain of the radio gives `snrDb` to half a step. */
export function reaches(snrDb: number, snrOverGain: number, range: GainRange): boolean {
  const gainDb = snrDb - snrOverGain;
  return gainDb >= range.min - range.step / 2 && gainDb <= range.max + range.step / 2;
}
