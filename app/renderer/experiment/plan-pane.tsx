/** Form, text and check of the plan, side by side. */
import { useCallback, useMemo, useRef, type ReactElement } from 'react';
import type { PlanViolation } from '../../ipc/host-messages';
import { useActions } from '../actions';
import type { ViewState } from '../state';
import { CheckPanel } from './check-panel';
import { CodeEditor, type CodeEditorHandle } from './code-editor';
import { currentCheck, fileName, isEdited } from './editor-state';
import { ExperimentForm, FormProvider, type FormActions } from './form';
import { applyEdit, setField } from './yaml-edit';

const NONE: readonly PlanViolation[] = [];

export function PlanPane({ state }: { state: ViewState }): ReactElement {
  const actions = useActions();
  const { editor } = state;
  const code = useRef<CodeEditorHandle>(null);
  // While a check is under way the last one's marks stay, so that nothing flickers.
  const violations = editor.checked?.violations ?? NONE;
  const form = useMemo(
    (): FormActions => ({
      set: (path, value, spelling) => actions.editBy((text) => applyEdit(text, setField(text, path, value, spelling))),
      violationOf: (path) =>
        violations.find(
          ({ field }) =>
            field === path || (!path.includes('.') && (field.startsWith(`${path}.`) || field.startsWith(`${path}[`))),
        )?.detail ?? null,
    }),
    [actions, violations],
  );
  const change = useCallback((text: string) => actions.editBy(() => text), [actions]);
  if (editor.document === null) return <NoDocument state={state} />;
  return (
    <div className="plan">
      <section className="panel plan-form" aria-labelledby="form-title">
        <h2 id="form-title">Form</h2>
        <div className="scroll" tabIndex={0} role="group" aria-labelledby="form-title">
          <FormProvider value={form}>
            {editor.form === null ? (
              <p className="placeholder">The form comes from the host, which is not ready yet.</p>
            ) : (
              <ExperimentForm key={editor.opened} sections={editor.form} text={editor.text} />
            )}
          </FormProvider>
        </div>
      </section>
      <section className="panel plan-text" aria-labelledby="text-title">
        <h2 id="text-title">Text</h2>
        <CodeEditor key={editor.opened} ref={code} text={editor.text} onChange={change} violations={violations} />
      </section>
      <CheckPanel state={state} check={currentCheck(editor)} onGoToLine={(line) => code.current?.goToLine(line)} />
    </div>
  );
}

export function FileBar({ state: { editor } }: { state: ViewState }): ReactElement {
  const { openPreset, openExperiment, saveExperiment } = useActions();
  const edited = isEdited(editor);
  return (
    <div className="file-bar" role="group" aria-label="Experiment file">
      <p className="file-name" id="file-name" title={editor.document?.file}>
        <strong>{fileName(editor)}</strong>
        {editor.document?.preset ? <span className="muted"> preset</span> : null}
        {edited ? <span className="edited"> edited, not saved</span> : null}
      </p>
      <label>
        Presets{' '}
        <select id="presets" value="" onChange={({ target }) => openPreset(target.value)}>
          <option value="" disabled>
            open one
          </option>
          {editor.presets.map(({ name, about }) => (
            <option key={name} value={name} title={about}>
              {name.replace(/\.yml$/, '')}
            </option>
          ))}
        </select>
      </label>
      <button type="button" id="open-file" onClick={openExperiment}>
        Open file
      </button>
      <button type="button" id="save" disabled={!edited} onClick={() => saveExperiment(false)}>
        Save
      </button>
      <button type="button" id="save-as" onClick={() => saveExperiment(true)}>
        Save as
      </button>
    </div>
  );
}

function NoDocument({ state: { editor } }: { state: ViewState }): ReactElement {
  const { openPreset, openExperiment } = useActions();
  return (
    <div className="placeholder">
      <p>No experiment is open. A preset is a good beginning; it can be changed and saved under a name of your own.</p>
      <ul className="presets">
        {editor.presets.map(({ name, about }) => (
          <li key={name}>
            <button type="button" onClick={() => openPreset(name)}>
              {name.replace(/\.yml$/, '')}
            </button>
            <span>{about}</span>
          </li>
        ))}
      </ul>
      <button type="button" onClick={openExperiment}>
        Open file
      </button>
    </div>
  );
}
