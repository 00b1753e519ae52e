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
  restartHost(): Promise<void>;
  /** Rejects when the host announced no such report or it cannot be opened. */
  openReport(run: string): Promise<void>;
}
