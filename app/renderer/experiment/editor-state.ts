/** What the experiment editor holds, as a pure function of what was told and done. */
import type { ExperimentDocument, Preset } from '../../ipc/desktop-messages';
import type { FormField, HostEvent, PlanChecked } from '../../ipc/host-messages';

/** What a run was started with: enough to resume it. */
export interface RunSource {
  readonly experimentFile: string;
  readonly text: string | undefined;
}

export interface EditorState {
  readonly pane: 'plan' | 'run';
  readonly document: Pick<ExperimentDocument, 'file' | 'preset'> | null;
  /** Counts documents opened: another one is another history of edits. */
  readonly opened: number;
  readonly text: string;
  readonly savedText: string;
  /** Counts changes of text and document; the number of the check that belongs to them. */
  readonly version: number;
  readonly checked: PlanChecked | null;
  readonly form: readonly FormField[] | null;
  readonly presets: readonly Preset[];
  /** Of the newest run that this window started. */
  readonly started: RunSource | null;
}

export const initialEditor: EditorState = {
  pane: 'plan',
  document: null,
  opened: 0,
  text: '',
  savedText: '',
  version: 0,
  checked: null,
  form: null,
  presets: [],
  started: null,
};

export function isEdited({ document, text, savedText }: EditorState): boolean {
  return document !== null && text !== savedText;
}

/** The check of what the editor holds; null while it is being made. */
export function currentCheck({ checked, version }: EditorState): PlanChecked | null {
  return checked?.check === version ? checked : null;
}

/** As the run will be called, where that is known. */
export function experimentName({ checked, document }: EditorState): string {
  if (checked?.summary) return checked.summary.name;
  return (document?.file ?? '').replace(/^.*[\\/]/, '').replace(/\.ya?ml$/, '') || 'the experiment';
}

export function fileName({ document }: EditorState): string {
  return (document?.file ?? '').replace(/^.*[\\/]/, '');
}

export function openDocument(editor: EditorState, { file, preset, text }: ExperimentDocument): EditorState {
  const { opened, version } = editor;
  return {
    ...editor,
    pane: 'plan',
    document: { file, preset },
    opened: opened + 1,
    text,
    savedText: text,
    version: version + 1,
    checked: null,
  };
}

/** @param edited what was sent to be saved; what was typed meanwhile is not saved */
export function savedDocument(editor: EditorState, edited: string, document: ExperimentDocument): EditorState {
  const { file, preset, text } = document;
  const typedMeanwhile = editor.text !== edited;
  return {
    ...editor,
    document: { file, preset },
    // Saved elsewhere, relative paths are written anew.
    text: typedMeanwhile ? editor.text : text,
    savedText: text,
    version: editor.version + 1,
  };
}

export function editText(editor: EditorState, text: string): EditorState {
  return text === editor.text ? editor : { ...editor, text, version: editor.version + 1 };
}

export function reduceEditor(editor: EditorState, event: HostEvent): EditorState {
  if (event.type === 'form-described') return { ...editor, form: event.sections };
  // Checks may be overtaken on their way.
  if (event.type === 'plan-checked' && event.check >= (editor.checked?.check ?? -1))
    return { ...editor, checked: event };
  return editor;
}
