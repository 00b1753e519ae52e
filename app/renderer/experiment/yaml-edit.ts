/**
 * One field of a YAML text changed, and nothing else: comments, spelling of other numbers, and layout stay as they were
 * written. Pure functions. Every edit is read back before it is handed out; where the small edit would say something
 * else, the text is written anew from its document, which keeps the comments but not the layout.
 */
import {
  Document,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  stringify,
  visit,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';

export type FieldPath = readonly (string | number)[];

/** `text.slice(0, from) + insert + text.slice(to)`. */
export interface TextEdit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

export function applyEdit(text: string, { from, to, insert }: TextEdit): string {
  return text.slice(0, from) + insert + text.slice(to);
}

/** The values that a text holds; null where it is not valid YAML. */
export function readYaml(text: string): { readonly value: unknown } | null {
  const document = parseDocument(text, { version: '1.2' });
  if (document.errors.length > 0) return null;
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch {
    return null;
  }
}

export function valueAt(value: unknown, path: FieldPath): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

/**
 * @param value what the field shall be; undefined: it is left out
 * @param spelling how a number is written, where it matters (2.45e9)
 * @throws Error, one line, where the text is not valid YAML or the field cannot be reached (an alias)
 */
export function setField(text: string, path: FieldPath, value: unknown, spelling?: string): TextEdit {
  const document = parseDocument(text, { version: '1.2', keepSourceTokens: false });
  if (document.errors.length > 0) throw new Error('the text is not valid YAML; allowed an edit of the text itself');
  const wanted = JSON.stringify(withValue(document.toJS(), path, value));
  for (const candidate of [
    ...smallEdits(document, text, path, value, spelling),
    wholeEdit(document, text, path, value),
  ]) {
    if (candidate === null) continue;
    const result = readYaml(applyEdit(text, candidate));
    if (result !== null && JSON.stringify(result.value) === wanted) return candidate;
  }
  throw new Error(`${path.join('.')}: cannot be changed here; allowed an edit of the text itself`);
}

/** A copy of `root` with one place changed. */
function withValue(root: unknown, path: FieldPath, value: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (typeof part === 'number') {
    const list = Array.isArray(root) ? [...(root as unknown[])] : [];
    if (rest.length === 0 && value === undefined) list.splice(part, 1);
    else list[part] = withValue(list[part], rest, value);
    return list;
  }
  const mapping = typeof root === 'object' && root !== null ? { ...(root as Record<string, unknown>) } : {};
  if (rest.length === 0 && value === undefined) delete mapping[part];
  else mapping[part] = withValue(mapping[part], rest, value);
  return mapping;
}

function* smallEdits(
  document: Document.Parsed,
  text: string,
  path: FieldPath,
  value: unknown,
  spelling: string | undefined,
): Generator<TextEdit | null> {
  let node: unknown = document.contents;
  let around: Around | null = null;
  for (const [depth, part] of path.entries()) {
    const rest = path.slice(depth + 1);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === part);
      if (pair === undefined) {
        if (value !== undefined) yield insertion(text, node, String(part), withValue(undefined, rest, value), spelling);
        return;
      }
      around = { map: node, pair };
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      const item = node.items[part];
      if (item === undefined) {
        const last = node.items.at(-1);
        if (value !== undefined && node.flow === true && last !== undefined)
          yield at(contentEnd(text, last), `, ${inline(value, spelling)}`);
        return;
      }
      around = null;
      node = item;
    } else {
      // Nothing is written there yet: `users:`
      yield replacement(text, node, withValue(undefined, path.slice(depth), value), spelling);
      return;
    }
  }
  if (value !== undefined) {
    yield replacement(text, node, value, spelling);
    yield replacement(text, node, value, JSON.stringify(value));
  } else if (around !== null) yield removal(text, around);
}

interface Around {
  readonly map: YAMLMap;
  readonly pair: Pair;
}

const at = (offset: number, insert: string): TextEdit => ({ from: offset, to: offset, insert });

