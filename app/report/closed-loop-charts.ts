/** Pictures of a closed loop: what methods cost over budgets, predicted against measured, how the alternation converges. */
import type { Canvas } from '@napi-rs/canvas';
import type { ChartDataset } from 'chart.js' with { 'resolution-mode': 'import' };
import type { AllocationRecord, ClosedLoopPoint } from '../config/run-documents';
import { comparePlaces, placeOf, pointKey, pointName } from '../units/place';
import { mean } from '../units/statistics';
import { drawChart, tile } from './chart-canvas';
import { armColour, intervalBars, pointColour, SMALL_DOTS, title, type Bar } from './chart-style';

type Interval = ClosedLoopPoint['objective'];

/** A figure of the loop as its panels show it. */
interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly scale: number;
  readonly measured: (point: ClosedLoopPoint) => Interval;
  readonly predicted?: (point: ClosedLoopPoint) => number;
  readonly most?: number;
}

const OBJECTIVE: Figure = {
  name: 'Objective',
  unit: 'weighted latency + loss',
  scale: 1,
  measured: ({ objective }) => objective,
  predicted: ({ predicted }) => predicted.objective,
};
const LATENCY: Figure = {
  name: 'Latency',
  unit: 'air time of the longest burst (ms)',
  scale: 1e3,
  measured: ({ latencyS }) => latencyS,
  predicted: ({ predicted }) => predicted.latencyS,
};
const LOSS: Figure = {
  name: 'Loss',
  unit: '−ln p of the right answer',
  scale: 1,
  measured: ({ loss }) => loss,
  predicted: ({ predicted }) => predicted.loss,
};
const ACCURACY: Figure = {
  name: 'Accuracy',
  unit: 'answered correctly (%)',
  scale: 100,
  measured: ({ accuracy }) => accuracy,
  most: 100,
};

/** Decisions that a panel draws one by one, at most. */
const MOST_SINGLE = 200;

/** Round steps around the values, 4 to 10 of them. */
function roundRange(
  values: readonly number[],
  most = Infinity,
  least = -Infinity,
): { min: number; max: number; stepSize: number } {
  const low = Math.min(...values);
  const high = Math.min(Math.max(...values), most);
  const span = Math.max(high - low, 1e-3 * Math.abs(high), 1e-9);
  const decade = 10 ** Math.floor(Math.log10(span / 4));
  const stepSize = decade * ([5, 2, 1].find((factor) => factor * decade <= span / 4) ?? 1);
  return {
    min: Math.max(least, stepSize * Math.floor((low - 0.02 * span) / stepSize)),
    max: Math.min(most, stepSize * Math.ceil((high + 0.02 * span) / stepSize)),
    stepSize,
  };
}

/** One picture's points, and what its panels have across. */
export interface BudgetGroup {
  readonly points: readonly ClosedLoopPoint[];
  readonly across: 'powerDb' | 'bandwidthHz' | 'arm';
  /** The budget that all its points share; '' with `arm`, and in words. */
  readonly fixed: string;
}

/** Over power at each bandwidth where powers are swept, else over bandwidth; a single place has its arms side by side. */
export function budgetGroups(points: readonly ClosedLoopPoint[]): BudgetGroup[] {
  const bandwidths = [...new Set(points.map(({ bandwidthHz }) => bandwidthHz))];
  const powers = new Set(points.map(({ powerDb }) => powerDb));
  const [first] = points;
  if (first === undefined) return [];
  if (powers.size > 1)
    return bandwidths.map((bandwidthHz) => ({
      points: points.filter((one) => one.bandwidthHz === bandwidthHz),
      across: 'powerDb',
      fixed: `${megahertz(bandwidthHz ?? 0)} MHz`,
    }));
  return bandwidths.length > 1
    ? [{ points, across: 'bandwidthHz', fixed: `${first.powerDb ?? 0} dB` }]
    : [{ points, across: 'arm', fixed: pointName(first) }];
}

function megahertz(hertz: number): number {
  return Number((hertz / 1e6).toFixed(3));
}

const ACROSS_TITLES = {
  powerDb: 'total transmit power (dB over the reference)',
  bandwidthHz: 'total bandwidth (MHz)',
  arm: '',
};

/** @param most only so many datasets, the first ones */
function legend(most = Infinity) {
  return {
    position: 'bottom' as const,
    labels: {
      ...SMALL_DOTS,
      filter: ({ datasetIndex }: { datasetIndex?: number | undefined }) => (datasetIndex ?? 0) < most,
    },
  };
}

/**
 * Objective, latency, loss and accuracy as measured, with their intervals.
 * @param arms in the report's order, for their colours
 */
