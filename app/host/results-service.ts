/** Answers the Results view's questions from a folder of runs; runs in a thread of its own (results-worker.ts). */
import path from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { RunDocument } from '../config/run-documents';
import { InvalidInputError } from '../config/violations';
import type {
  ChartModel,
  ChartRequest,
  CompareReply,
  ListQuery,
  ListReply,
  ReplyTo,
  ResultsQuery,
  ResultsReply,
  RunReply,
  RunSummary,
  TrialsQuery,
} from '../ipc/results-messages';
import { openDatabase } from '../store/parquet';
import { accuracyModel, fitted, lossModel, type ChartRun } from '../store/result-charts';
import { compareRuns } from '../store/run-comparison';
import { RunIndex } from '../store/run-index';
import { writeNotes } from '../store/run-notes';
import { readReferences, readRunDocument } from '../store/run-reader';
import { TrialQueries } from '../store/trial-queries';
import { TrialSources } from '../store/trial-source';
import { wilsonInterval } from '../units/statistics';
import { runFacts } from './run-facts';
import { SampleShelf } from './sample-shelf';
import { trialReply } from './trial-reply';

export class ResultsService {
  private readonly index: RunIndex;
  private readonly samples = new SampleShelf();

  private constructor(
    private readonly parent: string,
    readonly connection: DuckDBConnection,
    readonly sources: TrialSources,
    private readonly queries: TrialQueries,
  ) {
    this.index = new RunIndex(parent);
  }

  /** @param parent the runs folder; it may be missing */
  static async open(parent: string): Promise<ResultsService> {
    const connection = await (await openDatabase()).connect();
    return new ResultsService(
      path.resolve(parent),
      connection,
      new TrialSources(connection),
      new TrialQueries(connection),
    );
  }

  /** Never rejects: what cannot be answered is said. */
  async answer(query: ResultsQuery): Promise<ResultsReply> {
    try {
      return await this.answerTo(query);
    } catch (error) {
      const message = error instanceof InvalidInputError ? error.lines.join('; ') : (error as Error).message;
      return { kind: 'error', message: message.replaceAll(/\s*\n\s*/g, ' ') };
    }
  }

  private async answerTo(query: ResultsQuery): Promise<ResultsReply> {
    switch (query.kind) {
      case 'list':
        return this.list(query);
      case 'chart':
        return this.chartReply(query);
      case 'compare':
        return this.compare(query.first, query.second);
      case 'trials':
        return this.trials(query);
      case 'trial':
        return this.trial(query.run, query.id);
      case 'run':
        return this.run(query.run);
      case 'annotate':
        return this.annotate(query);
    }
  }

  /** @throws InvalidInputError when there is no such run */
  folderOf(run: string): string {
    return path.join(this.parent, this.index.summary(run).run);
  }

  private async list(query: ListQuery): Promise<ListReply> {
    const startMs = performance.now();
    const all = await this.index.summaries();
    const tags = new Map<string, number>();
    for (const summary of all) for (const tag of summary.tags) tags.set(tag, (tags.get(tag) ?? 0) + 1);
    const words = query.words.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter(
      (summary) =>
        (query.state === null || summary.state === query.state) &&
        (query.tag === null || summary.tags.includes(query.tag)) &&
        words.every((word) => textOf(summary).includes(word)),
    );
    found.sort(orderOf(query));
    return {
      kind: 'list',
      folder: this.parent,
      runs: all.length,
      matching: found.length,
      rows: found.slice(query.offset, query.offset + query.limit),
      tags: [...tags].map(([tag, runs]) => ({ tag, runs })).sort((a, b) => a.tag.localeCompare(b.tag)),
      tookMs: performance.now() - startMs,
    };
  }

  private async chartReply(request: ChartRequest): Promise<ReplyTo<'chart'>> {
    const startMs = performance.now();
    const model = await this.chart(request);
    return { kind: 'chart', model, tookMs: performance.now() - startMs };
  }

  async chart({ chart, fit, runs }: ChartRequest): Promise<ChartModel> {
    const parts: ChartRun[] = [];
    const missing: string[] = [];
    for (const run of new Set(runs))
      try {
        parts.push(await this.chartRun(run));
      } catch (error) {
        // A run that cannot be read hides no other.
        const reason = error instanceof InvalidInputError ? error.lines.join('; ') : (error as Error).message;
        missing.push(`${run}: ${reason}`);
      }
    const whole = chart === 'accuracy' ? accuracyModel(parts) : lossModel(parts);
    const model = fit ? fitted(whole) : whole;
    return { ...model, missing: [...model.missing, ...missing] };
  }

