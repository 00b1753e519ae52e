/** The Results view's charts as data: the page draws it, and so do exported files. Accuracy in percent, SNR in dB (Es/N0). */
import type { ReferenceRecord } from '../config/run-documents';
import type { ChartModel, Dot, Series, Swept } from '../ipc/results-messages';
import { pointKey, pointName, type PointPlace } from '../units/place';
import { wilsonInterval } from '../units/statistics';
import type { PointFigures } from './trial-queries';

/** A run as a chart needs it. */
export interface ChartRun {
  readonly run: string;
  /** What its series are called, before the arm. */
  readonly label: string;
  readonly simulated: boolean;
  readonly blind: number | null;
  readonly figures: readonly PointFigures[];
  readonly references: readonly ReferenceRecord[];
}

const Z_95 = 1.959963984540054;
const NO_POINT = {
  low: null,
  high: null,
  count: null,
  point: null,
  measuredSnrDb: null,
  blind: null,
  tokens: null,
} as const;

/** Where nothing was received, a point stands at the SNR that was asked for. */
const snrOnAxisDb = (point: PointFigures): number => point.measuredSnrDb ?? point.requestedSnrDb ?? 0;

/** The messages' null is a place's absent field. */
const placeIn = ({ requestedSnrDb, bandwidthHz, powerDb }: Swept): PointPlace => ({
  requestedSnrDb,
  bandwidthHz: bandwidthHz ?? undefined,
  powerDb: powerDb ?? undefined,
});

function dotOf({ run, blind }: ChartRun, point: PointFigures, place: Pick<Dot, 'x' | 'y' | 'low' | 'high'>): Dot {
  const { arm, requestedSnrDb, bandwidthHz, powerDb, questions, measuredSnrDb, tokens } = point;
  const key = { run, arm, requestedSnrDb, bandwidthHz, powerDb };
  return { ...place, count: questions, point: key, measuredSnrDb, blind, tokens };
}

function sourceOf(runs: readonly ChartRun[]): ChartModel['source'] {
  const kinds = new Set(runs.map(({ simulated }) => simulated));
  return kinds.size > 1 ? 'both' : kinds.has(true) ? 'simulated' : 'measured';
}

const TITLE_NOTES: Readonly<Record<ChartModel['source'], string>> = {
  simulated: ' (simulated twins)',
  measured: '',
  both: ' (simulated and measured)',
};

/** Runs that share a chart are told apart by their labels; twins and radios too, where both are in it. */
function seriesLabel(runs: readonly ChartRun[], { label, simulated }: ChartRun, rest: string): string {
  const parts = [...(runs.length > 1 ? [label] : []), ...(rest === '' ? [] : [rest])];
  const note = sourceOf(runs) === 'both' ? (simulated ? ' (simulated)' : ' (measured)') : '';
  return `${parts.length > 0 ? parts.join(', ') : label}${note}`;
}

/** Accuracy against measured SNR, a series for each arm of each run, with AWGN reference and blind prior. */
export function accuracyModel(runs: readonly ChartRun[]): ChartModel {
  const source = sourceOf(runs);
  const measured: Series[] = [];
  const references: Series[] = [];
  const missing: string[] = [];
  const xs = runs.flatMap(({ figures }) => figures.map(snrOnAxisDb));
  const x = { title: 'Measured SNR (Es/N0), dB', ...axisRange(xs, { least: 10, step: 1 }) };
  for (const run of runs) {
    const arms = [...new Set(run.figures.filter(({ questions }) => questions > 0).map(({ arm }) => arm))];
    if (arms.length === 0) missing.push(`${run.label}: no valid trials yet`);
    for (const arm of arms) {
      const colour = measured.length;
      const own = run.figures
        .filter((point) => point.arm === arm && point.questions > 0)
        .sort((a, b) => snrOnAxisDb(a) - snrOnAxisDb(b));
      const label = seriesLabel(runs, run, arms.length > 1 || runs.length === 1 ? arm : '');
      const dots = own.map((point) => {
        const { low, high } = wilsonInterval(point.correct, point.questions);
        const place = {
          x: snrOnAxisDb(point),
          y: (100 * point.correct) / point.questions,
          low: 100 * low,
          high: 100 * high,
        };
        return dotOf(run, point, place);
      });
      measured.push({ label, run: run.run, kind: 'measured', colour, joined: true, dots });
      const awgn = own.flatMap((point) => {
        const accuracy = awgnAccuracy(run.references, point);
        return accuracy === null ? [] : [{ ...NO_POINT, x: snrOnAxisDb(point), y: 100 * accuracy }];
      });
      if (awgn.length > 0)
        references.push({
          label: `ideal AWGN for ${label}`,
          run: run.run,
          kind: 'reference',
          colour,
          joined: true,
          dots: awgn,
        });
    }
  }
  return {
    chart: 'accuracy',
    title: `Accuracy against measured SNR${TITLE_NOTES[source]}`,
    source,
    x,
    y: { title: 'Task accuracy, %', min: 0, max: 100 },
    series: [...measured, ...references, ...blindSeries(runs, x)],
    caption: 'Bars: 95 % Wilson interval. AWGN: the same questions. Blind prior: what the questions alone give.',
    missing,
  };
}

function blindSeries(runs: readonly ChartRun[], { min, max }: { min: number; max: number }): Series[] {
  const values = [...new Set(runs.flatMap(({ blind }) => (blind === null ? [] : [blind])))];
  return values.map((blind) => ({
    label: `blind prior ${(100 * blind).toFixed(1)} %`,
    run: '',
    kind: 'prior',
    colour: 0,
    joined: true,
    dots: [min, max].map((at) => ({ ...NO_POINT, x: at, y: 100 * blind })),
  }));
}

