/** What the window knows, as a pure function of what it was told. Nothing here touches the page. */
import type { HostState, WindowUpdate } from '../ipc/desktop-messages';
import type { HostEvent, Point } from '../ipc/host-messages';
import { comparePlaces, pointKey, pointName } from '../units/place';
import { initialEditor, reduceEditor, type EditorState } from './experiment/editor-state';
import { eventLines, NO_RADIOS, withDetails, withHealth, type RadiosView } from './radio-state';

type Progress = Extract<HostEvent, { type: 'progress' }>;
type RunStarted = Extract<HostEvent, { type: 'run-started' }>;

export interface RunView {
  readonly run: string;
  readonly name: string;
  /** `lost`: the host went away in the middle of it. */
  readonly phase: 'running' | 'stopping' | 'done' | 'stopped' | 'failed' | 'lost';
  readonly work: Progress['phase'];
  /** Trials are with the radios, as the host said last. */
  readonly transmitting: boolean;
  readonly pause: Progress['pause'];
  readonly trialsDone: number;
  readonly trialsTotal: number;
  readonly questionsPerSecond: number;
  readonly remainingS: number | null;
  readonly wallS: number | null;
  readonly radios: RunStarted['radios'];
  readonly simulated: boolean;
  readonly hasReport: boolean;
}

export interface PointView {
  readonly point: Point;
  readonly complete: boolean;
}

export interface Notice {
  /** A notice replaces the earlier one with the same key. */
  readonly key: string;
  readonly severity: 'error' | 'warning';
  readonly text: string;
  readonly count: number;
  readonly offerRestart: boolean;
}

export const VIEW_NAMES = {
  bench: 'Bench',
  live: 'Live',
  experiment: 'Experiment',
  results: 'Results',
  log: 'Log',
} as const;
export type ViewName = keyof typeof VIEW_NAMES;

export type FoundRadio = Extract<HostEvent, { type: 'radios-found' }>['radios'][number];

/** The newest search for radios. */
export interface RadioSearch {
  readonly phase: 'none' | 'searching' | 'done';
  readonly radios: readonly FoundRadio[];
  /** One line for each driver that could not be asked. */
  readonly failures: readonly string[];
}

export const LOG_KINDS = ['run', 'point', 'radio', 'host', 'error', 'refused'] as const;
export type LogKind = (typeof LOG_KINDS)[number];

export interface LogEntry {
  readonly number: number;
  readonly atMs: number;
  readonly kind: LogKind;
  readonly text: string;
}

export const LOG_LENGTH = 2000;

export interface ViewState {
  readonly view: ViewName;
  readonly editor: EditorState;
  /** Nothing was ever run from this desktop: a first run is offered. */
  readonly firstStart: boolean;
  readonly search: RadioSearch;
  readonly radios: RadiosView;
  /** Oldest first. */
  readonly log: readonly LogEntry[];
  readonly host: HostState;
  readonly hostVersion: string | null;
  /** How the host ended last. */
  readonly hostFailure: string | null;
  readonly run: RunView | null;
  /** By arm and requested SNR, in the order of the table. */
  readonly points: readonly PointView[];
  readonly notices: readonly Notice[];
  /** Asked for, not yet confirmed by the host. */
  readonly startPending: boolean;
}

export const initialState: ViewState = {
  view: 'experiment',
  editor: initialEditor,
  firstStart: false,
  search: { phase: 'none', radios: [], failures: [] },
  radios: NO_RADIOS,
  log: [],
  host: { phase: 'starting', pid: null, message: null, restarts: 0 },
  hostVersion: null,
  hostFailure: null,
  run: null,
  points: [],
  notices: [],
  startPending: false,
};

const NOTICES_SHOWN = 4;
const HOST_ERROR = 'host-error';
const HOST_ERROR_LINES = 40;

export function isRunning(state: ViewState): boolean {
  return state.run?.phase === 'running' || state.run?.phase === 'stopping';
}

