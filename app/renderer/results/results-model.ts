/** What the Results view knows and asks. Answers that were overtaken by a newer question are dropped. */
import type { OtabenchApi } from '../../ipc/desktop-api';
import type {
  ChartModel,
  CompareReply,
  ExportRequest,
  ListQuery,
  ListReply,
  PointKey,
  ReplyTo,
  ResultsQuery,
  RunReply,
  TrialReply,
  TrialsQuery,
  TrialsReply,
} from '../../ipc/results-messages';
import { MOST_RUNS_IN_CHART, type ChartKind } from '../../ipc/results-words';

/** Something asked for: what is known of it stays while newer is on its way. */
export interface Asked<T> {
  readonly loading: boolean;
  readonly value: T | null;
  readonly error: string | null;
}
const NOTHING = { loading: false, value: null, error: null } as const;

export const PANES = { chart: 'Chart', compare: 'Compare', run: 'Run', trial: 'Trial' } as const;
export type Pane = keyof typeof PANES;

/** Rows of a page of runs, or of trials. */
export const PAGE_ROWS = 100;

export interface ResultsState {
  readonly listQuery: ListQuery;
  readonly list: Asked<ListReply>;
  /** Runs in the chart, in the order in which they were chosen. */
  readonly chosen: readonly string[];
  readonly pane: Pane;
  readonly chartKind: ChartKind;
  /** The y axis shows the measured points and no more. */
  readonly fit: boolean;
  readonly chart: Asked<ChartModel>;
  readonly pair: readonly [string, string] | null;
  readonly compare: Asked<CompareReply>;
  readonly run: Asked<RunReply>;
  /** The point whose trials stand in place of the runs. */
  readonly point: PointKey | null;
  readonly trialsQuery: TrialsQuery | null;
  readonly trials: Asked<TrialsReply>;
  readonly trialId: string | null;
  readonly trial: Asked<TrialReply>;
  /** What was done last, for the user: a file that was written, a note that was saved. */
  readonly done: string | null;
}

export const initialResults: ResultsState = {
  listQuery: {
    kind: 'list',
    words: '',
    tag: null,
    state: null,
    order: 'started',
    descending: true,
    offset: 0,
    limit: PAGE_ROWS,
  },
  list: NOTHING,
  chosen: [],
  pane: 'chart',
  chartKind: 'accuracy',
  fit: false,
  chart: NOTHING,
  pair: null,
  compare: NOTHING,
  run: NOTHING,
  point: null,
  trialsQuery: null,
  trials: NOTHING,
  trialId: null,
  trial: NOTHING,
  done: null,
};

type Slot = 'list' | 'chart' | 'compare' | 'run' | 'trials' | 'trial';
type Api = Pick<OtabenchApi, 'queryResults' | 'exportResults' | 'openRunReport'>;

export class ResultsModel {
  private state = initialResults;
  private readonly listeners = new Set<() => void>();
  /** Number of the newest question of each slot. */
  private readonly newest = new Map<Slot, number>();

  /** @param attempt does something whose failure becomes a notice */
  constructor(
    private readonly api: Api,
    private readonly attempt: (action: () => Promise<void>) => void,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): ResultsState => this.state;

  /** Looks at the folders again, and at the chart if one of its runs still grows. */
  readonly refresh = async (): Promise<void> => {
    const reply = await this.ask('list', this.state.listQuery, (value) => value);
    if (reply === null) return;
    const growing = new Set(reply.rows.filter(({ state }) => state === 'running').map(({ run }) => run));
    if (this.state.chosen.length === 0 && this.state.point === null) {
      const newest = reply.rows.find(({ state }) => state !== 'unreadable');
      if (newest !== undefined) await this.chooseOnly(newest.run);
    } else if (this.state.chosen.some((run) => growing.has(run))) await this.loadPane();
  };

  readonly filter = (change: Partial<ListQuery>): Promise<void> => {
    this.set({ listQuery: { ...this.state.listQuery, offset: 0, ...change } });
    return this.refresh();
  };

  readonly chooseOnly = (run: string): Promise<void> => this.choose([run]);

  readonly toggle = (run: string): Promise<void> => {
    const { chosen } = this.state;
    const without = chosen.filter((one) => one !== run);
    if (without.length < chosen.length) return this.choose(without);
    if (chosen.length < MOST_RUNS_IN_CHART) return this.choose([...chosen, run]);
    this.set({ done: `A chart takes at most ${MOST_RUNS_IN_CHART} runs.` });
    return Promise.resolve();
  };

  readonly show = (pane: Pane): Promise<void> => {
    this.set({ pane });
    return this.loadPane();
  };

  readonly showChart = (chartKind: ChartKind): Promise<void> => {
    this.set({ chartKind, chart: NOTHING });
    return this.loadPane();
  };

  readonly fitChart = (fit: boolean): Promise<void> => {
    this.set({ fit });
    return this.loadPane();
  };

  readonly comparePair = (first: string, second: string): Promise<void> => {
    this.set({ pair: [first, second], compare: NOTHING });
    return this.loadPane();
  };