/** On one line, as it stands within braces. */
function inline(value: unknown, spelling?: string): string {
  if (spelling !== undefined && typeof value !== 'object' && (typeof value !== 'number' || Number(spelling) === value))
    return spelling;
  if (Array.isArray(value)) return `[${value.map((item) => inline(item)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([key, item]) => `${inline(key)}: ${inline(item, spelling)}`);
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  const plain = stringify(value, { lineWidth: 0 }).trimEnd();
  return /[,[\]{}\n]/.test(plain) ? JSON.stringify(value) : plain;
}

/** On lines of its own, as it stands in a block. */
function block(key: string, value: unknown, indent: string, spelling: string | undefined): string {
  if (typeof value !== 'object' || value === null) return `${indent}${inline(key)}: ${inline(value, spelling)}`;
  const document = new Document({ [key]: value });
  visit(document, {
    Seq: (_, seq) => {
      if (seq.items.every(isScalar)) seq.flow = true;
    },
  });
  const lines = document.toString({ lineWidth: 0 }).trimEnd().split('\n');
  return lines.map((line) => indent + line).join('\n');
}

/** Where the last thing within a node ends; comments and empty lines after it do not count. */
function contentEnd(text: string, node: unknown): number {
  if ((isMap(node) || isSeq(node)) && node.flow !== true) {
    const last = node.items.at(-1);
    if (last !== undefined) {
      const { key, value } = isMap(node) ? (last as Pair) : { key: null, value: last };
      return contentEnd(text, value ?? key);
    }
  }
  let end = (node as Node | null)?.range?.[1] ?? text.length;
  while (end > 0 && /\s/.test(text[end - 1] as string)) end--;
  return end;
}

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}

function insertion(
  text: string,
  map: YAMLMap,
  key: string,
  value: unknown,
  spelling: string | undefined,
): TextEdit | null {
  const first = map.items[0];
  const last = map.items.at(-1);
  if (!map.range) return null;
  if (first === undefined || last === undefined)
    return { from: map.range[0], to: map.range[1], insert: inline({ [key]: value }, spelling) };
  const end = contentEnd(text, last.value ?? last.key);
  if (map.flow === true) return at(end, `, ${inline(key)}: ${inline(value, spelling)}`);
  const start = (first.key as Node).range?.[0] ?? 0;
  const column = start - (text.lastIndexOf('\n', start - 1) + 1);
  // Sections are set apart from each other.
  const gap = column === 0 && typeof value === 'object' && value !== null ? '\n\n' : '\n';
  return at(lineEnd(text, end), gap + block(key, value, ' '.repeat(column), spelling));
}

function replacement(text: string, node: unknown, value: unknown, spelling: string | undefined): TextEdit | null {
  const range = (node as Node | null)?.range;
  if (!range)
    return at(text.length, `${text === '' || text.endsWith('\n') ? '' : '\n'}${block('', value, '', spelling)}`);
  const from = range[0];
  const to = Math.max(from, contentEnd(text, node));
  const gap = from > 0 && text[from - 1] === ':' ? ' ' : '';
  return { from, to, insert: gap + inline(value, spelling) };
}

function removal(text: string, { map, pair }: Around): TextEdit | null {
  const start = (pair.key as Node).range?.[0];
  if (start === undefined || !map.range) return null;
  const end = contentEnd(text, pair.value ?? pair.key);
  const index = map.items.indexOf(pair);
  if (map.items.length === 1) return { from: map.range[0], to: contentEnd(text, map), insert: '{}' };
  if (map.flow === true) {
    const before = map.items[index - 1];
    const after = map.items[index + 1];
    if (before !== undefined) return { from: contentEnd(text, before.value ?? before.key), to: end, insert: '' };
    return { from: start, to: (after?.key as Node).range?.[0] ?? end, insert: '' };
  }
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  return { from: lineStart, to: Math.min(text.length, lineEnd(text, end) + 1), insert: '' };
}

function wholeEdit(document: Document.Parsed, text: string, path: FieldPath, value: unknown): TextEdit | null {
  try {
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(value));
    return { from: 0, to: text.length, insert: document.toString({ lineWidth: 0 }) };
  } catch {
    return null;
  }
}
