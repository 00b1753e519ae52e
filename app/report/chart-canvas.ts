/** Chart.js on a canvas without a browser: charts to PNG, the same on every machine. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createCanvas, GlobalFonts, SvgExportFlag, type Canvas } from '@napi-rs/canvas';
import type { ChartConfiguration, ChartType, Plugin } from 'chart.js' with { 'resolution-mode': 'import' };
import { repositoryRoot } from '../config/paths';

const FONT = 'DejaVu Sans';

/** Pixels of the picture to one of the layout: sharp on dense screens. */
const PIXEL_RATIO = 2;

const importCharts = () => import('chart.js/auto');
type ChartModule = Awaited<ReturnType<typeof importCharts>>;
let chartModule: ChartModule | null = null;

/** Loads Chart.js (an ES module) and the font, which comes with the program: a bare server has none. Before `drawChart`. */
export async function prepareCharts(): Promise<void> {
  if (chartModule !== null) return;
  chartModule = await importCharts();
  const { Chart } = chartModule;
  // Read here: native code cannot open a file within a packaged application's archive.
  GlobalFonts.register(readFileSync(path.join(repositoryRoot(), 'app', 'report', 'fonts', 'DejaVuSans.ttf')), FONT);
  Chart.defaults.font.family = FONT;
  Chart.defaults.font.size = 13;
  Chart.defaults.color = '#333';
  Chart.defaults.borderColor = '#e3e3e3';
}

const whiteGround: Plugin = {
  id: 'whiteGround',
  beforeDraw: ({ ctx, width, height }) => {
    ctx.save();
    ctx.fillStyle = '#fff';
    ctx.fillRect(0, 0, width, height);
    ctx.restore();
  },
};

/** Draws one chart; sizes in layout pixels. */
export function drawChart<T extends ChartType>(width: number, height: number, config: ChartConfiguration<T>): Canvas {
  if (chartModule === null) throw new Error('prepareCharts was not called');
  const { Chart } = chartModule;
  const canvas = createCanvas(width, height);
  const chart = new Chart(
    canvas as unknown as HTMLCanvasElement,
    {
      ...config,
      options: { ...config.options, responsive: false, animation: false, devicePixelRatio: PIXEL_RATIO },
      plugins: [whiteGround as Plugin<T>, ...(config.plugins ?? [])],
    } as ChartConfiguration<T>,
  );
  chart.draw();
  // Destroying a chart clears its canvas, so what was drawn is copied first.
  const copy = createCanvas(canvas.width, canvas.height);
  copy.getContext('2d').drawImage(canvas, 0, 0);
  chart.destroy();
  return copy;
}

/** The same as vectors, its text as outlines: looks alike wherever it is opened. */
export function drawChartSvg<T extends ChartType>(
  width: number,
  height: number,
  config: ChartConfiguration<T>,
): string {
  if (chartModule === null) throw new Error('prepareCharts was not called');
  const canvas = createCanvas(width, height, SvgExportFlag.ConvertTextToPaths);
  const chart = new chartModule.Chart(
    canvas as unknown as HTMLCanvasElement,
    {
      ...config,
      options: { ...config.options, responsive: false, animation: false, devicePixelRatio: 1 },
      plugins: [whiteGround as Plugin<T>, ...(config.plugins ?? [])],
    } as ChartConfiguration<T>,
  );
  chart.draw();
  return canvas.getContent().toString('utf8');
}

/** Charts side by side and below each other, row by row. */
export function tile(rows: readonly (readonly Canvas[])[]): Canvas {
  const rowWidth = (row: readonly Canvas[]): number => row.reduce((sum, { width }) => sum + width, 0);
  const rowHeight = (row: readonly Canvas[]): number => Math.max(...row.map(({ height }) => height));
  const whole = createCanvas(
    Math.max(...rows.map(rowWidth)),
    rows.reduce((sum, row) => sum + rowHeight(row), 0),
  );
  const context = whole.getContext('2d');
  let y = 0;
  for (const row of rows) {
    let x = 0;
    for (const canvas of row) {
      context.drawImage(canvas, x, y);
      x += canvas.width;
    }
    y += rowHeight(row);
  }
  return whole;
}

/** As it stands on the page and beside it. */
export interface Picture {
  /** File name without ".png". */
  readonly name: string;
  readonly caption: string;
  readonly png: Buffer;
}

export function toPng(canvas: Canvas): Buffer {
  return canvas.toBuffer('image/png');
}
