/** Composition of the page: updates in, one drawing per frame out. */
import type { OtabenchApi } from '../ipc/desktop-api';
import type { DesktopSettings } from '../ipc/desktop-messages';
import { ChartView } from './chart-view';
import { NoticesView } from './notices-view';
import { RunStrip } from './run-strip';
import {
  commandFailed,
  dismissNotice,
  initialState,
  reduce,
  startRequested,
  stopRequested,
  type ViewState,
} from './state';
import { TableView } from './table-view';

declare global {
  interface Window {
    readonly otabench: OtabenchApi;
  }
}

let state: ViewState = initialState;
let settings: DesktopSettings | null = null;
let drawingPending = false;

const strip = new RunStrip();
const table = new TableView();
let chart: ChartView | null = null;
const notices = new NoticesView({
  dismiss: (key) => {
    change((before) => dismissNotice(before, key));
  },
  restartHost: () => {
    attempt(() => window.otabench.restartHost());
  },
});

/** However many changes come between two frames, the newest state alone is drawn. */
function change(transform: (before: ViewState) => ViewState): void {
  state = transform(state);
  if (drawingPending) return;
  drawingPending = true;
  requestAnimationFrame(() => {
    drawingPending = false;
    document.title = windowTitle(state);
    strip.draw(state);
    table.draw(state);
    chart?.draw(state.points);
    notices.draw(state);
  });
}

/** Seen in the task bar while the window is behind others. */
function windowTitle({ run }: ViewState): string {
  if (!run) return 'otabench';
  const share = run.trialsTotal > 0 ? Math.floor((100 * run.trialsDone) / run.trialsTotal) : 0;
  return `${run.phase === 'running' ? `${share} %` : run.phase} · ${run.name} · otabench`;
}

function attempt(action: () => void | Promise<void>): void {
  Promise.resolve()
    .then(action)
    .catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      // Electron puts the name of the channel in front of what main has thrown.
      const reason = text.replace(/^Error invoking remote method '[^']*': (Error: )?/, '');
      change((before) => commandFailed(before, reason));
    });
}

strip.start.addEventListener('click', () => {
  attempt(() => {
    if (!settings) return;
    window.otabench.startRun(settings.experimentFile);
    change(startRequested);
  });
});
strip.stop.addEventListener('click', () => {
  attempt(() => {
    window.otabench.stopRun();
    change(stopRequested);
  });
});
strip.openReport.addEventListener('click', () => {
  const run = state.run?.run;
  if (run !== undefined) attempt(() => window.otabench.openReport(run));
});

window.otabench.onUpdate((update) => {
  change((before) => reduce(before, update));
});
attempt(async () => {
  chart = new ChartView(await import('chart.js'));
  change((before) => before);
});
attempt(async () => {
  const answer = await window.otabench.ready();
  settings = answer;
  change((before) => {
    const withHost = reduce(before, { kind: 'host-state', state: answer.hostState });
    return answer.autorun && !before.run ? startRequested(withHost) : withHost;
  });
});
change((before) => before);
