/** The plan as it is written, and the run as it goes on: its table, its chart, its radios. */
import { useEffect, useRef, useState, type ReactElement } from 'react';
import { AccuracyChart, legendOf } from '../accuracy-chart';
import { useActions } from '../actions';
import { FileBar, PlanPane } from '../experiment/plan-pane';
import type { PointView, ViewState } from '../state';
import { ResultTable } from './result-table';

const PANES = { plan: 'Plan', run: 'Run' } as const;

export function ExperimentView({ state }: { state: ViewState }): ReactElement {
  const { showPane } = useActions();
  const { pane } = state.editor;
  return (
    <main className="experiment">
      <div className="experiment-bar">
        <div className="experiment-panes" role="tablist" aria-label="Plan or run">
          {Object.entries(PANES).map(([name, title]) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`pane-${name}`}
              aria-selected={name === pane}
              aria-controls="pane"
              onClick={() => showPane(name as keyof typeof PANES)}
            >
              {title}
            </button>
          ))}
        </div>
        {pane === 'plan' && state.editor.document !== null ? <FileBar state={state} /> : null}
      </div>
      <div id="pane" role="tabpanel" aria-labelledby={`pane-${pane}`} className={`experiment-pane ${pane}-pane`}>
        {pane === 'plan' ? <PlanPane state={state} /> : <RunPane state={state} />}
      </div>
    </main>
  );
}

function RunPane({ state }: { state: ViewState }): ReactElement {
  const { run, points } = state;
  return (
    <>
      <section className="panel results-panel" aria-labelledby="results-title">
        <h2 id="results-title">Results</h2>
        <ResultTable state={state} />
        {run && run.radios.length > 0 ? (
          <div className="radios">
            <h3>Radios of this run</h3>
            <ul>
              {run.radios.map(({ role, serial, driver }) => (
                <li key={role}>
                  <strong>{role}</strong>
                  <span>{serial}</span>
                  <span className="driver">{driver}</span>
                </li>
              ))}
            </ul>
          </div>
        ) : null}
      </section>
      <section className="panel chart-panel" aria-labelledby="chart-title">
        <h2 id="chart-title">Accuracy against measured SNR</h2>
        <ul className="legend" id="legend" aria-label="Legend">
          {legendOf(points).map(({ mark, text, color }) => (
            <li key={text}>
              <span className={`mark ${mark}`} style={{ color: `var(${color})` }} />
              <span>{text}</span>
            </li>
          ))}
        </ul>
        <AccuracyCanvas points={points} />
        <p className="caption">Bars: 95 % Wilson interval. Hollow: the point is still growing.</p>
      </section>
    </>
  );
}

function AccuracyCanvas({ points }: { points: readonly PointView[] }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [chart, setChart] = useState<AccuracyChart | null>(null);
  useEffect(() => {
    let made: AccuracyChart | null = null;
    let left = false;
    void import('chart.js').then((library) => {
      if (left || canvas.current === null) return;
      made = new AccuracyChart(library, canvas.current);
      setChart(made);
    });
    return () => {
      left = true;
      made?.destroy();
      setChart(null);
    };
  }, []);
  useEffect(() => chart?.draw(points), [chart, points]);
  return (
    <div className="chart">
      <canvas id="chart" ref={canvas} role="img" aria-label="No points yet" />
    </div>
  );
}
