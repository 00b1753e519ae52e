/** Header and run strip: host, transmitter, simulated mark, buttons, progress. */
import { count, duration } from './format';
import { create, part, setText } from './page';
import { hostAnswers, isComputingOnly, isRunning, type RunView, type ViewState } from './state';

const HOST_TEXTS: Readonly<Record<ViewState['host']['phase'], string>> = {
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

export class RunStrip {
  private readonly host = part('host', HTMLParagraphElement);
  private readonly hostText = part('host-text', HTMLSpanElement);
  private readonly simulated = part('simulated', HTMLParagraphElement);
  private readonly transmit = part('transmit', HTMLParagraphElement);
  private readonly transmitText = part('transmit-text', HTMLSpanElement);
  private readonly name = part('run-name', HTMLParagraphElement);
  private readonly progress = part('progress', HTMLProgressElement);
  private readonly trials = part('figure-trials', HTMLElement);
  private readonly rate = part('figure-rate', HTMLElement);
  private readonly timeLabel = part('figure-time-label', HTMLElement);
  private readonly time = part('figure-time', HTMLElement);
  private readonly radios = part('radios', HTMLDivElement);
  private readonly radioList = part('radio-list', HTMLUListElement);
  private readonly trueHeader = part('true-header', HTMLTableCellElement);
  private shownRadios: RunView['radios'] | null = null;
  readonly start = part('start', HTMLButtonElement);
  readonly stop = part('stop', HTMLButtonElement);
  readonly openReport = part('open-report', HTMLButtonElement);

  draw(state: ViewState): void {
    const { run, host } = state;
    this.host.dataset['phase'] = host.phase;
    setText(this.hostText, HOST_TEXTS[host.phase]);
    this.host.title = [
      state.hostVersion && `version ${state.hostVersion}`,
      host.pid && `process ${host.pid}`,
      host.message,
    ]
      .filter(Boolean)
      .join(', ');
    this.simulated.hidden = !run?.simulated;
    this.drawTransmitter(state);
    this.start.disabled = !hostAnswers(state) || isRunning(state) || state.startPending;
    this.stop.disabled = run?.phase !== 'running' || !hostAnswers(state);
    this.openReport.disabled = !run?.hasReport;
    this.drawProgress(state);
    this.drawRadios(run);
    setText(this.trueHeader, run && !run.simulated ? 'True' : 'True (twins)');
  }

  private drawTransmitter(state: ViewState): void {
    const air = state.run?.simulated ? ', simulated air' : '';
    const { phase } = state.host;
    if (isRunning(state) && phase === 'silent') this.setTransmitter('unknown', 'Transmitter not known');
    else if (isRunning(state) && !isComputingOnly(state)) this.setTransmitter('on', `TRANSMITTING${air}`);
    else this.setTransmitter('off', 'Transmitter off');
  }

  private setTransmitter(on: 'on' | 'off' | 'unknown', text: string): void {
    this.transmit.dataset['on'] = on;
    setText(this.transmitText, text);
  }

  private drawProgress(state: ViewState): void {
    const { run } = state;
    setText(
      this.name,
      run
        ? `${run.name}: ${isComputingOnly(state) ? 'computing the AWGN references' : RUN_TEXTS[run.phase]}`
        : state.startPending
          ? 'Preparing a run'
          : 'No run yet',
    );
    this.progress.dataset['phase'] = run?.phase ?? 'none';
    // Without a value the bar says "working": all that is known while a run is prepared, and after its last trial.
    if (state.startPending || isComputingOnly(state)) this.progress.removeAttribute('value');
    else this.progress.value = run && run.trialsTotal > 0 ? run.trialsDone / run.trialsTotal : 0;
    if (!run) {
      for (const element of [this.trials, this.rate, this.time]) setText(element, '–');
      return;
    }
    const share = run.trialsTotal > 0 ? ` (${Math.floor((100 * run.trialsDone) / run.trialsTotal)} %)` : '';
    setText(this.trials, `${count(run.trialsDone)} of ${count(run.trialsTotal)}${share}`);
    setText(this.rate, run.questionsPerSecond > 0 ? `${run.questionsPerSecond.toFixed(0)} questions/s` : '–');
    setText(this.timeLabel, run.wallS === null ? 'Time left' : 'Time taken');
    setText(this.time, duration(run.wallS ?? run.remainingS));
  }

  private drawRadios(run: RunView | null): void {
    this.radios.hidden = !run || run.radios.length === 0;
    if (!run || run.radios === this.shownRadios) return;
    this.shownRadios = run.radios;
    this.radioList.replaceChildren(
      ...run.radios.map(({ role, serial, driver }) => {
        const item = create('li');
        item.append(create('strong', '', role), create('span', 'serial', serial), create('span', 'driver', driver));
        return item;
      }),
    );
  }
}