export function budgetsChart({ points, across, fixed }: BudgetGroup, arms: readonly string[], note: string): Canvas {
  const shown = arms.filter((arm) => points.some((one) => one.arm === arm));
  const place = (point: ClosedLoopPoint): number =>
    across === 'arm'
      ? shown.indexOf(point.arm)
      : across === 'powerDb'
        ? (point.powerDb ?? 0)
        : megahertz(point.bandwidthHz ?? 0);
  const ticks = [...new Set(points.map(place))].sort((a, b) => a - b);
  const gap = Math.min(...ticks.slice(1).map((tick, i) => tick - (ticks[i] ?? 0)), across === 'arm' ? 1 : Infinity);
  // Side by side: intervals on top of each other could not be told apart.
  const aside = (arm: string): number =>
    across === 'arm' ? 0 : 0.06 * gap * (shown.indexOf(arm) - (shown.length - 1) / 2);
  const own = (arm: string): ClosedLoopPoint[] => points.filter((point) => point.arm === arm).sort(comparePlaces);
  const panel = ({ name, unit, scale, measured, most }: Figure): Canvas => {
    const x = (point: ClosedLoopPoint): number => place(point) + aside(point.arm);
    const bars = points.map((point): Bar => ({
      at: x(point),
      low: scale * measured(point).low,
      high: Math.min(scale * measured(point).high, most ?? Infinity),
      colour: armColour(arms.indexOf(point.arm)),
    }));
    const { stepSize, ...range } = roundRange(
      bars.flatMap(({ low, high }) => [low, high]),
      most,
    );
    return drawChart(640, 430, {
      type: 'scatter',
      data: {
        datasets: [
          ...shown.map((arm) => ({
            label: arm,
            data: own(arm).map((point) => ({ x: x(point), y: scale * measured(point).mean })),
            backgroundColor: armColour(arms.indexOf(arm)),
            borderColor: armColour(arms.indexOf(arm)),
            pointRadius: 4,
          })),
          // At the budgets themselves: a line through what was set aside would show a slope as a difference.
          ...shown.map((arm) => ({
            data: own(arm).map((point) => ({ x: place(point), y: scale * measured(point).mean })),
            showLine: across !== 'arm',
            borderColor: `${armColour(arms.indexOf(arm))}99`,
            pointRadius: 0,
            borderWidth: 1.5,
          })),
        ],
      },
      options: {
        layout: { padding: 12 },
        plugins: {
          title: title(`${name}${across === 'arm' ? '' : `, ${fixed}`}${note}`),
          legend: across === 'arm' ? { display: false } : legend(shown.length),
        },
        scales: {
          x: {
            min: (ticks[0] ?? 0) - 0.5 * gap,
            max: (ticks[ticks.length - 1] ?? 0) + 0.5 * gap,
            afterBuildTicks: (axis) => {
              axis.ticks = ticks.map((value) => ({ value }));
            },
            ticks: {
              autoSkip: false,
              callback: (value) => (across === 'arm' ? (shown[Number(value)] ?? '') : String(value)),
            },
            title: { display: true, text: across === 'arm' ? fixed : ACROSS_TITLES[across] },
          },
          y: { ...range, ticks: { stepSize }, title: { display: true, text: unit } },
        },
      },
      plugins: [intervalBars(bars, 'y')],
    });
  };
  return tile([
    [panel(OBJECTIVE), panel(LATENCY)],
    [panel(LOSS), panel(ACCURACY)],
  ]);
}

/** A dot for every arm and place; on the diagonal the model was right. */
export function predictedChart(points: readonly ClosedLoopPoint[], arms: readonly string[], note: string): Canvas {
  const panel = ({ name, unit, scale, measured, predicted }: Figure): Canvas => {
    const x = (point: ClosedLoopPoint): number => scale * (predicted?.(point) ?? NaN);
    const bars = points.map((point): Bar => ({
      at: x(point),
      low: scale * measured(point).low,
      high: scale * measured(point).high,
      colour: armColour(arms.indexOf(point.arm)),
    }));
    const { stepSize, min, max } = roundRange([...points.map(x), ...bars.flatMap(({ low, high }) => [low, high])]);
    const datasets: ChartDataset<'scatter'>[] = arms.flatMap((arm, index) => {
      const own = points.filter((point) => point.arm === arm);
      return own.length === 0
        ? []
        : [
            {
              label: arm,
              data: own.map((point) => ({ x: x(point), y: scale * measured(point).mean })),
              borderColor: armColour(index),
              backgroundColor: armColour(index),
              pointRadius: 4,
            },
          ];
    });
    datasets.push({
      label: 'as predicted',
      data: [
        { x: min, y: min },
        { x: max, y: max },
      ],
      showLine: true,
      borderColor: '#777777',
      backgroundColor: '#777777',
      borderDash: [6, 4],
      pointStyle: 'line',
      borderWidth: 1.5,
      pointRadius: 0,
    });
    const axis = (text: string): object => ({ min, max, ticks: { stepSize }, title: { display: true, text } });
    return drawChart(430, 500, {
      type: 'scatter',
      data: { datasets },
      options: {
        layout: { padding: 10 },
        plugins: { title: title(`${name}${note}`), legend: legend() },
        scales: { x: axis(`predicted: ${unit}`), y: axis(`measured: ${unit}`) },
      },
      plugins: [intervalBars(bars, 'y')],
    });
  };
  return tile([[panel(OBJECTIVE), panel(LATENCY), panel(LOSS)]]);
}

