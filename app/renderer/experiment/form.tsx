/** The form beside the text: one field for each of the schema, in the text's own words. */
import { createContext, useContext, useId, useState, type ReactElement, type ReactNode } from 'react';
import type { FormField } from '../../ipc/host-messages';
import { readYaml, valueAt, type FieldPath } from './yaml-edit';

export interface FormActions {
  /** @param value undefined: left to its default */
  readonly set: (path: FieldPath, value: unknown, spelling?: string) => void;
  /** What is wrong with the field at this path (a.b[2].c), or null. */
  readonly violationOf: (path: string) => string | null;
}

const FormContext = createContext<FormActions>({ set: () => undefined, violationOf: () => null });
export const FormProvider = FormContext.Provider;

/** Sections that one changes often; the others are shut until asked for. */
const OPEN_FIRST = new Set(['task', 'users', 'sweep', 'questions']);

export function ExperimentForm({ sections, text }: { sections: readonly FormField[]; text: string }): ReactElement {
  const root = readYaml(text);
  if (root === null) return <p className="placeholder">The text is not valid YAML. The form comes back when it is.</p>;
  const plain = sections.filter(({ kind }) => kind !== 'mapping' && kind !== 'list' && kind !== 'any');
  return (
    <>
      <div className="form-section">
        {plain.map((field) => (
          <Field key={field.key} field={field} path={[field.key]} value={valueAt(root.value, [field.key])} />
        ))}
      </div>
      {sections
        .filter((field) => !plain.includes(field))
        .map((field) => (
          <Section key={field.key} field={field} value={valueAt(root.value, [field.key])} />
        ))}
    </>
  );
}

function Section({ field, value }: { field: FormField; value: unknown }): ReactElement {
  const [open, setOpen] = useState(OPEN_FIRST.has(field.key));
  const { violationOf } = useContext(FormContext);
  const wrong = violationOf(field.key) !== null;
  return (
    <details
      className="form-section"
      open={open}
      onToggle={(event) => setOpen((event.target as HTMLDetailsElement).open)}
    >
      <summary>
        {field.key}
        {wrong ? <span className="wrong"> ✕ see the check</span> : null}
        {value === undefined && !wrong ? <span className="muted"> not in the file</span> : null}
      </summary>
      {open ? <Field field={field} path={[field.key]} value={value} bare /> : null}
    </details>
  );
}

