/** Words of the Results view. */
import type { Swept } from '../../ipc/results-messages';
import type { RunState } from '../../ipc/results-words';
import { pointName } from '../../units/place';
import { count, percent, percentInterval } from '../format';

export const STATE_TEXTS: Readonly<Record<RunState, string>> = {
  done: 'done',
  stopped: 'stopped',
  failed: 'failed',
  running: 'running',
  unfinished: 'not finished',
  unreadable: 'unreadable',
};

/** What sets a point apart from the others of its arm. */
export function sweptText({ requestedSnrDb, bandwidthHz, powerDb }: Swept): string {
  const place = { requestedSnrDb, bandwidthHz: bandwidthHz ?? undefined, powerDb: powerDb ?? undefined };
  return pointName(place).replaceAll('-', '−');
}

/** "84.9 % (83.0–86.6), n = 1 500, blind prior 43.4 %". */
export function accuracyText(accuracy: {
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  readonly questions: number;
  readonly blind: number | null;
}): string {
  const { low, high, questions, blind } = accuracy;
  return `${percent(accuracy.accuracy)} % (95 %: ${percentInterval(low, high)}), n = ${count(questions)}, blind prior ${percent(blind)} %`;
}

const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

function formatted(format: Intl.DateTimeFormat, iso: string | null): string {
  const ms = iso === null ? NaN : Date.parse(iso);
  return Number.isNaN(ms) ? '–' : format.format(ms);
}

export const dateText = (iso: string | null): string => formatted(date, iso);
export const clockText = (iso: string | null): string => formatted(clock, iso);
export const timeText = (iso: string | null): string => `${dateText(iso)}, ${clockText(iso)}`;

/** What a p-value below 0.001 is said as. */
export function pValueText(value: number): string {
  return value < 0.001 ? '< 0.001' : value.toFixed(3);
}

/** "+2.1 ± 1.3", percentage points. */
export function differenceText(difference: number, halfWidth: number | null): string {
  const points = (100 * difference).toFixed(1);
  const text = Number(points) > 0 ? `+${points}` : points.replace('-', '−');
  return halfWidth === null ? text : `${text} ± ${(100 * halfWidth).toFixed(1)}`;
}

/** Tags as they are typed: words, apart by spaces or commas. */
export function tagsOf(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}