/** All trials have been on the air; what is left is arithmetic (the AWGN references, the report). */
export function isComputingOnly(state: ViewState): boolean {
  const { run } = state;
  return run?.phase === 'running' && run.work === 'references';
}

/** It ended before its end, and this window knows what it was started with. */
export function isResumable({ run, editor }: ViewState): boolean {
  return editor.started !== null && (run?.phase === 'stopped' || run?.phase === 'failed' || run?.phase === 'lost');
}

/** The host is there and answers. */
export function hostAnswers(state: ViewState): boolean {
  return state.host.phase === 'ready' || state.host.phase === 'busy';
}

/** @param nowMs time of day, for the log */
export function reduce(state: ViewState, update: WindowUpdate, nowMs: number): ViewState {
  const next = reduceUpdate(state, update);
  const entries = logEntries(state, update);
  if (entries.length === 0) return next;
  const number = (state.log.at(-1)?.number ?? 0) + 1;
  const added = entries.map((entry, index) => ({ number: number + index, atMs: nowMs, ...entry }));
  return { ...next, log: [...state.log, ...added].slice(-LOG_LENGTH) };
}

function logEntries(state: ViewState, update: WindowUpdate): { kind: LogKind; text: string }[] {
  if (update.kind === 'host-event' && update.event.type === 'health')
    return eventLines(update.event).map((text) => ({ kind: 'radio', text }));
  const entry = logEntry(state, update);
  return entry === null ? [] : [entry];
}

function reduceUpdate(state: ViewState, update: WindowUpdate): ViewState {
  if (update.kind === 'host-event') return reduceEvent(state, update.event);
  if (update.kind === 'host-state') return reduceHostState(state, update.state);
  const sender = update.source === 'host' ? 'The host' : 'The main process';
  return addNotice(state, {
    key: 'refused',
    severity: 'error',
    text: `${sender} sent a message that is not of the agreed form; it was refused (${update.reason}).`,
    offerRestart: false,
  });
}

/** What the log says of an update; null where it says nothing (progress, points that grow, what is told again). */
function logEntry(state: ViewState, update: WindowUpdate): { kind: LogKind; text: string } | null {
  if (update.kind === 'refused') return { kind: 'refused', text: `message of the ${update.source}: ${update.reason}` };
  if (update.kind === 'host-state') {
    const { phase, pid, message } = update.state;
    if (phase === state.host.phase && pid === state.host.pid) return null;
    return { kind: 'host', text: `${phase}${pid === null ? '' : `, process ${pid}`}${message ? `: ${message}` : ''}` };
  }
  const { event } = update;
  switch (event.type) {
    case 'run-started': {
      if (state.run?.run === event.run) return null;
      const radios = event.radios.map(({ role, serial }) => `${role} ${serial}`).join(', ');
      return { kind: 'run', text: `${event.run} started: ${event.trialsTotal} trials, ${radios}` };
    }
    case 'run-finished':
      if (state.run?.run === event.run && !isRunning(state)) return null;
      return {
        kind: 'run',
        text: `${event.run} ${event.outcome} after ${event.wallS.toFixed(1)} s${event.message ? `: ${event.message}` : ''}`,
      };
    case 'point': {
      const { arm, accuracy, questions } = event.point;
      const key = pointKey(arm, event.point);
      const known = state.points.find(({ point }) => pointKey(point.arm, point) === key);
      if (!event.complete || known?.complete) return null;
      const figure = accuracy === null ? 'no accuracy' : `accuracy ${(100 * accuracy).toFixed(1)} %`;
      return { kind: 'point', text: `${arm}, ${pointName(event.point)} complete: ${figure} of ${questions} questions` };
    }
    case 'error':
      return { kind: 'error', text: event.message };
    case 'radios-found':
      return { kind: 'host', text: `${event.radios.length} radios found` };
    case 'ready':
    case 'heartbeat':
    case 'busy':
    case 'progress':
    case 'task-done':
    case 'radio-details':
    case 'health':
    case 'live':
    case 'plan-checked':
    case 'form-described':
      return null;
  }
}

