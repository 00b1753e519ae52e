/** The chart of the chosen runs, its figures as a table, and its export. */
import { useEffect, useRef, useState, type ReactElement } from 'react';
import type { ChartModel, PointKey } from '../../ipc/results-messages';
import { CHART_KINDS, type ChartKind } from '../../ipc/results-words';
import { count, decibels, percent } from '../format';
import { figureText, ModelChart, samePoint, seriesColour } from './model-chart';
import { sweptText } from './text';
import { useResults } from './use-results';

const CHART_NAMES: Readonly<Record<ChartKind, string>> = {
  accuracy: 'Accuracy against SNR',
  loss: 'Loss against token length',
};
const FIGURE_NAMES: Readonly<Record<ChartKind, string>> = { accuracy: 'Accuracy, %', loss: 'Loss, nats' };
const FORMATS = ['png', 'svg', 'csv', 'parquet'] as const;

export function ChartPanel(): ReactElement {
  const { model, state } = useResults();
  const { chart, chosen, chartKind, fit, point } = state;
  const { value } = chart;
  return (
    <>
      <div className="pane-tools">
        <label>
          <span className="unseen">Chart</span>
          <select
            id="chart-kind"
            value={chartKind}
            onChange={(event) => void model.showChart(event.target.value as ChartKind)}
          >
            {CHART_KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {CHART_NAMES[kind]}
              </option>
            ))}
          </select>
        </label>
        <div className="exports" role="group" aria-label="Export the chart">
          <span aria-hidden="true">Export</span>
          {FORMATS.map((format) => (
            <button
              key={format}
              type="button"
              className="small"
              disabled={value === null || value.series.length === 0}
              onClick={() => model.export({ what: 'chart', chart: chartKind, fit, runs: [...chosen], format })}
            >
              {format === 'parquet' ? 'Parquet' : format.toUpperCase()}
            </button>
          ))}
        </div>
      </div>
      {chart.error === null ? null : (
        <p className="panel-error" role="alert">
          The chart could not be made: {chart.error}
        </p>
      )}
      {value === null ? (
        <p className="placeholder">
          {chosen.length === 0
            ? 'Choose a run on the left to see its chart; tick several to lay them over one another.'
            : chart.loading
              ? 'The trials are being read.'
              : ''}
        </p>
      ) : (
        <Drawn value={value} point={point} />
      )}
    </>
  );
}

function Drawn({ value, point }: { value: ChartModel; point: PointKey | null }): ReactElement {
  const { model, state } = useResults();
  const { fit } = state;
  // A curve of reference has the colour of what it is the reference of: one entry is enough for all.
  const shown = value.series.filter(({ kind }) => kind !== 'reference');
  const reference = value.series.find(({ kind }) => kind === 'reference');
  return (
    <>
      <div className="chart-head">
        <h3>{value.title}</h3>
        <label className="check">
          <input
            id="chart-fit"
            type="checkbox"
            checked={fit}
            onChange={(event) => void model.fitChart(event.target.checked)}
          />
          Fit to the data
        </label>
      </div>
      <ul className="legend" aria-label="Legend">
        {shown.map((series) => (
          <li key={`${series.run} ${series.kind} ${series.label}`}>
            <span
              className={`mark ${series.kind === 'measured' ? 'dot' : 'dotted'}`}
              data-colour={seriesColour(series)}
            />
            <span>{series.label}</span>
          </li>
        ))}
        {reference === undefined ? null : (
          <li>
            <span className="mark dashed" data-colour="--muted" />
            <span>{shown.length > 2 ? 'ideal AWGN, in the colour of its run' : 'ideal AWGN channel'}</span>
          </li>
        )}
      </ul>
      {value.missing.length === 0 ? null : (
        <ul className="failures" aria-label="Not in the chart">
          {value.missing.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      <ModelCanvas model={value} point={point} />
      <p className="caption">{value.caption}</p>
      <Figures model={value} point={point} />
    </>
  );
}

function ModelCanvas({ model, point }: { model: ChartModel; point: PointKey | null }): ReactElement {
  const { model: results } = useResults();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [chart, setChart] = useState<ModelChart | null>(null);
  const { openPoint } = results;
  useEffect(() => {
    let made: ModelChart | null = null;
    let left = false;
    void import('chart.js').then((library) => {
      if (left || canvas.current === null) return;
      made = new ModelChart(library, canvas.current, (key) => void openPoint(key));
      setChart(made);
    });
    return () => {
      left = true;
      made?.destroy();
      setChart(null);
    };
  }, [openPoint]);
  useEffect(() => chart?.draw(model, point), [chart, model, point]);
  return (
    <div className="chart">
      <canvas id="results-chart" ref={canvas} role="img" aria-label={model.title} />
    </div>
  );
}

/** The same figures in words, and the way to a point's trials without a mouse. */
function Figures({ model, point }: { model: ChartModel; point: PointKey | null }): ReactElement {
  const { model: results } = useResults();
  const rows = model.series.flatMap((series) =>
    series.dots.flatMap((dot) => (dot.point === null ? [] : [{ series, dot, key: dot.point }])),
  );
  return (
    <div className="scroll figures-table" tabIndex={0} role="group" aria-label="Figures of the chart">
      <table id="figures">
        <thead>
          <tr>
            <th scope="col">Series</th>
            <th scope="col">Point</th>
            <th scope="col">SNR, dB</th>
            {model.chart === 'loss' ? <th scope="col">Pooled tokens</th> : null}
            <th scope="col">{FIGURE_NAMES[model.chart]}</th>
            <th scope="col">n</th>
            <th scope="col">Blind prior, %</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ series, dot, key }) => (
            <tr
              key={`${key.run} ${key.arm} ${sweptText(key)}`}
              className={point !== null && samePoint(point, key) ? 'chosen' : undefined}
            >
              <th scope="row">{series.label}</th>
              <td>
                <button
                  type="button"
                  className="link"
                  title="Its trials"
                  aria-label={`Trials of ${series.label}, ${sweptText(key)}`}
                  onClick={() => void results.openPoint(key)}
                >
                  {model.chart === 'accuracy' ? sweptText(key) : key.arm}
                </button>
              </td>
              <td>{decibels(dot.measuredSnrDb)}</td>
              {model.chart === 'loss' ? <td>{dot.tokens === null ? '–' : dot.tokens.toFixed(1)}</td> : null}
              <td className="result">{figureText(model.chart, dot)}</td>
              <td>{count(dot.count ?? 0)}</td>
              <td>{percent(dot.blind)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 ? <p className="placeholder">No point of the chosen runs has trials yet.</p> : null}
    </div>
  );
}
