/** Between dB and linear. dB never meets linear silently: these are the only places where they touch. */

/** Power ratio (linear, >= 0) to dB; 0 gives -Infinity. */
export function powerRatioToDb(ratio: number): number {
  return 10 * Math.log10(ratio);
}

/** dB to power ratio (linear). */
export function dbToPowerRatio(valueDb: number): number {
  return 10 ** (valueDb / 10);
}

/** Amplitude ratio (linear, >= 0) to dB; 0 gives -Infinity. */
export function amplitudeRatioToDb(ratio: number): number {
  return 20 * Math.log10(ratio);
}

/** dB to amplitude ratio (linear). */
export function dbToAmplitudeRatio(valueDb: number): number {
  return 10 ** (valueDb / 20);
}
