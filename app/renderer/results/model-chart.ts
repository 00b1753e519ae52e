/** A chart model of the host on a canvas: dots with intervals, curves of reference; a click finds the trials of a dot. */
// Chart.js is an ES module and this package is not: types name the way they are resolved, the code is handed in.
import type * as ChartLibrary from 'chart.js' with { 'resolution-mode': 'import' };
import type { ChartModel, Dot, PointKey, Series } from '../../ipc/results-messages';
import { count, decibels, percent } from '../format';
import { sweptText } from './text';

const WHISKER_HALF_WIDTH_PX = 5;
export const SERIES_COLOURS = 8;
export const seriesColour = ({ kind, colour }: Pick<Series, 'kind' | 'colour'>): string =>
  kind === 'prior' ? '--muted' : `--series-${(colour % SERIES_COLOURS) + 1}`;

interface DrawnDot extends ChartLibrary.ScatterDataPoint {
  readonly dot: Dot;
  readonly series: Series;
  readonly chart: ChartModel['chart'];
}

const whiskers: ChartLibrary.Plugin<'scatter'> = {
  id: 'intervals',
  beforeDatasetDraw(chart, { index, meta }) {
    const scale = chart.scales['y'];
    const dataset = chart.data.datasets[index];
    if (!scale || !dataset) return;
    const { ctx } = chart;
    ctx.save();
    ctx.strokeStyle = typeof dataset.borderColor === 'string' ? dataset.borderColor : 'gray';
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    dataset.data.forEach((drawn, dotIndex) => {
      const { low, high } = (drawn as DrawnDot).dot;
      const element = meta.data[dotIndex];
      if (low === null || high === null || !element) return;
      const [top, bottom] = [scale.getPixelForValue(high), scale.getPixelForValue(low)];
      ctx.moveTo(element.x, top);
      ctx.lineTo(element.x, bottom);
      for (const y of [top, bottom]) {
        ctx.moveTo(element.x - WHISKER_HALF_WIDTH_PX, y);
        ctx.lineTo(element.x + WHISKER_HALF_WIDTH_PX, y);
      }
    });
    ctx.stroke();
    ctx.restore();
  },
};