  private async chartRun(run: string): Promise<ChartRun> {
    const folder = this.folderOf(run);
    const document = readRunDocument(folder);
    return {
      run,
      label: `${document.name} ${shortTime(document.startedAt)}`,
      simulated: document.simulated,
      blind: document.plan.blindAccuracy,
      figures: await this.queries.points(await this.sources.of(folder)),
      references: readReferences(folder),
    };
  }

  private async compare(first: string, second: string): Promise<CompareReply> {
    const load = async (run: string): Promise<{ run: string; document: RunDocument; source: string }> => {
      const folder = this.folderOf(run);
      return { run, document: readRunDocument(folder), source: await this.sources.of(folder) };
    };
    return compareRuns(this.queries, await load(first), await load(second));
  }

  private async trials(query: TrialsQuery): Promise<ReplyTo<'trials'>> {
    const { point } = query;
    const folder = this.folderOf(point.run);
    const document = readRunDocument(folder);
    const source = await this.sources.of(folder);
    const { matching, rows } = await this.queries.trials(source, query);
    const { samples } = await this.samples.of(document);
    const figures = (await this.queries.points(source)).find(
      (one) =>
        one.arm === point.arm &&
        one.requestedSnrDb === point.requestedSnrDb &&
        one.bandwidthHz === point.bandwidthHz &&
        one.powerDb === point.powerDb,
    );
    const { questions = 0, correct = 0, invalid = 0 } = figures ?? {};
    return {
      kind: 'trials',
      matching,
      rows: rows.map((row) => ({ ...row, words: samples?.question(row.question)?.words ?? null })),
      summary:
        questions === 0
          ? null
          : {
              arm: point.arm,
              requestedSnrDb: point.requestedSnrDb,
              bandwidthHz: point.bandwidthHz,
              powerDb: point.powerDb,
              accuracy: correct / questions,
              ...wilsonInterval(correct, questions),
              questions,
              blind: document.plan.blindAccuracy,
            },
      invalid,
      families: await this.queries.families(source, point),
      simulated: document.simulated,
    };
  }

  private async trial(run: string, id: string): Promise<ReplyTo<'trial'>> {
    const folder = this.folderOf(run);
    const document = readRunDocument(folder);
    const found = await this.queries.trial(await this.sources.of(folder), id);
    if (found === null) throw new InvalidInputError([`trial: ${run} holds no trial ${id}; allowed one of its trials`]);
    const channel = await this.queries.channel(folder, id);
    return trialReply(folder, document, found, channel, await this.samples.of(document));
  }

  private run(run: string): RunReply {
    const summary = this.index.summary(run);
    return { kind: 'run', summary, facts: runFacts(path.join(this.parent, run)) };
  }

  private async annotate({ run, tags, note }: Extract<ResultsQuery, { kind: 'annotate' }>): Promise<RunReply> {
    await writeNotes(this.folderOf(run), { tags, note });
    return this.run(run);
  }
}

/** What the words of a filter are looked for in. */
function textOf({ run, name, bundle, arms, tags, note }: RunSummary): string {
  return [run, name ?? '', bundle ?? '', ...arms, ...tags, note].join(' ').toLowerCase();
}

function orderOf({ order, descending }: ListQuery): (a: RunSummary, b: RunSummary) => number {
  const key = (summary: RunSummary): string | number => {
    switch (order) {
      case 'started':
        return summary.startedAt ?? '';
      case 'name':
        return (summary.name ?? summary.run).toLowerCase();
      case 'state':
        return summary.state;
      case 'trials':
        return summary.trialsDone ?? -1;
      case 'accuracy':
        return summary.top?.accuracy ?? -1;
    }
  };
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x !== y) return x < y ? -sign : sign;
    return a.run < b.run ? -sign : sign;
  };
}

/** "11-23 20:44" of an ISO time, local. */
function shortTime(iso: string): string {
  const when = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(when.getMonth() + 1)}-${two(when.getDate())} ${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
}
