/** Numbers as text. Units stand in the headers; a true minus sign keeps columns honest. */

const NONE = '–';

const minus = (text: string): string => text.replace('-', '−');

export function decibels(valueDb: number | null, digits = 2): string {
  if (valueDb === null) return NONE;
  const text = valueDb.toFixed(digits);
  return minus(Number(text) === 0 ? (0).toFixed(digits) : text);
}

/** Mean and standard deviation, dB. */
export function decibelsWithSpread(meanDb: number | null, sdDb: number | null): string {
  if (meanDb === null) return NONE;
  return sdDb === null ? decibels(meanDb) : `${decibels(meanDb)} ± ${sdDb.toFixed(2)}`;
}

/** A fraction as percent without the sign. */
export function percent(fraction: number | null): string {
  return fraction === null ? NONE : (100 * fraction).toFixed(1);
}

export function percentInterval(low: number | null, high: number | null): string {
  return low === null || high === null ? NONE : `${percent(low)}–${percent(high)}`;
}

const counted = new Intl.NumberFormat('en', { useGrouping: true });

export function count(value: number): string {
  return counted.format(value).replaceAll(',', ' ');
}

/** 4.2 s, 37 s, 2 min 05 s, 1 h 12 min. */
export function duration(seconds: number | null): string {
  if (seconds === null) return NONE;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