/** Mean over the draws, of the trials that count. */
function awgnAccuracy(references: readonly ReferenceRecord[], point: PointFigures): number | null {
  const key = pointKey(point.arm, placeIn(point));
  const reference = references.find((one) => pointKey(one.arm, one) === key);
  if (reference === undefined) return null;
  const draws = reference.correctPerDraw.length;
  const counted = [...reference.correctPerTrial].filter((digit) => digit !== '-').length;
  return draws === 0 || counted === 0
    ? null
    : reference.correctPerDraw.reduce((sum, one) => sum + one, 0) / draws / counted;
}

/**
 * Cross-entropy of the right answer against the pooled tokens of a question. Where runs or arms differ in length, the
 * points of one requested SNR make a series; a run of one length makes a point of each.
 */
export function lossModel(runs: readonly ChartRun[]): ChartModel {
  const source = sourceOf(runs);
  const missing = runs
    .filter(({ figures }) => !figures.some(hasLoss))
    .map(({ label }) => `${label}: no valid trials with a loss yet`);
  const severalLengths = runs.some(({ figures }) => new Set(figures.filter(hasLoss).map(lengthOf)).size > 1);
  const groups = new Map<string, { label: string; run: string; dots: Dot[] }>();
  for (const run of runs)
    for (const point of run.figures.filter(hasLoss)) {
      const snr = pointName(placeIn(point));
      // Lengths within a run are compared within it; runs of one length each make the curve together.
      const key = severalLengths ? `${run.run} ${snr}` : `${run.simulated} ${snr}`;
      const label = severalLengths
        ? seriesLabel(runs, run, snr)
        : `${snr}${source === 'both' ? (run.simulated ? ' (simulated)' : ' (measured)') : ''}`;
      const group = groups.get(key) ?? { label, run: severalLengths ? run.run : '', dots: [] };
      const half = point.lossSdNats === null ? null : (Z_95 * point.lossSdNats) / Math.sqrt(point.questions);
      group.dots.push(
        dotOf(run, point, {
          x: point.tokens,
          y: point.lossNats,
          low: half === null ? null : point.lossNats - half,
          high: half === null ? null : point.lossNats + half,
        }),
      );
      groups.set(key, group);
    }
  const sorted = [...groups.values()].sort((a, b) => a.run.localeCompare(b.run) || snrOf(a.dots) - snrOf(b.dots));
  const series = sorted.map(({ label, run, dots }, colour): Series => {
    dots.sort((a, b) => a.x - b.x);
    const distinct = new Set(dots.map(({ x }) => x.toFixed(2))).size;
    return { label, run, kind: 'measured', colour, joined: distinct === dots.length, dots };
  });
  const dots = series.flatMap((one) => one.dots);
  return {
    chart: 'loss',
    title: `Loss against token length${TITLE_NOTES[source]}`,
    source,
    x: {
      title: 'Pooled tokens a question (picture and sound)',
      ...axisRange(
        dots.map(({ x }) => x),
        { least: 4, step: 4, floor: 0 },
      ),
    },
    y: {
      title: 'Cross-entropy of the right answer, nats',
      ...axisRange(
        dots.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]),
        { least: 0.1, step: 0.1, floor: 0 },
      ),
    },
    series,
    caption:
      'Bars: 95 % interval of the mean. Series by requested SNR. Points at one length that differ in more than length are not joined.',
    missing,
  };
}

type WithLoss = PointFigures & { readonly lossNats: number; readonly tokens: number };
const hasLoss = (point: PointFigures): point is WithLoss =>
  point.lossNats !== null && point.tokens !== null && point.questions > 0;
const lengthOf = ({ tokens }: PointFigures): string => (tokens ?? 0).toFixed(1);
const snrOf = (dots: readonly Dot[]): number => dots[0]?.point?.requestedSnrDb ?? 0;

/** The same with a y axis that ends where the measured dots' intervals end. */
export function fitted(model: ChartModel): ChartModel {
  const dots = model.series.filter(({ kind }) => kind === 'measured').flatMap((series) => series.dots);
  if (dots.length === 0) return model;
  const ends = dots.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]);
  const range =
    model.chart === 'accuracy'
      ? axisRange(ends, { least: 4, step: 2, floor: 0, ceiling: 100 })
      : axisRange(ends, { least: 0.02, step: 0.02, floor: 0 });
  return { ...model, y: { ...model.y, ...range } };
}

/** Whole steps around the values, at least `least` wide. */
export function axisRange(
  values: readonly number[],
  {
    least,
    step,
    floor = -Infinity,
    ceiling = Infinity,
  }: { least: number; step: number; floor?: number; ceiling?: number },
): { min: number; max: number } {
  if (values.length === 0) return { min: Math.max(floor, 0), max: Math.max(floor, 0) + least };
  let min = Infinity;
  let max = -Infinity;
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const round = (value: number): number => Number(value.toFixed(6));
  const low = Math.max(floor, step * Math.floor((min - step / 2) / step));
  const high = Math.min(ceiling, step * Math.ceil((max + step / 2) / step));
  const missing = Math.max(0, least - (high - low));
  return { min: round(Math.max(floor, low - missing / 2)), max: round(Math.min(ceiling, high + missing / 2)) };
}
