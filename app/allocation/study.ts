/** How far every method ends above the best known on many random problems: the tables of docs/allocation.md. */
import { allocate } from './allocate';
import { randomProblem } from './random-problem';

/** All but `exact`, which they are held against, and those that are no method (`random`) or too slow (`grid`). */
export const STUDY_METHODS = [
  'alternating',
  'alternating-prices',
  'equal',
  'fixed-length',
  'bandwidth-only',
  'power-only',
  'sum-rate',
] as const;

/** `power-only` halves within halves: of it every tenth problem. */
const SPARSE: Readonly<Record<string, number>> = { 'power-only': 10 };

export interface StudyRow {
  readonly form: 'max' | 'sum';
  readonly lengths: 'continuous' | 'listed';
  readonly method: (typeof STUDY_METHODS)[number];
  readonly problems: number;
  /** Objective above the best known, relative. */
  readonly median: number;
  readonly p95: number;
  readonly most: number;
}

export interface Study {
  readonly rows: readonly StudyRow[];
  /** Problems whose optimum `exact` proved, of all. */
  readonly proved: number;
  readonly problems: number;
}

/**
 * Problems 0 to `count` - 1 of `randomProblem`, of 3 to 20 users in turn, with each form of the latency.
 * @param listed number of lengths (2, 4, 8, ...); absent: continuous
 */
export function studyMethods(
  count: number,
  { listed, methods = STUDY_METHODS }: { listed?: number; methods?: readonly StudyRow['method'][] } = {},
): Study {
  const rows: StudyRow[] = [];
  let proved = 0;
  for (const form of ['max', 'sum'] as const) {
    const excess = new Map<StudyRow['method'], number[]>(methods.map((method) => [method, []]));
    for (let seed = 0; seed < count; seed++) {
      const problem = randomProblem(seed, 3 + (seed % 18), { latency: form, ...(listed !== undefined && { listed }) });
      const exact = allocate(problem);
      if (exact.gap === 0) proved++;
      const found = methods
        .filter((method) => seed % (SPARSE[method] ?? 1) === 0)
        .map((method) => ({ method, objective: allocate(problem, { method }).objective }));
      const best = Math.min(exact.objective, ...found.map(({ objective }) => objective));
      for (const { method, objective } of found) excess.get(method)!.push(objective / best - 1);
    }
    for (const [method, values] of excess) {
      values.sort((a, b) => a - b);
      const at = (share: number): number =>
        values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? NaN;
      const lengths = listed === undefined ? 'continuous' : 'listed';
      rows.push({ form, lengths, method, problems: values.length, median: at(0.5), p95: at(0.95), most: at(1) });
    }
  }
  return { rows, proved, problems: 2 * count };
}
