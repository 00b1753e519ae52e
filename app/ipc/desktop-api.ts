/** What the page can do: `window.otabench`. */
import type {
  DesktopSettings,
  ExperimentDocument,
  ExportOutcome,
  Preset,
  TextFile,
  WindowUpdate,
} from './desktop-messages';
import type { HostCommand } from './host-messages';
import type { ExportRequest, ResultsQuery, ResultsReply } from './results-messages';

type Body<Type extends HostCommand['type']> = Omit<Extract<HostCommand, { type: Type }>, 'type'>;

export interface OtabenchApi {
  /** One listener; what arrived before is delivered to it first. */
  onUpdate(listener: (update: WindowUpdate) => void): void;
  /** Tells main that the page listens. The live channel opens after it. */
  ready(): Promise<DesktopSettings>;
  /** @throws Error when there is no host. */
  startRun(run: Body<'start-run'>): void;
  /** @throws Error when there is no host. */
  stopRun(): void;
  /** Hands no trial to a radio until `continueRun`. @throws Error when there is no host. */
  pauseRun(): void;
  continueRun(): void;
  /** Answered with `plan-checked`. @throws Error when there is no host. */
  checkPlan(plan: Body<'check-plan'>): void;
  /** Answered with `form-described`. @throws Error when there is no host. */
  describeForm(): void;
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
  listPresets(): Promise<readonly Preset[]>;
  /** The four ask the user where need be; null when the user has thought better of it. */
  openPreset(name: string): Promise<ExperimentDocument | null>;
  openExperiment(): Promise<ExperimentDocument | null>;
  saveExperiment(text: string, as: boolean): Promise<ExperimentDocument | null>;
  openProblem(): Promise<TextFile | null>;
  /** Whether the editor holds what no file has. */
  setEdited(edited: boolean): Promise<void>;
}
