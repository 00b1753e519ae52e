/** Accuracy against measured SNR, drawn as points come in. */
// Chart.js is an ES module and this package is not: types name the way they are resolved, the code is handed in.
import type * as ChartLibrary from 'chart.js' with { 'resolution-mode': 'import' };
import { decibels, percent } from './format';
import type { PointView } from './state';

/** A dot with its 95 % interval, in percent. */
interface MeasuredDot extends ChartLibrary.ScatterDataPoint {
  readonly low: number | null;
  readonly high: number | null;
  readonly view: PointView;
}

const WHISKER_HALF_WIDTH_PX = 5;
/** Shown before anything is known, and always at least. */
const LEAST_RANGE_DB = { min: -2, max: 22 };
const RANGE_MARGIN_DB = 1;
const SERIES_COLORS = 4;

const whiskers: ChartLibrary.Plugin<'scatter'> = {
  id: 'whiskers',
  beforeDatasetDraw(chart, { index, meta }) {
    const scale = chart.scales['y'];
    const dataset = chart.data.datasets[index];
    if (!scale || !dataset || meta.hidden) return;
    const { ctx } = chart;
    ctx.save();
    ctx.strokeStyle = typeof dataset.borderColor === 'string' ? dataset.borderColor : 'gray';
    ctx.lineWidth = 2;
    dataset.data.forEach((dot, dotIndex) => {
      const { low, high } = dot as Partial<MeasuredDot>;
      const element = meta.data[dotIndex];
      if (low === undefined || low === null || high === undefined || high === null || !element) return;
      const [top, bottom] = [scale.getPixelForValue(high), scale.getPixelForValue(low)];
      ctx.beginPath();
      ctx.moveTo(element.x, top);
      ctx.lineTo(element.x, bottom);
      for (const y of [top, bottom]) {
        ctx.moveTo(element.x - WHISKER_HALF_WIDTH_PX, y);
        ctx.lineTo(element.x + WHISKER_HALF_WIDTH_PX, y);
      }
      ctx.stroke();
    });
    ctx.restore();
  },
};

export class AccuracyChart {
  private readonly chart: ChartLibrary.Chart<'scatter'>;
  private readonly themes = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'].map((query) =>
    matchMedia(query),
  );
  private points: readonly PointView[] = [];

  constructor(
    library: typeof ChartLibrary,
    private readonly canvas: HTMLCanvasElement,
  ) {
    const { ScatterController, LinearScale, PointElement, LineElement, Tooltip } = library;
    library.Chart.register(ScatterController, LinearScale, PointElement, LineElement, Tooltip);
    this.chart = new library.Chart(this.canvas, {
      type: 'scatter',
      data: { datasets: [] },
      plugins: [whiskers],
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        responsive: true,
        maintainAspectRatio: false,
        scales: {
          x: {
            type: 'linear',
            ticks: { includeBounds: false },
            title: { display: true, text: 'Measured SNR (Es/N0), dB' },
          },
          y: { type: 'linear', min: 0, max: 100, title: { display: true, text: 'Task accuracy, %' } },
        },
        plugins: { tooltip: { callbacks: { title: () => '', label: ({ raw }) => tooltipLines(raw) } } },
      },
    });
    for (const theme of this.themes) theme.addEventListener('change', this.redraw);
  }

  destroy(): void {
    for (const theme of this.themes) theme.removeEventListener('change', this.redraw);
    this.chart.destroy();
  }

  draw(points: readonly PointView[]): void {
    if (points === this.points && this.chart.data.datasets.length > 0) return;
    this.points = points;
    this.redraw();
  }

  private readonly redraw = (): void => {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string): string => style.getPropertyValue(name).trim();
    const dotsDb = this.points.map(({ point }) => snrOnAxisDb(point));
    const min = Math.floor(Math.min(LEAST_RANGE_DB.min, ...dotsDb.map((valueDb) => valueDb - RANGE_MARGIN_DB)));
    const max = Math.ceil(Math.max(LEAST_RANGE_DB.max, ...dotsDb.map((valueDb) => valueDb + RANGE_MARGIN_DB)));
    const arms = [...new Set(this.points.map(({ point }) => point.arm))];
    this.chart.data.datasets = arms.flatMap((arm, index) =>
      armDatasets(
        this.points.filter(({ point }) => point.arm === arm),
        { min, max },
        color(seriesColor(index)),
        { muted: color('--muted'), surface: color('--surface') },
      ),
    );
    const { x, y } = this.chart.options.scales ?? {};
    for (const scale of [x, y]) {
      if (!scale) continue;
      scale.grid = { color: color('--grid') };
      scale.border = { color: color('--muted') };
      scale.ticks = { ...scale.ticks, color: color('--muted') };
      if ('title' in scale && scale.title) scale.title.color = color('--text');
    }
    if (x) Object.assign(x, { min, max });
    this.chart.update('none');
    this.canvas.setAttribute('aria-label', description(this.points));
  };
}

