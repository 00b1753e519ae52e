/** The host behind the typed channel: takes commands, runs one experiment at a time, tells what happens. */
import path from 'node:path';
import type { PointSummary } from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import { describeForm } from '../experiment/form';
import { hostCommandSchema, type HostCommand, type HostEvent, type Point } from '../ipc/host-messages';
import type { ResultsMessage, ResultsQuery, ResultsReply } from '../ipc/results-messages';
import { LiveFeed } from './live-feed';
import { PauseGate } from './pause-gate';
import { PlanChecker } from './plan-checker';
import { ResultsThread } from './results-thread';
import { runExperiment, type HostParts } from './run';
import { placeOf, pointKey } from '../units/place';

const HEARTBEAT_MS = 250;

/** Loading and verifying a bundle holds the only thread for a moment. */
const LOADING_S = 20;

type StartCommand = Extract<HostCommand, { type: 'start-run' }>;

export interface HostChannel {
  post(event: HostEvent | ResultsMessage): void;
}

/** Where run folders land when an experiment names no other folder. */
const RUNS_FOLDER = 'runs';

/** The row as the channel's contract has it, without what only the run folder keeps. */
export function pointOf(summary: PointSummary): Point {
  return {
    arm: summary.arm,
    ...placeOf(summary),
    measuredSnrDb: summary.measuredSnrDb,
    measuredSnrSdDb: summary.measuredSnrSdDb,
    trueSnrDb: summary.trueSnrDb,
    burstsSent: summary.burstsSent,
    burstsDetected: summary.burstsDetected,
    headersOk: summary.headersOk,
    questions: summary.questions,
    accuracy: summary.accuracy,
    accuracyLow: summary.accuracyLow,
    accuracyHigh: summary.accuracyHigh,
    awgnAccuracy: summary.awgnAccuracy,
    blindAccuracy: summary.blindAccuracy,
  };
}

export class HostService {
  private readonly windows = new Set<HostChannel>();
  /** Newest event of each kind of the newest run, for a window that comes late. */
  private replay = new Map<string, HostEvent>();
  private current: {
    readonly abort: AbortController;
    readonly pause: PauseGate;
    readonly ended: Promise<void>;
  } | null = null;
  private readonly checker: PlanChecker;
  private readonly heartbeat: NodeJS.Timeout;
  private readonly results = new ResultsThread(path.resolve(RUNS_FOLDER));
  private readonly live = new LiveFeed((event) => this.tellWindows(event));

  /**
   * @param control whoever started this process; hears everything
   * @param loadParts implementations, loaded with the first run
   */
  constructor(
    private readonly version: string,
    private readonly control: HostChannel,
    private readonly loadParts: () => Promise<HostParts>,
    private readonly exit: (code: number) => void,
  ) {
    this.checker = new PlanChecker(
      loadParts,
      () => this.current !== null,
      (event) => this.tellWindows(event),
    );
    this.control.post(this.readyEvent());
    this.heartbeat = setInterval(() => this.control.post({ type: 'heartbeat', sentAtMs: Date.now() }), HEARTBEAT_MS);
  }

  /** A window hears everything but heartbeats, and first what it missed of the newest run. */
  attach(window: HostChannel): void {
    this.windows.add(window);
    window.post(this.readyEvent());
    for (const event of this.replay.values()) window.post(event);
    this.live.attach(window);
  }

  detach(window: HostChannel): void {
    this.windows.delete(window);
    this.live.detach(window);
  }

