/** What the page can do: `window.otabench`. */
import type { DesktopSettings, ExportOutcome, WindowUpdate } from './desktop-messages';
import type { ExportRequest, ResultsQuery, ResultsReply } from './results-messages';

export interface OtabenchApi {
  /** One listener; what arrived before is delivered to it first. */
  onUpdate(listener: (update: WindowUpdate) => void): void;
  /** Tells main that the page listens. The live channel opens after it. */
  ready(): Promise<DesktopSettings>;
  /** @throws Error when there is no host. */
  startRun(experimentFile: string): void;
  /** @throws Error when there is no host. */
  stopRun(): void;
  /** Answered with a `radios-found` event. @throws Error when there is no host. */
  findRadios(): void;
  /** Answered with `radio-details` and `health`. @throws Error when there is no host. */
  inspectRadio(driver: string, serial: string): void;
  /** Whether views are shown. Without a host nothing happens. */
  watchLive(on: boolean): void;
  /** The view with this number is on the screen; the next one may come. */
  liveDrawn(sequence: number): void;
  /** Ends the run and silences every transmitter; works with a host that hangs, too. */
  stopEverything(): Promise<void>;
  restartHost(): Promise<void>;
  /** Rejects when the host announced no such report or it cannot be opened. */
  openReport(run: string): Promise<void>;
  /** Of any run in the runs folder; made first where it is missing. */
  openRunReport(run: string): Promise<void>;
  /** Rejects when there is no host, or it goes away before it has answered. */
  queryResults(query: ResultsQuery): Promise<ResultsReply>;
  /** Main asks the user for the file. */
  exportResults(request: ExportRequest): Promise<ExportOutcome>;
}
