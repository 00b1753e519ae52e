/** A line chart that is redrawn twenty times a second: points are changed in place, nothing is parsed or animated. */
// See accuracy-chart.ts for the way the library comes in.
import type * as ChartLibrary from 'chart.js' with { 'resolution-mode': 'import' };
import { canvasTheme } from './theme';

export interface Series {
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly color: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  /** On the axis at the right. */
  readonly right?: boolean;
}

export interface AxisSetting {
  readonly title: string;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
}

interface Xy {
  x: number;
  y: number;
}

/** A true minus sign, and no more digits than the step has. */
export function tickText(value: string | number): string {
  return String(Math.round(Number(value) * 1000) / 1000).replace('-', '−');
}

const TICK_FONT = { size: 10 };
const TITLE_FONT = { size: 11 };

export class LineChart {
  private readonly chart: ChartLibrary.Chart<'line', Xy[]>;

  constructor(
    library: typeof ChartLibrary,
    canvas: HTMLCanvasElement,
    private series: readonly Series[],
    private readonly axes: { readonly x: AxisSetting; readonly y: AxisSetting; readonly right?: AxisSetting },
  ) {
    const { LineController, LinearScale, PointElement, LineElement } = library;
    library.Chart.register(LineController, LinearScale, PointElement, LineElement);
    this.chart = new library.Chart<'line', Xy[]>(canvas, {
      type: 'line',
      data: { datasets: [] },
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        responsive: true,
        maintainAspectRatio: false,
        // Nothing is shown under the mouse: without this every move would search all points.
        events: [],
        spanGaps: false,
        elements: { point: { radius: 0 } },
        scales: {
          x: { type: 'linear' },
          y: { type: 'linear' },
          ...(axes.right ? { right: { type: 'linear' as const, position: 'right' as const } } : {}),
        },
        plugins: { legend: { display: false }, tooltip: { enabled: false } },
      },
    });
    this.paintTheme();
  }

  destroy(): void {
    this.chart.destroy();
  }

  /** Colours and scales anew. */
  paintTheme(): void {
    const theme = canvasTheme();
    const { scales } = this.chart.options;
    for (const [name, axis] of [
      ['x', this.axes.x],
      ['y', this.axes.y],
      ['right', this.axes.right],
    ] as const) {
      const scale = scales?.[name];
      if (!scale || !axis) continue;
      Object.assign(scale, {
        min: axis.min,
        max: axis.max,
        grid: { color: theme.grid, drawOnChartArea: name !== 'right' },
        border: { color: theme.muted },
        ticks: {
          color: theme.muted,
          font: TICK_FONT,
          maxRotation: 0,
          callback: tickText,
          ...(axis.step ? { stepSize: axis.step } : {}),
        },
        title: { display: true, text: axis.title, color: theme.text, font: TITLE_FONT, padding: 0 },
      });
    }
    this.setSeries(this.series);
    this.chart.update('none');
  }

  setSeries(series: readonly Series[]): void {
    this.series = series;
    const theme = canvasTheme();
    const before = this.chart.data.datasets;
    this.chart.data.datasets = series.map(({ label, color, width = 1.5, dash = [], right = false }, index) => ({
      label,
      data: before[index]?.data ?? [],
      borderColor: theme.color(color),
      borderWidth: width,
      borderDash: [...dash],
      yAxisID: right ? 'right' : 'y',
    }));
  }

  /** Points of one series; `y` may be null or not-a-number for a gap. */
  setPoints(index: number, count: number, x: (i: number) => number, y: (i: number) => number | null): void {
    const data = this.chart.data.datasets[index]?.data;
    if (data === undefined) return;
    data.length = Math.min(data.length, count);
    for (let i = 0; i < count; i++) {
      const point = (data[i] ??= { x: 0, y: 0 });
      point.x = x(i);
      point.y = y(i) ?? NaN;
    }
  }

  setRange(axis: 'x' | 'y' | 'right', { min, max }: { readonly min: number; readonly max: number }): void {
    const scale = this.chart.options.scales?.[axis];
    if (scale && (scale.min !== min || scale.max !== max)) Object.assign(scale, { min, max });
  }

  draw(): void {
    this.chart.update('none');
  }
}