  /**
   * A message as it came in; what is not a command is refused and changes nothing.
   * @param window whose live channel it came on; null: the control channel
   */
  obey(message: unknown, window: HostChannel | null = null): void {
    const parsed = hostCommandSchema.safeParse(message);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const field = issue?.path.join('.') ?? '';
      this.tell({
        type: 'error',
        message: `command refused: ${field === '' ? '' : `${field}: `}${issue?.message ?? ''}`,
      });
      return;
    }
    const command = parsed.data;
    switch (command.type) {
      case 'start-run':
        return this.start(command);
      case 'stop-run':
        return this.current?.abort.abort();
      case 'pause-run':
        return this.current?.pause.shut();
      case 'continue-run':
        return this.current?.pause.open();
      case 'find-radios':
        return void this.findRadios();
      case 'inspect-radio':
        return void this.inspectRadio(command);
      case 'query-results':
        return void this.answer(command.id, command.query, window ?? this.control);
      case 'export-results':
      case 'make-report':
        return this.doTask(command, window);
      case 'watch-live':
        return window === null ? undefined : this.live.watch(window, command.on);
      case 'live-drawn':
        return window === null ? undefined : this.live.drawn(window);
      case 'check-plan':
        return this.checker.check(command);
      case 'describe-form':
        return this.tellWindows({ type: 'form-described', sections: describeForm() });
      case 'shutdown':
        return void this.shutdown();
      case 'attach-window':
        return;
    }
  }

  /** Ends the run cleanly, then the process. */
  async shutdown(): Promise<void> {
    this.current?.abort.abort();
    await this.current?.ended;
    clearInterval(this.heartbeat);
    await this.results.close();
    this.exit(0);
  }

  private readyEvent(): HostEvent {
    return { type: 'ready', version: this.version, pid: process.pid };
  }

  private tell(event: HostEvent): void {
    if (event.type === 'run-started') this.replay = new Map();
    if ('run' in event)
      this.replay.set(event.type === 'point' ? `point ${pointKey(event.point.arm, event.point)}` : event.type, event);
    this.control.post(event);
    this.tellWindows(event);
  }

  private tellWindows(event: HostEvent): void {
    for (const window of this.windows) window.post(event);
  }

  private async answer(id: number, query: ResultsQuery, to: HostChannel): Promise<void> {
    const reply = await this.results
      .ask({ call: 'query', query })
      .catch((error: unknown): ResultsReply => ({ kind: 'error', message: (error as Error).message }));
    to.post({ type: 'results', id, reply });
  }

  /** Work that ends in a file. Only main names files. */
  private doTask(
    command: Extract<HostCommand, { type: 'export-results' | 'make-report' }>,
    window: HostChannel | null,
  ): void {
    if (window !== null) {
      this.tell({ type: 'error', message: `${command.type}: refused from a window; allowed from the main process` });
      return;
    }
    const { id } = command;
    const work =
      command.type === 'make-report'
        ? this.results.ask({ call: 'report', run: command.run })
        : this.results.ask({ call: 'export', request: command.request, file: command.file }).then(() => command.file);
    work.then(
      (file) => this.control.post({ type: 'task-done', id, file, error: null }),
      (error: unknown) => this.control.post({ type: 'task-done', id, file: null, error: (error as Error).message }),
    );
  }

  private async findRadios(): Promise<void> {
    if (this.current !== null) {
      this.tell({ type: 'error', message: 'find-radios: a run has the radios; allowed once it has ended' });
      return;
    }
    try {
      const { radios, failures } = await (await this.loadParts()).findRadios();
      this.tell({ type: 'radios-found', radios: [...radios], failures: [...failures] });
    } catch (error) {
      this.tell({ type: 'error', message: `find-radios: ${(error as Error).message}` });
    }
  }

  private async inspectRadio({ driver, serial }: { driver: string; serial: string }): Promise<void> {
    if (this.current !== null) {
      this.tell({ type: 'error', message: 'inspect-radio: a run has the radios; allowed once it has ended' });
      return;
    }
    try {
      const { details, health } = await (await this.loadParts()).inspectRadio({ driver, serial });
      this.live.addDetails([details]);
      this.tellWindows({ type: 'health', radios: [health], events: [], eventsLeftOut: 0 });
    } catch (error) {
      this.tell({ type: 'error', message: `inspect-radio: ${(error as Error).message}` });
    }
  }

  private start(command: StartCommand): void {
    if (this.current !== null) {
      this.tell({ type: 'error', message: 'start-run: a run goes on; allowed once it has ended' });
      return;
    }
    const abort = new AbortController();
    const pause = new PauseGate();
    const ended = this.runOne(command, abort.signal, pause).then((last) => {
      // Before its end is told: whoever hears of it may start the next.
      this.current = null;
      for (const event of last) this.tell(event);
    });
    this.current = { abort, pause, ended };
  }

  /** @returns what is to be said when it is over */
  private async runOne(command: StartCommand, signal: AbortSignal, pause: PauseGate): Promise<HostEvent[]> {
    const { experimentFile, text, resume = false } = command;
    let run = '';
    this.live.begin();
    this.control.post({ type: 'busy', what: 'loading the model', expectedS: LOADING_S });
    try {
      await this.checker.release();
      const parts = await this.loadParts();
      const end = await runExperiment(
        { file: path.resolve(experimentFile), written: text ?? null, out: null, resume },
        parts,
        {
          started: (started) => {
            run = path.basename(started.folder);
            const { name, trialsTotal, radios, simulated, radioPids } = started;
            this.tell({
              type: 'run-started',
              run,
              name,
              trialsTotal,
              radios: [...radios],
              simulated,
              radioPids: [...radioPids],
            });
          },
          benchOpened: (bench) => this.live.add(bench),
          progress: (progress) => this.tell({ type: 'progress', run, ...progress }),
          point: (point, complete) => this.tell({ type: 'point', run, complete, point: pointOf(point) }),
        },
        signal,
        pause,
      );
      const { outcome, message, wallS } = end.stop;
      const { reportFile } = end;
      return [{ type: 'run-finished', run, outcome, message, reportFile, wallS }];
    } catch (error) {
      const lines = error instanceof InvalidInputError ? error.lines : [(error as Error).message];
      if (run === '') return lines.map((message) => ({ type: 'error', message }));
      const message = lines.join('; ');
      return [{ type: 'run-finished', run, outcome: 'failed', message, reportFile: null, wallS: 0 }];
    }
  }
}
