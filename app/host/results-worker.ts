/**
 * The thread that reads run folders for the Results view. Reading a thousand of them takes longer than a radio process
 * waits for its host (500 ms), so the host's own thread never does. Spoken to by results-thread.ts alone.
 */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { ExportRequest, ResultsQuery, ResultsReply } from '../ipc/results-messages';
import { exportChart, exportTrials } from '../report/results-export';
import { writeReport } from '../report/report';
import { runFiles } from '../store/layout';
import { ResultsService } from './results-service';

export type ResultsCall =
  | { readonly call: 'query'; readonly query: ResultsQuery }
  | { readonly call: 'export'; readonly request: ExportRequest; readonly file: string }
  | { readonly call: 'report'; readonly run: string };

export interface ResultsAnswers {
  readonly query: ResultsReply;
  readonly export: null;
  /** The report's file. */
  readonly report: string;
}

export type ResultsRequest = ResultsCall & { readonly id: number };
export type ResultsWorkerReply =
  | { readonly id: number; readonly result: ResultsAnswers[ResultsCall['call']] }
  | { readonly id: number; readonly failure: string };

async function perform(service: ResultsService, request: ResultsRequest): Promise<ResultsAnswers[ResultsCall['call']]> {
  if (request.call === 'query') return service.answer(request.query);
  if (request.call === 'report') return freshReport(service.folderOf(request.run));
  const { request: wanted, file } = request;
  if (wanted.what === 'chart') await exportChart(service.connection, await service.chart(wanted), wanted.format, file);
  else {
    const source = await service.sources.of(service.folderOf(wanted.run));
    await exportTrials(service.connection, source, wanted.format, file);
  }
  return null;
}

/** Made anew where trials were recorded after it. */
async function freshReport(folder: string): Promise<string> {
  const { trials, report } = runFiles(folder);
  const file = path.join(report, 'index.html');
  const recordedMs = statSync(trials, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return existsSync(file) && statSync(file).mtimeMs >= recordedMs ? file : writeReport(folder);
}

async function serve(port: NonNullable<typeof parentPort>, parent: string): Promise<void> {
  const service = await ResultsService.open(parent);
  // One after the other: answers come in the order of the questions, and one query at a time has all of DuckDB's threads.
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: ResultsRequest) => {
    last = last.then(async () => {
      const { id } = request;
      try {
        port.postMessage({ id, result: await perform(service, request) } satisfies ResultsWorkerReply);
      } catch (error) {
        port.postMessage({ id, failure: (error as Error).message } satisfies ResultsWorkerReply);
      }
    });
  });
}

if (parentPort !== null) void serve(parentPort, (workerData as { readonly parent: string }).parent);
