/** Runs, charts over them, and the way down to a single trial. */
import { useEffect, type ReactElement } from 'react';
import { hostAnswers, isRunning, type ViewState } from '../state';
import { ChartPanel } from '../results/chart-panel';
import { ComparePanel } from '../results/compare-panel';
import { PANES, type Pane } from '../results/results-model';
import { RunPanel } from '../results/run-panel';
import { RunTable } from '../results/run-table';
import { TrialPanel } from '../results/trial-panel';
import { TrialsPanel } from '../results/trials-panel';
import { useResults } from '../results/use-results';

/** How often a growing run is looked at. */
const REFRESH_MS = 5_000;

const PANE_VIEWS = { chart: ChartPanel, compare: ComparePanel, run: RunPanel, trial: TrialPanel } as const;

export function ResultsView({ state: page }: { state: ViewState }): ReactElement {
  const { model, state } = useResults();
  const { refresh } = model;
  const answers = hostAnswers(page);
  const running = isRunning(page);
  const run = page.run?.run;
  const phase = page.run?.phase;
  useEffect(() => {
    if (answers) void refresh();
  }, [answers, run, phase, refresh]);
  useEffect(() => {
    if (!answers || !running) return undefined;
    const timer = setInterval(() => void refresh(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [answers, running, refresh]);
  const View = PANE_VIEWS[state.pane];
  return (
    <main className="results-view">
      {state.trialsQuery === null ? <RunTable /> : <TrialsPanel query={state.trialsQuery} />}
      <section className="panel pane" aria-label="Figures" aria-busy={state[state.pane].loading}>
        <div className="panes" role="group" aria-label="What is shown">
          {Object.entries(PANES).map(([name, title]) => (
            <button
              key={name}
              type="button"
              id={`pane-${name}`}
              aria-pressed={name === state.pane}
              onClick={() => void model.show(name as Pane)}
            >
              {title}
            </button>
          ))}
          <span className="done" role="status">
            {state.done}
          </span>
        </div>
        <View />
      </section>
    </main>
  );
}
