/** What the page can do: `window.otabench`. */
import type { DesktopSettings, WindowUpdate } from './desktop-messages';

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
  /** Ends the run and silences every transmitter; works with a host that hangs, too. */
  stopEverything(): Promise<void>;
  restartHost(): Promise<void>;
  /** Rejects when the host announced no such report or it cannot be opened. */
  openReport(run: string): Promise<void>;
}
