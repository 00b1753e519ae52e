/** What the user can do. A failure becomes a notice. */
import { createContext, useContext } from 'react';
import type { OtabenchApi } from '../ipc/desktop-api';
import type { DesktopSettings } from '../ipc/desktop-messages';
import {
  commandFailed,
  dismissNotice,
  searchStarted,
  showView,
  startRequested,
  stopRequested,
  type ViewName,
} from './state';
import type { Store } from './store';

export class Actions {
  private settings: DesktopSettings | null = null;

  constructor(
    private readonly store: Store,
    private readonly api: OtabenchApi,
  ) {}

  settle(settings: DesktopSettings): void {
    this.settings = settings;
  }

  attempt(action: () => void | Promise<void>): void {
    Promise.resolve()
      .then(action)
      .catch((error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        // Electron puts the name of the channel in front of what main has thrown.
        const reason = text.replace(/^Error invoking remote method '[^']*': (Error: )?/, '');
        this.store.change((before) => commandFailed(before, reason));
      });
  }

  readonly start = (): void => {
    this.attempt(() => {
      if (!this.settings) return;
      this.api.startRun(this.settings.experimentFile);
      this.store.change((before) => showView(startRequested(before), 'experiment'));
    });
  };

  readonly stop = (): void => {
    this.attempt(() => {
      this.api.stopRun();
      this.store.change(stopRequested);
    });
  };

  readonly stopEverything = (): void => {
    this.attempt(() => this.api.stopEverything());
    this.store.change(stopRequested);
  };

  readonly findRadios = (): void => {
    this.attempt(() => {
      this.api.findRadios();
      this.store.change(searchStarted);
    });
  };

  readonly inspectRadio = (driver: string, serial: string): void => {
    this.attempt(() => this.api.inspectRadio(driver, serial));
  };

  readonly openReport = (): void => {
    const run = this.store.newest.run?.run;
    if (run !== undefined) this.attempt(() => this.api.openReport(run));
  };

  readonly restartHost = (): void => this.attempt(() => this.api.restartHost());

  readonly dismiss = (key: string): void => this.store.change((before) => dismissNotice(before, key));

  readonly show = (view: ViewName): void => this.store.change((before) => showView(before, view));
}

const missing: Actions | null = null;
export const ActionsContext = createContext<Actions | null>(missing);

export function useActions(): Actions {
  const actions = useContext(ActionsContext);
  if (actions === null) throw new Error('no actions around this component');
  return actions;
}