export interface LegendEntry {
  readonly mark: 'dot' | 'dashed' | 'dotted';
  readonly text: string;
  /** A custom property of the style sheet. */
  readonly color: string;
}

export function legendOf(points: readonly PointView[]): readonly LegendEntry[] {
  const arms = [...new Set(points.map(({ point }) => point.arm))];
  return [
    ...arms.map((arm, index): LegendEntry => ({ mark: 'dot', text: arm, color: seriesColor(index) })),
    { mark: 'dashed', text: 'ideal AWGN channel', color: arms.length > 1 ? '--text' : seriesColor(0) },
    { mark: 'dotted', text: 'blind prior', color: '--muted' },
  ];
}

const seriesColor = (index: number): string => `--series-${(index % SERIES_COLORS) + 1}`;

/** Where nothing was measured (no burst found), the point stands at the SNR that was asked for. */
function snrOnAxisDb(point: PointView['point']): number {
  return point.measuredSnrDb ?? point.requestedSnrDb ?? 0;
}

function armDatasets(
  points: readonly PointView[],
  rangeDb: { readonly min: number; readonly max: number },
  color: string,
  { muted, surface }: { readonly muted: string; readonly surface: string },
): ChartLibrary.ChartDataset<'scatter'>[] {
  const sorted = [...points].sort((a, b) => snrOnAxisDb(a.point) - snrOnAxisDb(b.point));
  const measured: MeasuredDot[] = sorted.flatMap((view) => {
    const { accuracy, accuracyLow, accuracyHigh } = view.point;
    if (accuracy === null) return [];
    const scaled = (fraction: number | null): number | null => (fraction === null ? null : 100 * fraction);
    return [
      { x: snrOnAxisDb(view.point), y: 100 * accuracy, low: scaled(accuracyLow), high: scaled(accuracyHigh), view },
    ];
  });
  const awgn = sorted.flatMap(({ point }) =>
    point.awgnAccuracy === null ? [] : [{ x: snrOnAxisDb(point), y: 100 * point.awgnAccuracy }],
  );
  const blindFraction = sorted.find(({ point }) => point.blindAccuracy !== null)?.point.blindAccuracy ?? null;
  const blind =
    blindFraction === null ? [] : [rangeDb.min, rangeDb.max].map((xDb) => ({ x: xDb, y: 100 * blindFraction }));
  return [
    {
      data: measured,
      borderColor: color,
      backgroundColor: color,
      pointBackgroundColor: measured.map(({ view }) => (view.complete ? color : surface)),
      pointBorderColor: color,
      pointBorderWidth: 2,
      pointRadius: 5,
      pointHoverRadius: 7,
    },
    { data: awgn, borderColor: color, borderDash: [7, 5], borderWidth: 2, showLine: true, pointRadius: 2 },
    { data: blind, borderColor: muted, borderDash: [2, 4], borderWidth: 2, showLine: true, pointRadius: 0 },
  ];
}

function tooltipLines(raw: unknown): string[] {
  const view = (raw as Partial<MeasuredDot>).view;
  if (!view) return [];
  const { point, complete } = view;
  return [
    `${point.arm}${complete ? '' : ' (growing)'}`,
    `measured SNR ${decibels(point.measuredSnrDb)} dB`,
    `accuracy ${percent(point.accuracy)} % [${percent(point.accuracyLow)}, ${percent(point.accuracyHigh)}], n = ${point.questions}`,
    `AWGN ${percent(point.awgnAccuracy)} %, blind ${percent(point.blindAccuracy)} %`,
  ];
}

function description(points: readonly PointView[]): string {
  if (points.length === 0) return 'Chart of accuracy against measured SNR. No points yet.';
  const parts = points.map(
    ({ point }) => `${point.arm} ${decibels(snrOnAxisDb(point), 1)} dB: ${percent(point.accuracy)} %`,
  );
  return `Chart of accuracy against measured SNR. ${parts.join('; ')}. The table holds the same figures.`;
}
