/** What every view shows: host, simulated or not, transmitter, stop; the way between views; the run's progress. */
import type { ReactElement } from 'react';
import type { HostState } from '../ipc/desktop-messages';
import { useActions } from './actions';
import { experimentName } from './experiment/editor-state';
import { count, duration } from './format';
import {
  hostAnswers,
  isComputingOnly,
  isResumable,
  isRunning,
  VIEW_NAMES,
  type RunView,
  type ViewName,
  type ViewState,
} from './state';

const HOST_TEXTS: Readonly<Record<HostState['phase'], string>> = {
  starting: 'Host starting',
  ready: 'Host ready',
  busy: 'Host busy',
  silent: 'Host silent',
  ended: 'Host restarting',
  failed: 'Host off',
  stopping: 'Host stopping',
};

const RUN_TEXTS: Readonly<Record<RunView['phase'], string>> = {
  running: 'running',
  stopping: 'stopping',
  done: 'done',
  stopped: 'stopped',
  failed: 'failed',
  lost: 'lost with the host',
};

function phaseText({ phase, pause }: RunView): string {
  if (phase !== 'running' || pause === 'no') return RUN_TEXTS[phase];
  return pause === 'paused' ? 'paused' : 'pausing, trials on the air are finished';
}

function transmitter(state: ViewState): { on: 'on' | 'off' | 'unknown'; text: string } {
  if (!isRunning(state)) return { on: 'off', text: 'Transmitter off' };
  if (state.host.phase === 'silent') return { on: 'unknown', text: 'Transmitter not known' };
  if (state.run?.pause === 'paused') return { on: 'off', text: 'Transmitter silent, paused' };
  if (!state.run?.transmitting) return { on: 'off', text: 'Transmitter silent, answering' };
  return { on: 'on', text: `TRANSMITTING${state.run.simulated ? ', simulated air' : ''}` };
}

export function Header({ state, escapeHeld }: { state: ViewState; escapeHeld: boolean }): ReactElement {
  const { stopEverything } = useActions();
  const { run, host } = state;
  const details = [
    state.hostVersion && `version ${state.hostVersion}`,
    host.pid && `process ${host.pid}`,
    host.message,
  ];
  const { on, text } = transmitter(state);
  return (
    <header className="bar">
      <h1 className="brand">otabench</h1>
      <p
        className="chip host"
        id="host"
        data-phase={host.phase}
        role="status"
        title={details.filter(Boolean).join(', ')}
      >
        <span className="dot" aria-hidden="true" />
        <span id="host-text">{HOST_TEXTS[host.phase]}</span>
      </p>
      {run?.simulated ? (
        <p className="chip simulated" id="simulated">
          SIMULATED RADIOS (twins)
        </p>
      ) : null}
      <p className="chip transmit" id="transmit" data-on={on} role="status">
        <span className="dot" aria-hidden="true" />
        <span>{text}</span>
      </p>
      <button
        type="button"
        className={`stop${escapeHeld ? ' held' : ''}`}
        id="stop-everything"
        title="Silences every transmitter at once. Also: hold Escape"
        onClick={stopEverything}
      >
        Stop everything <kbd>Esc</kbd>
      </button>
    </header>
  );
}

export function Navigation({ state }: { state: ViewState }): ReactElement {
  const { show, start, stop, pause, continue: goOn, resume, openReport } = useActions();
  const { run, view } = state;
  return (
    <nav className="views" aria-label="Views">
      {Object.entries(VIEW_NAMES).map(([name, title]) => (
        <button
          key={name}
          type="button"
          id={`view-${name}`}
          aria-current={name === view ? 'page' : undefined}
          onClick={() => show(name as ViewName)}
        >
          {title}
        </button>
      ))}
      <div className="actions">
        <button
          type="button"
          className="primary"
          id="start"
          disabled={!hostAnswers(state) || isRunning(state) || state.startPending}
          onClick={start}
        >
          Start {experimentName(state.editor)}
        </button>
        {isResumable(state) ? (
          <button
            type="button"
            id="resume"
            disabled={!hostAnswers(state) || state.startPending}
            title="Does what the run has not done yet, in the same run folder"
            onClick={resume}
          >
            Resume
          </button>
        ) : null}
        <button
          type="button"
          id="pause"
          disabled={run?.phase !== 'running' || run.work === 'references' || !hostAnswers(state)}
          title="Paused, no trial is handed to a radio, and nothing is sent"
          onClick={run?.pause === 'no' ? pause : goOn}
        >
          {run?.phase === 'running' && run.pause !== 'no' ? 'Continue' : 'Pause'}
        </button>
        <button type="button" id="stop" disabled={run?.phase !== 'running' || !hostAnswers(state)} onClick={stop}>
          Stop
        </button>
        <button type="button" id="open-report" disabled={!run?.hasReport} onClick={openReport}>
          Open report
        </button>
      </div>
    </nav>
  );
}

export function RunStrip({ state }: { state: ViewState }): ReactElement {
  const { run } = state;
  const computing = isComputingOnly(state);
  const name = run
    ? `${run.name}: ${computing ? 'computing the AWGN references' : phaseText(run)}`
    : state.startPending
      ? 'Preparing a run'
      : 'No run yet';
  const share = run && run.trialsTotal > 0 ? run.trialsDone / run.trialsTotal : 0;
  const trials = run
    ? `${count(run.trialsDone)} of ${count(run.trialsTotal)}${run.trialsTotal > 0 ? ` (${Math.floor(100 * share)} %)` : ''}`
    : '–';
  const rate = run && run.questionsPerSecond > 0 ? `${run.questionsPerSecond.toFixed(0)} questions/s` : '–';
  return (
    <section className="run" aria-label="Run">
      <p className="run-name" id="run-name">
        {name}
      </p>
      {/* Without a value the bar says "working": all that is known while a run is prepared, and after its last trial. */}
      <progress
        id="progress"
        max={1}
        value={state.startPending || computing ? undefined : share}
        data-phase={run?.phase ?? 'none'}
        aria-label="Trials done"
      />
      <dl className="figures">
        <Figure label="Trials" value={trials} />
        <Figure label="Rate" value={rate} />
        <Figure
          label={run === null || run.wallS === null ? 'Time left' : 'Time taken'}
          value={run ? duration(run.wallS ?? run.remainingS) : '–'}
        />
      </dl>
    </section>
  );
}

function Figure({ label, value }: { label: string; value: string }): ReactElement {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