export class ModelChart {
  private readonly chart: ChartLibrary.Chart<'scatter'>;
  private readonly themes = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'].map((query) =>
    matchMedia(query),
  );
  private model: ChartModel | null = null;
  private open: PointKey | null = null;

  constructor(
    library: typeof ChartLibrary,
    private readonly canvas: HTMLCanvasElement,
    onPoint: (point: PointKey) => void,
  ) {
    const { ScatterController, LinearScale, PointElement, LineElement, Tooltip } = library;
    library.Chart.register(ScatterController, LinearScale, PointElement, LineElement, Tooltip);
    const pointAt = (elements: readonly ChartLibrary.ActiveElement[]): PointKey | null => {
      const [element] = elements;
      if (element === undefined) return null;
      const drawn = this.chart.data.datasets[element.datasetIndex]?.data[element.index] as DrawnDot | undefined;
      return drawn?.dot.point ?? null;
    };
    this.chart = new library.Chart(canvas, {
      type: 'scatter',
      data: { datasets: [] },
      plugins: [whiskers],
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', intersect: true },
        onClick: (_event, elements) => {
          const point = pointAt(elements);
          if (point !== null) onPoint(point);
        },
        onHover: (_event, elements) => {
          this.canvas.classList.toggle('over-point', pointAt(elements) !== null);
        },
        scales: {
          x: { type: 'linear', title: { display: true }, ticks: { includeBounds: false } },
          y: { type: 'linear', title: { display: true }, ticks: { includeBounds: false } },
        },
        plugins: { tooltip: { displayColors: false, callbacks: { title: () => '', label: ({ raw }) => lines(raw) } } },
      },
    });
    for (const theme of this.themes) theme.addEventListener('change', this.redraw);
  }

  destroy(): void {
    for (const theme of this.themes) theme.removeEventListener('change', this.redraw);
    this.chart.destroy();
  }

  /** @param open the point whose trials are shown; it is drawn larger */
  draw(model: ChartModel, open: PointKey | null): void {
    if (model === this.model && open === this.open) return;
    this.model = model;
    this.open = open;
    this.redraw();
  }

  private readonly redraw = (): void => {
    const { model, open } = this;
    if (model === null) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const surface = colour('--surface');
    this.chart.data.datasets = model.series.map((series): ChartLibrary.ChartDataset<'scatter'> => {
      const own = colour(seriesColour(series));
      const { kind, dots, joined } = series;
      const data: DrawnDot[] = dots.map((dot) => ({ x: dot.x, y: dot.y, dot, series, chart: model.chart }));
      const radius = kind === 'measured' ? 5 : kind === 'reference' ? 2 : 0;
      const isOpen = ({ point }: Dot): boolean => point !== null && open !== null && samePoint(point, open);
      return {
        data,
        // Dots at 0 and 100 % are whole.
        clip: 8,
        showLine: joined,
        borderColor: own,
        backgroundColor: own,
        borderWidth: kind === 'measured' ? 1.5 : 2,
        borderDash: kind === 'reference' ? [7, 5] : kind === 'prior' ? [2, 4] : [],
        pointRadius: dots.map((dot) => (isOpen(dot) ? 9 : radius)),
        pointHoverRadius: radius + 2,
        pointHitRadius: 4,
        pointBackgroundColor: dots.map((dot) => (isOpen(dot) ? surface : own)),
        pointBorderColor: own,
        pointBorderWidth: dots.map((dot) => (isOpen(dot) ? 3 : 1)),
      };
    });
    const { x, y } = this.chart.options.scales ?? {};
    for (const [scale, axis] of [
      [x, model.x],
      [y, model.y],
    ] as const) {
      if (!scale) continue;
      scale.grid = { color: colour('--grid') };
      scale.border = { color: colour('--muted') };
      scale.ticks = { ...scale.ticks, color: colour('--muted') };
      if ('title' in scale && scale.title) Object.assign(scale.title, { text: axis.title, color: colour('--text') });
      Object.assign(scale, { min: axis.min, max: axis.max });
    }
    this.chart.update('none');
    this.canvas.setAttribute('aria-label', description(model));
  };
}

export function samePoint(a: PointKey, b: PointKey): boolean {
  return (
    a.run === b.run &&
    a.arm === b.arm &&
    a.requestedSnrDb === b.requestedSnrDb &&
    a.bandwidthHz === b.bandwidthHz &&
    a.powerDb === b.powerDb
  );
}

/** A dot's figure with its interval, in the chart's unit. */
export function figureText(chart: ChartModel['chart'], { y, low, high }: Dot): string {
  const text = (value: number): string => (chart === 'accuracy' ? value.toFixed(1) : value.toPrecision(3));
  const interval = low === null || high === null ? '' : ` (95 %: ${text(low)}–${text(high)})`;
  return `${text(y)}${interval}`;
}

const UNITS: Readonly<Record<ChartModel['chart'], string>> = { accuracy: ' %', loss: ' nats' };

function lines(raw: unknown): string[] {
  const { dot, series, chart } = raw as DrawnDot;
  const { point, measuredSnrDb, blind, tokens } = dot;
  const figure = `${figureText(chart, dot)}${UNITS[chart]}`;
  if (point === null) return [series.label, figure];
  return [
    series.label,
    `${point.arm}, ${sweptText(point)} requested, ${decibels(measuredSnrDb)} dB measured`,
    `${figure}, n = ${count(dot.count ?? 0)}`,
    `blind prior ${percent(blind)} %${tokens === null ? '' : `, ${tokens.toFixed(1)} pooled tokens`}`,
    'Click: its trials',
  ];
}

function description(model: ChartModel): string {
  const measured = model.series.filter(({ kind }) => kind === 'measured');
  const dots = measured.reduce((sum, series) => sum + series.dots.length, 0);
  return `${model.title}. ${measured.length} series, ${dots} points. The table below holds the same figures.`;
}