/** The objective of one decision's problem after each half step of the alternation. */
export interface Descent {
  readonly arm: string;
  /** "4.139 MHz, 3 dB". */
  readonly place: string;
  /** Twice as many as iterations: after the (bandwidth, power) step, after the length step, and so on. */
  readonly objectives: readonly number[];
}

/** Of the decisions that alternated, by place from the lowest on; methods without a history have none. */
export function descents(allocations: readonly AllocationRecord[]): Descent[] {
  return [...allocations].sort(comparePlaces).flatMap((record): Descent[] => {
    const history = record.decision.allocation.history ?? [];
    const objectives = history.flatMap(({ afterShares, afterLengths }) =>
      afterShares === null || afterLengths === null ? [] : [afterShares, afterLengths],
    );
    return history.length === 0 || objectives.length < 2 * history.length
      ? []
      : [{ arm: record.arm, place: pointName(placeOf(record)), objectives }];
  });
}

/** A row for every arm that alternates: the objective as it falls, and what it still lay above its end. */
export function convergenceChart(all: readonly Descent[], note: string): Canvas {
  const arms = [...new Set(all.map(({ arm }) => arm))];
  const places = [...new Set(all.map(({ place }) => place))];
  const halfSteps = Math.max(...all.map(({ objectives }) => objectives.length));
  const panel = (own: readonly Descent[], heading: string, unit: string, of: (one: Descent) => number[]): Canvas => {
    const line = (values: readonly number[]): { x: number; y: number }[] =>
      values.map((y, index) => ({ x: (index + 1) / 2, y }));
    const colour = (place: string): string => pointColour(places.indexOf(place), places.length);
    const means = places.flatMap((place): ChartDataset<'scatter'>[] => {
      const values = own.filter((one) => one.place === place).map(of);
      if (values.length === 0) return [];
      // One that has ended stays where it ended.
      const steps = Array.from({ length: halfSteps }, (_, i) =>
        mean(values.map((one) => one[Math.min(i, one.length - 1)] ?? NaN)),
      );
      return [
        {
          label: `${place} (mean of ${values.length})`,
          data: line(steps.map((value) => value ?? NaN)),
          showLine: true,
          borderColor: colour(place),
          backgroundColor: colour(place),
          borderWidth: 2.5,
          pointRadius: 3.5,
        },
      ];
    });
    const { stepSize, ...range } = roundRange(own.flatMap(of), Infinity, 0);
    const single = own.filter((_, index) => index % Math.ceil(own.length / MOST_SINGLE) === 0);
    return drawChart(640, 480, {
      type: 'scatter',
      data: {
        datasets: [
          ...means,
          ...single.map((one): ChartDataset<'scatter'> => ({
            data: line(of(one)),
            showLine: true,
            borderColor: `${colour(one.place)}55`,
            borderWidth: 1,
            pointRadius: 0,
          })),
        ],
      },
      options: {
        layout: { padding: 12 },
        plugins: {
          title: title(`${heading}${note}`),
          legend: legend(means.length),
        },
        scales: {
          x: {
            min: 0,
            max: halfSteps / 2 + 0.5,
            ticks: { stepSize: 0.5 },
            title: { display: true, text: 'iteration (half: bandwidth and power; whole: token lengths)' },
          },
          y: { ...range, ticks: { stepSize }, title: { display: true, text: unit } },
        },
      },
    });
  };
  return tile(
    arms.map((arm) => {
      const own = all.filter((one) => one.arm === arm);
      const end = ({ objectives }: Descent): number => objectives[objectives.length - 1] ?? NaN;
      return [
        panel(own, `${arm}: objective of its problem`, 'objective', ({ objectives }) => [...objectives]),
        panel(own, `${arm}: above where it ended`, 'above its last value (%)', (one) =>
          one.objectives.map((value) => 100 * (value / end(one) - 1)),
        ),
      ];
    }),
  );
}

/** Places of the points, each once, rising. */
export function placesOf(points: readonly ClosedLoopPoint[]): ClosedLoopPoint[] {
  return [...new Map(points.map((point) => [pointKey('', point), point])).values()].sort(comparePlaces);
}