export function showView(state: ViewState, view: ViewName): ViewState {
  return { ...state, view };
}

export function searchStarted(state: ViewState): ViewState {
  return { ...state, search: { ...state.search, phase: 'searching' } };
}

export function startRequested(state: ViewState): ViewState {
  return { ...dismissNotice(state, HOST_ERROR), startPending: true };
}

export function stopRequested(state: ViewState): ViewState {
  return state.run?.phase === 'running' ? { ...state, run: { ...state.run, phase: 'stopping' } } : state;
}

/** Something that the user asked for could not be done. */
export function commandFailed(state: ViewState, reason: string): ViewState {
  const notice = { key: 'command', severity: 'error', text: reason, offerRestart: false } as const;
  return addNotice({ ...state, startPending: false }, notice);
}

export function dismissNotice(state: ViewState, key: string): ViewState {
  return { ...state, notices: state.notices.filter((notice) => notice.key !== key) };
}

function reduceEvent(state: ViewState, event: HostEvent): ViewState {
  switch (event.type) {
    case 'ready':
      return { ...state, hostVersion: event.version };
    case 'heartbeat':
    case 'busy':
    case 'task-done':
      return state;
    case 'run-started':
      return startRun(state, event);
    case 'progress': {
      // The live channel may lag behind: a host that is known to be gone makes no progress.
      if (!isRunning(state) || state.run?.run !== event.run) return state;
      const { phase: work, transmitting, pause, trialsDone, trialsTotal, questionsPerSecond, remainingS } = event;
      const progress = { work, transmitting, pause, trialsDone, trialsTotal, questionsPerSecond, remainingS };
      return { ...state, run: { ...state.run, ...progress } };
    }
    case 'point':
      if (state.run?.run !== event.run) return state;
      return { ...state, points: mergePoint(state.points, { point: event.point, complete: event.complete }) };
    case 'run-finished':
      return finishRun(state, event);
    case 'radios-found':
      return { ...state, search: { phase: 'done', radios: event.radios, failures: event.failures } };
    case 'radio-details':
      return { ...state, radios: withDetails(state.radios, event.radios) };
    case 'health':
      return { ...state, radios: withHealth(state.radios, event) };
    case 'live':
      // Views go to the Live charts (live/hub.ts); they are no state of the page.
      return state;
    case 'plan-checked':
    case 'form-described':
      return { ...state, editor: reduceEditor(state.editor, event) };
    case 'error':
      return addHostError({ ...endSearch(state), startPending: false }, event.message);
  }
}

/** A search that will not be answered any more. */
function endSearch(state: ViewState): ViewState {
  return state.search.phase === 'searching' ? { ...state, search: { ...state.search, phase: 'none' } } : state;
}

/** An experiment file may have many faults, each said in a message of its own: they stand in one notice. */
function addHostError(state: ViewState, line: string): ViewState {
  const before = state.notices.find((notice) => notice.key === HOST_ERROR)?.text.split('\n') ?? [];
  if (before.includes(line) || before.length >= HOST_ERROR_LINES) return state;
  const text = [...before, line].join('\n');
  return addNotice(state, { key: HOST_ERROR, severity: 'error', text, offerRestart: false });
}

function startRun(state: ViewState, event: RunStarted): ViewState {
  // Said again to a window that was attached anew: what is shown of this run stays.
  const again = state.run?.run === event.run;
  return {
    ...state,
    editor: again ? state.editor : { ...state.editor, pane: 'run' },
    startPending: false,
    points: again ? state.points : [],
    notices: again ? state.notices : state.notices.filter((notice) => notice.key === 'refused'),
    run: {
      run: event.run,
      name: event.name,
      phase: 'running',
      work: again ? (state.run?.work ?? 'sounding') : 'sounding',
      transmitting: again ? (state.run?.transmitting ?? false) : false,
      pause: again ? (state.run?.pause ?? 'no') : 'no',
      trialsDone: again ? (state.run?.trialsDone ?? 0) : 0,
      trialsTotal: event.trialsTotal,
      questionsPerSecond: 0,
      remainingS: null,
      wallS: null,
      radios: event.radios,
      simulated: event.simulated,
      hasReport: false,
    },
  };
}

