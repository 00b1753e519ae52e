/** Composition of the page: updates in, components out. */
import { StrictMode, useEffect, useState, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import type { OtabenchApi } from '../ipc/desktop-api';
import { Actions, ActionsContext, useActions } from './actions';
import { Header, Navigation, RunStrip } from './header';
import { onHeldKey } from './held-key';
import { LiveHub, LiveHubContext } from './live/hub';
import { Notices } from './notices';
import { openDocument } from './experiment/editor-state';
import { watchPlan } from './experiment/plan-watch';
import { reduce, showView, startRequested, type ViewState } from './state';
import { Store, StoreContext, useViewState } from './store';
import { BenchView } from './views/bench';
import { ExperimentView } from './views/experiment';
import { LiveView } from './views/live';
import { LogView } from './views/log';
import { ResultsModel } from './results/results-model';
import { ResultsContext } from './results/use-results';
import { ResultsView } from './views/results';

declare global {
  interface Window {
    readonly otabench: OtabenchApi;
  }
}

/** Seen in the task bar while the window is behind others. */
function windowTitle({ run }: ViewState): string {
  if (!run) return 'otabench';
  const share = run.trialsTotal > 0 ? Math.floor((100 * run.trialsDone) / run.trialsTotal) : 0;
  return `${run.phase === 'running' ? `${share} %` : run.phase} · ${run.name} · otabench`;
}

const VIEWS = {
  bench: BenchView,
  live: LiveView,
  experiment: ExperimentView,
  results: ResultsView,
  log: LogView,
} as const;

function Page(): ReactElement {
  const state = useViewState();
  const { stopEverything } = useActions();
  const [held, setHeld] = useState(false);
  useEffect(() => onHeldKey('Escape', stopEverything, setHeld), [stopEverything]);
  const title = windowTitle(state);
  useEffect(() => {
    document.title = title;
  }, [title]);
  const View = VIEWS[state.view];
  return (
    <>
      <Header state={state} escapeHeld={held} />
      <Navigation state={state} />
      <RunStrip state={state} />
      <Notices state={state} />
      <View state={state} />
    </>
  );
}

function main(): void {
  const root = document.getElementById('root');
  if (root === null) throw new Error('index.html has no #root');
  const store = new Store();
  const actions = new Actions(store, window.otabench);
  const results = new ResultsModel(window.otabench, (action) => actions.attempt(action));
  const hub = new LiveHub(window.otabench);
  window.otabench.onUpdate((update) => {
    if (update.kind === 'host-event') {
      const { event } = update;
      if (event.type === 'live') return hub.take(event);
      if (event.type === 'ready') hub.hostIsNew();
      if (event.type === 'run-started' && event.run !== store.newest.run?.run) hub.runIsNew();
    }
    store.change((before) => reduce(before, update, Date.now()));
  });
  createRoot(root).render(
    <StrictMode>
      <StoreContext value={store}>
        <ActionsContext value={actions}>
          <LiveHubContext value={hub}>
            <ResultsContext value={results}>
              <Page />
            </ResultsContext>
          </LiveHubContext>
        </ActionsContext>
      </StoreContext>
    </StrictMode>,
  );
  actions.attempt(async () => {
    const settings = await window.otabench.ready();
    actions.settle(settings);
    store.change((before) => {
      const told = reduce(before, { kind: 'host-state', state: settings.hostState }, Date.now());
      const { firstStart, document } = settings;
      const editor = document === null ? told.editor : openDocument(told.editor, document);
      const pane = told.run === null ? editor.pane : 'run';
      const started = settings.autorun ? { experimentFile: settings.experimentFile, text: undefined } : null;
      const state = { ...told, firstStart, editor: { ...editor, pane, started } };
      if (settings.autorun && !before.run) return startRequested(state);
      return firstStart && !before.run ? showView(state, 'bench') : state;
    });
    watchPlan(store, window.otabench);
  });
}

main();