export function formatPath(path: FieldPath): string {
  return path.reduce<string>(
    (text, part) => text + (typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${part}`),
    '',
  );
}

interface FieldProps {
  readonly field: FormField;
  readonly path: FieldPath;
  readonly value: unknown;
  /** Its name stands above it already. */
  readonly bare?: boolean;
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A mapping of nothing is there to be filled some day. */
const hasContent = ({ kind, fields }: FormField): boolean => kind !== 'mapping' || fields.length > 0;

const isPlain = ({ kind }: FormField): boolean =>
  kind === 'number' || kind === 'integer' || kind === 'text' || kind === 'choice';

function Field({ field, path, value, bare = false }: FieldProps): ReactElement {
  switch (field.kind) {
    case 'mapping':
      return (
        <Group title={bare ? null : nameOf(field, path)}>
          {field.fields.filter(hasContent).map((inner) => (
            <Field
              key={inner.key}
              field={inner}
              path={[...path, inner.key]}
              value={isMapping(value) ? value[inner.key] : undefined}
            />
          ))}
        </Group>
      );
    case 'record': {
      const [inner] = field.fields;
      const entries = isMapping(value) ? Object.entries(value) : [];
      return (
        <Group title={bare ? null : nameOf(field, path)}>
          {entries.map(([key, item]) =>
            inner === undefined ? null : <Field key={key} field={inner} path={[...path, key]} value={item} />,
          )}
        </Group>
      );
    }
    case 'list': {
      const [inner] = field.fields;
      if (inner === undefined || isPlain(inner)) return <TextField field={field} path={path} value={value} />;
      const items = Array.isArray(value) ? (value as unknown[]) : [];
      return (
        <Group title={bare ? null : nameOf(field, path)}>
          {items.map((item, index) => (
            <Field key={index} field={inner} path={[...path, index]} value={item} />
          ))}
          {items.length === 0 ? <p className="muted">none in the file</p> : null}
        </Group>
      );
    }
    case 'boolean':
      return (
        <ChoiceField
          field={{ ...field, choices: ['true', 'false'] }}
          path={path}
          value={value}
          read={(t) => t === 'true'}
        />
      );
    case 'choice':
      return <ChoiceField field={field} path={path} value={value} read={(t) => t} />;
    case 'number':
    case 'integer':
    case 'text':
    case 'either':
    case 'any':
      return <TextField field={field} path={path} value={value} />;
  }
}

function nameOf({ key }: FormField, path: FieldPath): string {
  const last = path.at(-1);
  return key !== '' ? key : typeof last === 'number' ? `${String(path.at(-2))} ${last + 1}` : String(last);
}

function Group({ title, children }: { title: string | null; children: ReactNode }): ReactElement {
  if (title === null) return <div className="form-group">{children}</div>;
  return (
    <fieldset className="form-group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** Label, control, unit, and below it what is allowed, where that is asked for or violated. */
function Row({
  field,
  path,
  control,
}: {
  field: FormField;
  path: FieldPath;
  control: (ids: { id: string; describedBy: string; invalid: boolean }) => ReactElement;
}): ReactElement {
  const id = useId();
  const { violationOf } = useContext(FormContext);
  const violation = violationOf(formatPath(path));
  const hint = `${id}-hint`;
  return (
    <div className={`form-row${violation === null ? '' : ' invalid'}`} data-path={formatPath(path)}>
      <label htmlFor={id}>{nameOf(field, path)}</label>
      <span className="form-control">
        {control({ id, describedBy: hint, invalid: violation !== null })}
        {field.unit === '' ? null : <span className="unit">{field.unit}</span>}
      </span>
      <small id={hint} className="form-hint">
        {violation ?? field.allowed}
      </small>
    </div>
  );
}

function ChoiceField({ field, path, value, read }: FieldProps & { read: (text: string) => unknown }): ReactElement {
  const { set } = useContext(FormContext);
  const shown = textOf(value);
  const known = shown === '' || field.choices.includes(shown);
  return (
    <Row
      field={field}
      path={path}
      control={({ id, describedBy, invalid }) => (
        <select
          id={id}
          aria-describedby={describedBy}
          aria-invalid={invalid}
          value={shown}
          onChange={({ target }) => set(path, target.value === '' ? undefined : read(target.value))}
        >
          {field.required && shown !== '' ? null : <option value="">{defaultText(field)}</option>}
          {known ? null : <option value={shown}>{shown}</option>}
          {field.choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      )}
    />
  );
}

function defaultText({ byDefault, required }: FormField): string {
  if (byDefault === null) return required ? 'missing' : 'not set';
  return `${byDefault.replaceAll('"', '')} (default)`;
}

function TextField({ field, path, value }: FieldProps): ReactElement {
  const { set } = useContext(FormContext);
  const [draft, setDraft] = useState<string | null>(null);
  const shown = draft ?? textOf(value);
  const change = (text: string): void => {
    setDraft(text);
    if (text.trim() === '') {
      if (!field.required) set(path, undefined);
      return;
    }
    const read = readField(field, text.trim());
    if (read !== undefined) set(path, read, typeof read === 'number' ? text.trim() : undefined);
  };
  return (
    <Row
      field={field}
      path={path}
      control={({ id, describedBy, invalid }) => (
        <input
          id={id}
          aria-describedby={describedBy}
          aria-invalid={invalid}
          spellCheck={false}
          autoComplete="off"
          placeholder={value === undefined ? defaultText(field) : ''}
          value={shown}
          onChange={({ target }) => change(target.value)}
          onBlur={() => setDraft(null)}
        />
      )}
    />
  );
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Undefined while it cannot be read: then the text keeps what it has. What is read but not allowed, the check says. */
function readField(field: FormField, text: string): unknown {
  if (field.nullable && text === 'null') return null;
  switch (field.kind) {
    case 'number':
    case 'integer': {
      const read = Number(text);
      return Number.isFinite(read) ? read : undefined;
    }
    case 'list': {
      const items = text.replace(/[,\s]+$/, '').split(/[,\s]+/);
      const numbers = items.map(Number);
      return numbers.every(Number.isFinite) ? numbers : field.fields[0]?.kind === 'text' ? items : undefined;
    }
    case 'text':
      return text;
    default:
      return readYaml(text)?.value;
  }
}
