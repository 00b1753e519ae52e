/** The host behind the typed channel: takes commands, runs one experiment at a time, tells what happens. */
import path from 'node:path';
import type { PointSummary } from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import { hostCommandSchema, type HostCommand, type HostEvent, type Point } from '../ipc/host-messages';
import type { ResultsMessage, ResultsQuery, ResultsReply } from '../ipc/results-messages';
import { LiveFeed } from './live-feed';
import { ResultsThread } from './results-thread';
import { runExperiment, type HostParts } from './run';
import { placeOf, pointKey } from '../units/place';

const HEARTBEAT_MS = 250;

/** Loading and verifying a bundle holds the only thread for a moment. */
const LOADING_S = 20;

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
  private current: { readonly abort: AbortController; readonly ended: Promise<void> } | null = null;
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
    if (command.type === 'start-run') this.start(command.experimentFile);
    else if (command.type === 'stop-run') this.current?.abort.abort();
    else if (command.type === 'find-radios') void this.findRadios();
    else if (command.type === 'inspect-radio') void this.inspectRadio(command);
    else if (command.type === 'shutdown') void this.shutdown();
    else if (command.type === 'query-results') void this.answer(command.id, command.query, window ?? this.control);
    else if (command.type === 'export-results' || command.type === 'make-report') this.doTask(command, window);
    else if (window !== null && command.type === 'watch-live') this.live.watch(window, command.on);
    else if (window !== null && command.type === 'live-drawn') this.live.drawn(window);
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

  private start(experimentFile: string): void {
    if (this.current !== null) {
      this.tell({ type: 'error', message: 'start-run: a run goes on; allowed once it has ended' });
      return;
    }
    const abort = new AbortController();
    const ended = this.runOne(experimentFile, abort.signal).finally(() => {
      this.current = null;
    });
    this.current = { abort, ended };
  }

  private async runOne(experimentFile: string, signal: AbortSignal): Promise<void> {
    let run = '';
    this.live.begin();
    this.control.post({ type: 'busy', what: 'loading the model', expectedS: LOADING_S });
    try {
      const parts = await this.loadParts();
      const end = await runExperiment(
        { file: path.resolve(experimentFile), out: null, resume: false },
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
      );
      const { outcome, message, wallS } = end.stop;
      const { reportFile } = end;
      this.tell({ type: 'run-finished', run, outcome, message, reportFile, wallS });
    } catch (error) {
      const lines = error instanceof InvalidInputError ? error.lines : [(error as Error).message];
      if (run !== '') {
        const message = lines.join('; ');
        this.tell({ type: 'run-finished', run, outcome: 'failed', message, reportFile: null, wallS: 0 });
      } else for (const message of lines) this.tell({ type: 'error', message });
    }
  }
}
