/** Keeps the host's check up with the editor, and main with whether something is not saved. */
import type { OtabenchApi } from '../../ipc/desktop-api';
import { hostAnswers, isRunning, type ViewState } from '../state';
import type { Store } from '../store';
import { isEdited } from './editor-state';

/** From the last key to the check. */
const REST_MS = 250;
const RETRY_MS = 1000;

/** @returns the function that ends it */
export function watchPlan(store: Store, api: OtabenchApi): () => void {
  let asked = '';
  let edited = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const later = (delayMs: number): void => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(ask, delayMs);
  };
  function ask(): void {
    const { editor, ...state } = store.newest;
    if (!hostAnswers({ ...state, editor })) return;
    try {
      if (editor.form === null) api.describeForm();
      const { document, version, text } = editor;
      if (document !== null) api.checkPlan({ check: version, experimentFile: document.file, text });
    } catch {
      // The host answers, but its channel is not here yet.
      later(RETRY_MS);
    }
  }
  const look = (): void => {
    const state = store.newest;
    // Another host knows nothing; and what waits for the end of a run is asked again then.
    const wanted = `${state.host.pid} ${hostAnswers(state)} ${state.editor.version} ${finishedRuns(state)}`;
    if (wanted !== asked) {
      asked = wanted;
      later(REST_MS);
    }
    if (isEdited(state.editor) !== edited) {
      edited = !edited;
      void api.setEdited(edited).catch(() => undefined);
    }
  };
  const leave = store.subscribe(look);
  look();
  return () => {
    leave();
    if (timer !== null) clearTimeout(timer);
  };
}

const finishedRuns = (state: ViewState): string => `${state.run?.run ?? ''} ${isRunning(state)}`;
