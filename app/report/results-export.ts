/** Files of the Results view: a chart as picture or figures, the trials of a run as a flat table. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ChartConfiguration, ChartDataset } from 'chart.js' with { 'resolution-mode': 'import' };
import type { ChartModel } from '../ipc/results-messages';
import { writeWhole } from '../store/files';
import { copyTo, literal, PARQUET } from '../store/parquet';
import { drawChart, drawChartSvg, prepareCharts, toPng } from './chart-canvas';
import { armColour, intervalBars, title, type Bar } from './chart-style';

const SIZE = { width: 900, height: 560 } as const;
const PRIOR_COLOUR = '#777777';

/** Writes the chart; the file is whole or not there. */
export async function exportChart(
  connection: DuckDBConnection,
  model: ChartModel,
  format: 'png' | 'svg' | 'csv' | 'parquet',
  file: string,
): Promise<void> {
  if (format === 'csv' || format === 'parquet') return exportFigures(connection, model, format, file);
  await prepareCharts();
  const config = chartConfig(model);
  const { width, height } = SIZE;
  await writeWhole(
    file,
    format === 'png' ? toPng(drawChart(width, height, config)) : drawChartSvg(width, height, config),
  );
}

/** @param source table of TrialSources */
export async function exportTrials(
  connection: DuckDBConnection,
  source: string,
  format: 'csv' | 'parquet',
  file: string,
): Promise<void> {
  const select = `SELECT * EXCLUDE (kind, bursts, events, attempt, file_row_number), len(bursts) AS bursts,
    len(list_filter(bursts, lambda b: b.headerOk)) AS headersOk,
    list_avg(list_transform(list_filter(bursts, lambda b: b.headerOk), lambda b: b.snrDb)) AS measuredSnrDb,
    len(events) AS events FROM ${source} ORDER BY "index"`;
  await copyTo(connection, select, file, format === 'csv' ? 'FORMAT csv, HEADER' : PARQUET);
}

const FIGURE_COLUMNS = `{series: 'VARCHAR', kind: 'VARCHAR', run: 'VARCHAR', arm: 'VARCHAR', requestedSnrDb: 'DOUBLE',
  measuredSnrDb: 'DOUBLE', pooledTokens: 'DOUBLE', x: 'DOUBLE', y: 'DOUBLE', low95: 'DOUBLE', high95: 'DOUBLE',
  questions: 'INTEGER', blindAccuracy: 'DOUBLE', xTitle: 'VARCHAR', yTitle: 'VARCHAR', source: 'VARCHAR'}`;

async function exportFigures(
  connection: DuckDBConnection,
  { series, x, y, source }: ChartModel,
  format: 'csv' | 'parquet',
  file: string,
): Promise<void> {
  const lines = series.flatMap(({ label, kind, run, dots }) =>
    dots.map((dot) =>
      JSON.stringify({
        series: label,
        kind,
        run: dot.point?.run ?? run,
        arm: dot.point?.arm ?? null,
        requestedSnrDb: dot.point?.requestedSnrDb ?? null,
        measuredSnrDb: dot.measuredSnrDb,
        pooledTokens: dot.tokens,
        x: dot.x,
        y: dot.y,
        low95: dot.low,
        high95: dot.high,
        questions: dot.count,
        blindAccuracy: dot.blind,
        xTitle: x.title,
        yTitle: y.title,
        source,
      }),
    ),
  );
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'otabench-export-'));
  try {
    const table = path.join(scratch, 'figures.ndjson');
    writeFileSync(table, `${lines.join('\n')}\n`);
    const select = `SELECT * FROM read_json(${literal(table)}, format='newline_delimited', columns=${FIGURE_COLUMNS})`;
    await copyTo(connection, select, file, format === 'csv' ? 'FORMAT csv, HEADER' : PARQUET);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** On white, for paper. */
function chartConfig(model: ChartModel): ChartConfiguration<'scatter'> {
  const datasets = model.series.map(({ label, kind, colour, joined, dots }): ChartDataset<'scatter'> => {
    const own = kind === 'prior' ? PRIOR_COLOUR : armColour(colour);
    return {
      label,
      data: dots.map(({ x, y }) => ({ x, y })),
      showLine: joined,
      borderColor: own,
      backgroundColor: kind === 'reference' ? '#ffffff' : own,
      borderWidth: 2,
      borderDash: kind === 'reference' ? [7, 4] : kind === 'prior' ? [2, 4] : [],
      pointRadius: kind === 'prior' ? 0 : 4,
      pointStyle: kind === 'reference' ? 'rectRot' : 'circle',
    };
  });
  const bars = model.series.flatMap(({ colour, dots }) =>
    dots.flatMap(({ x, low, high }): Bar[] =>
      low === null || high === null ? [] : [{ at: x, low, high, colour: armColour(colour) }],
    ),
  );
  const axis = ({ title: text, min, max }: ChartModel['x']): object => ({ min, max, title: { display: true, text } });
  return {
    type: 'scatter',
    data: { datasets },
    options: {
      layout: { padding: 12 },
      plugins: {
        title: title(model.title),
        legend: {
          position: 'bottom',
          labels: { usePointStyle: true, pointStyle: 'line', pointStyleWidth: 40, padding: 14 },
        },
      },
      scales: { x: axis(model.x), y: axis(model.y) },
    },
    plugins: [intervalBars(bars, 'y')],
  };
}