function finishRun(state: ViewState, event: Extract<HostEvent, { type: 'run-finished' }>): ViewState {
  if (state.run?.run !== event.run) return state;
  const run: RunView = {
    ...state.run,
    phase: event.outcome,
    wallS: event.wallS,
    remainingS: null,
    hasReport: event.reportFile !== null,
  };
  const finished = { ...state, run };
  if (event.outcome === 'done' && event.message === null) return finished;
  if (event.outcome === 'stopped' && event.message === null) return finished;
  return addNotice(finished, {
    key: 'run',
    severity: event.outcome === 'failed' ? 'error' : 'warning',
    text: `Run ${event.outcome}: ${event.message ?? 'the host gave no reason'}`,
    offerRestart: false,
  });
}

function reduceHostState(state: ViewState, host: HostState): ViewState {
  const next = { ...state, host };
  const cause = host.message ?? '';
  switch (host.phase) {
    case 'silent':
      return addNotice(next, hostNotice('warning', `${cause} What the window shows may be old.`));
    case 'ended':
      return addNotice(loseRun(next, cause), hostNotice('error', `${cause} It is being restarted.`));
    case 'failed':
      return addNotice(loseRun(next, cause), {
        ...hostNotice('error', `${cause} It was restarted ${host.restarts} times and is left off now.`),
        offerRestart: true,
      });
    case 'ready': {
      const before = state.notices.find((notice) => notice.key === 'host');
      if (!before) return next;
      // A silence that has passed needs no more words; a restart does, until the user has seen it.
      if (before.severity === 'warning') return dismissNotice(next, 'host');
      const outcome = 'It has been restarted. Nothing was resumed; nothing transmits until you start a run.';
      return addNotice(next, hostNotice('error', `${state.hostFailure ?? ''} ${outcome}`));
    }
    case 'starting':
    case 'busy':
    case 'stopping':
      return next;
  }
}

function loseRun(state: ViewState, hostFailure: string): ViewState {
  const idle = { ...endSearch(state), hostFailure, startPending: false };
  return isRunning(state) && state.run
    ? { ...idle, run: { ...state.run, phase: 'lost', questionsPerSecond: 0, remainingS: null } }
    : idle;
}

function hostNotice(severity: Notice['severity'], text: string): Omit<Notice, 'count'> {
  return { key: 'host', severity, text: text.trim(), offerRestart: false };
}

function addNotice(state: ViewState, notice: Omit<Notice, 'count'>): ViewState {
  const before = state.notices.find((other) => other.key === notice.key);
  const counts = notice.key === 'refused' || before?.text === notice.text;
  const added: Notice = { ...notice, count: before && counts && notice.key !== 'host' ? before.count + 1 : 1 };
  const notices = before
    ? state.notices.map((other) => (other === before ? added : other))
    : [...state.notices, added].slice(-NOTICES_SHOWN);
  return { ...state, notices };
}

function mergePoint(points: readonly PointView[], added: PointView): readonly PointView[] {
  const key = pointKey(added.point.arm, added.point);
  const sameKey = (other: PointView): boolean => pointKey(other.point.arm, other.point) === key;
  if (points.some(sameKey)) return points.map((other) => (sameKey(other) ? added : other));
  // Arms in the order in which they came, points ascending within an arm.
  const arms = [...new Set([...points, added].map(({ point }) => point.arm))];
  return [...points, added].sort(
    (a, b) => arms.indexOf(a.point.arm) - arms.indexOf(b.point.arm) || comparePlaces(a.point, b.point),
  );
}