  readonly openPoint = (point: PointKey): Promise<void> => {
    const trialsQuery: TrialsQuery = {
      kind: 'trials',
      point,
      answers: 'all',
      family: null,
      order: 'index',
      offset: 0,
      limit: PAGE_ROWS,
    };
    this.set({ point, trialsQuery, trials: NOTHING, done: null });
    return this.loadTrials();
  };

  readonly closePoint = (): void => {
    const pane = this.state.pane === 'trial' ? 'chart' : this.state.pane;
    this.set({ point: null, trialsQuery: null, trials: NOTHING, trialId: null, trial: NOTHING, pane });
  };

  readonly filterTrials = (change: Partial<Omit<TrialsQuery, 'kind' | 'point'>>): Promise<void> => {
    if (this.state.trialsQuery === null) return Promise.resolve();
    this.set({ trialsQuery: { ...this.state.trialsQuery, offset: 0, ...change } });
    return this.loadTrials();
  };

  readonly openTrial = (trialId: string): Promise<void> => {
    this.set({ trialId, pane: 'trial' });
    return this.loadPane();
  };

  /** The trial before or after the open one, in the list as it stands. */
  neighbour(step: -1 | 1): string | null {
    const rows = this.state.trials.value?.rows ?? [];
    const at = rows.findIndex(({ id }) => id === this.state.trialId);
    return at === -1 ? null : (rows[at + step]?.id ?? null);
  }

  readonly annotate = async (run: string, tags: string[], note: string): Promise<void> => {
    const reply = await this.ask('run', { kind: 'annotate', run, tags, note }, (value) => value);
    if (reply === null) return;
    this.set({ done: 'Tags and note saved beside the run.' });
    await this.ask('list', this.state.listQuery, (value) => value);
  };

  readonly export = (request: ExportRequest): void =>
    this.attempt(async () => {
      const { file } = await this.api.exportResults(request);
      if (file !== null) this.set({ done: `Written: ${file}` });
    });

  readonly openReport = (run: string): void =>
    this.attempt(async () => {
      this.set({ done: 'The report is being made.' });
      try {
        await this.api.openRunReport(run);
      } finally {
        this.set({ done: null });
      }
    });

  private choose(chosen: readonly string[]): Promise<void> {
    const pair = this.state.pair?.every((run) => chosen.includes(run)) === true ? this.state.pair : null;
    const pane = this.state.pane === 'trial' ? 'chart' : this.state.pane;
    this.set({ chosen, pane, pair, run: NOTHING, compare: NOTHING, done: null });
    return this.loadPane();
  }

  private async loadPane(): Promise<void> {
    const { pane, chosen, chartKind, fit, point, trialId } = this.state;
    if (pane === 'trial') {
      if (point !== null && trialId !== null)
        await this.ask('trial', { kind: 'trial', run: point.run, id: trialId }, (value) => value);
      return;
    }
    const [first] = chosen;
    if (first === undefined) {
      this.set({ chart: NOTHING, compare: NOTHING, run: NOTHING });
      return;
    }
    if (pane === 'chart')
      await this.ask('chart', { kind: 'chart', chart: chartKind, fit, runs: [...chosen] }, ({ model }) => model);
    else if (pane === 'run') await this.ask('run', { kind: 'run', run: first }, (value) => value);
    else {
      const [one, other] = this.state.pair ?? [first, chosen[1] ?? first];
      await this.ask('compare', { kind: 'compare', first: one, second: other }, (value) => value);
    }
  }

  private async loadTrials(): Promise<void> {
    if (this.state.trialsQuery !== null) await this.ask('trials', this.state.trialsQuery, (value) => value);
  }

  /** Null when it was overtaken, or could not be answered. */
  private async ask<Kind extends ResultsQuery['kind'], T>(
    slot: Slot,
    query: Extract<ResultsQuery, { kind: Kind }>,
    valueOf: (reply: ReplyTo<Kind>) => T,
  ): Promise<T | null> {
    const number = (this.newest.get(slot) ?? 0) + 1;
    this.newest.set(slot, number);
    this.setSlot(slot, { loading: true });
    let outcome: { value: T | null; error: string | null };
    try {
      const reply = await this.api.queryResults(query);
      outcome =
        reply.kind === 'error'
          ? { value: null, error: reply.message }
          : { value: valueOf(reply as ReplyTo<Kind>), error: null };
    } catch (error) {
      outcome = { value: null, error: (error as Error).message };
    }
    if (this.newest.get(slot) !== number) return null;
    // What was known stays beside the error: old figures, said to be old, help more than none.
    this.setSlot(slot, {
      loading: false,
      error: outcome.error,
      ...(outcome.value === null ? {} : { value: outcome.value }),
    });
    return outcome.value;
  }

  private setSlot(slot: Slot, change: Partial<Asked<unknown>>): void {
    this.set({ [slot]: { ...this.state[slot], ...change } });
  }

  private set(change: Partial<ResultsState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}
