/** What the user can do. A failure becomes a notice. */
import { createContext, useContext } from 'react';
import type { OtabenchApi } from '../ipc/desktop-api';
import type { DesktopSettings, ExperimentDocument } from '../ipc/desktop-messages';
import { editText, openDocument, savedDocument, type EditorState, type RunSource } from './experiment/editor-state';
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
    this.attempt(async () => {
      const presets = await this.api.listPresets();
      this.changeEditor((before) => ({ ...before, presets }));
    });
  }

  private changeEditor(transform: (before: EditorState) => EditorState): void {
    this.store.change((before) => ({ ...before, editor: transform(before.editor) }));
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

  /** Runs what the editor holds, saved or not. */
  readonly start = (): void => this.run(this.edited(), false);

  /** Goes on with the run that was stopped or lost, as it was started. */
  readonly resume = (): void => this.run(this.store.newest.editor.started, true);

  /** Goes on with the newest unfinished run of the plan that the editor holds. */
  readonly resumeUnfinished = (): void => this.run(this.edited(), true);

  readonly pause = (): void => this.attempt(() => this.api.pauseRun());

  readonly continue = (): void => this.attempt(() => this.api.continueRun());

  readonly showPane = (pane: EditorState['pane']): void => this.changeEditor((before) => ({ ...before, pane }));

  /** @param change of the text; what it throws becomes a notice */
  readonly editBy = (change: (text: string) => string): void => {
    this.attempt(() => {
      const text = change(this.store.newest.editor.text);
      this.changeEditor((before) => editText(before, text));
    });
  };

  readonly openPreset = (name: string): void => this.open(() => this.api.openPreset(name));

  readonly openExperiment = (): void => this.open(() => this.api.openExperiment());

  readonly saveExperiment = (as: boolean): void => {
    const { text } = this.store.newest.editor;
    this.attempt(async () => {
      const document = await this.api.saveExperiment(text, as);
      if (document !== null) this.changeEditor((before) => savedDocument(before, text, document));
    });
  };

  private open(ask: () => Promise<ExperimentDocument | null>): void {
    this.attempt(async () => {
      const document = await ask();
      if (document === null) return;
      this.store.change((before) => showView(before, 'experiment'));
      this.changeEditor((before) => openDocument(before, document));
    });
  }

  private edited(): RunSource | null {
    const { document, text } = this.store.newest.editor;
    if (document !== null) return { experimentFile: document.file, text };
    return this.settings && { experimentFile: this.settings.experimentFile, text: undefined };
  }

  private run(source: RunSource | null, resume: boolean): void {
    this.attempt(() => {
      if (source === null) return;
      const { experimentFile, text } = source;
      this.api.startRun({ experimentFile, resume, ...(text !== undefined && { text }) });
      this.store.change((before) => showView(startRequested(before), 'experiment'));
      this.changeEditor((before) => ({ ...before, started: source }));
    });
  }

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
