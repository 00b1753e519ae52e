/** YAML 1.2 with line numbers, checked by zod schemas whose error texts say what is allowed. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import type { z } from 'zod';
import { closestWord, type Violation } from './violations';

/** The parser's own words for these are about its functions. */
const EXPLANATIONS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'more than one document; allowed one, without a second "---"',
  DUPLICATE_KEY: 'the same key twice in one mapping; allowed each key once',
};

export type FieldPath = readonly PropertyKey[];

/** `a.b[2].c`. */
export function formatFieldPath(fieldPath: FieldPath): string {
  let text = '';
  for (const part of fieldPath) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += (text === '' ? '' : '.') + String(part);
  }
  return text;
}

/** A value as it should be quoted in a message: one line, not too long. */
function quoteValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export class YamlFile {
  /** Plain values; undefined where the file is not even YAML. */
  readonly value: unknown;
  /** What messages put before their fields. */
  private readonly root: FieldPath = [];
  readonly violations: Violation[] = [];
  private readonly document: Document.Parsed;
  private readonly lines = new LineCounter();

  /** @param file the name that messages show */
  constructor(
    readonly file: string,
    text: string,
  ) {
    this.document = parseDocument(text, { version: '1.2', lineCounter: this.lines, prettyErrors: false });
    for (const error of this.document.errors)
      this.violations.push({
        file,
        line: this.lines.linePos(error.pos[0]).line,
        field: '',
        detail: `not valid YAML: ${EXPLANATIONS[error.code] ?? error.message}`,
      });
    if (this.violations.length === 0) {
      try {
        this.value = this.document.toJS({ maxAliasCount: 100 });
      } catch (error) {
        this.violations.push({
          file,
          line: this.lines.linePos(this.brokenAlias() ?? 0).line,
          field: '',
          detail: `not valid YAML: ${(error as Error).message}`,
        });
      }
    }
  }

  /** Where an alias stands whose anchor is not there. */
  private brokenAlias(): number | undefined {
    let offset: number | undefined;
    visit(this.document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.document) !== undefined) return undefined;
        offset = alias.range?.[0];
        return visit.BREAK;
      },
    });
    return offset;
  }

  /** Line of the field's key, or of its nearest ancestor that is in the file. */
  lineOf(fieldPath: FieldPath): number {
    let node: unknown = this.document.contents;
    let offset = this.offsetOf(node) ?? 0;
    for (const part of fieldPath) {
      if (isAlias(node)) node = node.resolve(this.document);
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
        if (pair === undefined) break;
        offset = this.offsetOf(pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(part)];
        if (node === undefined) break;
        offset = this.offsetOf(node) ?? offset;
      } else break;
    }
    return this.lines.linePos(offset).line;
  }

  /** The file with `value` in place of its own; violations go to this file, with `root` before their fields. */
  overlay(root: FieldPath, value: unknown): YamlFile {
    return Object.assign(Object.create(this) as YamlFile, { root, value });
  }

  valueAt(fieldPath: FieldPath): unknown {
    let value: unknown = this.value;
    for (const part of fieldPath) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = (value as Record<PropertyKey, unknown>)[part];
    }
    return value;
  }

  /** Adds one violation: what is there is quoted, `allowed` says what may be. */
  refuse(fieldPath: FieldPath, allowed: string): void {
    const value = this.valueAt(fieldPath);
    const found = value === undefined ? 'missing' : `value ${quoteValue(value)}`;
    this.add(fieldPath, `${found}; allowed ${allowed}`);
  }

  add(fieldPath: FieldPath, detail: string): void {
    const full = [...this.root, ...fieldPath];
    this.violations.push({ file: this.file, line: this.lineOf(full), field: formatFieldPath(full), detail });
  }

  /**
   * The value under `base` as the schema reads it, or null with every violation added.
   * The schema's error texts must say what is allowed.
   *
   * @param knownKeys of every mapping in the schema, by formatted path ("" for `base` itself; [] for any index), for "did you mean"
   */
  parse<T>(schema: z.ZodType<T>, base: FieldPath, knownKeys: (fieldPath: FieldPath) => readonly string[]): T | null {
    const result = schema.safeParse(this.valueAt(base));
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const fieldPath = [...base, ...issue.path];
      if (issue.code === 'unrecognized_keys') {
        const known = knownKeys(fieldPath);
        for (const key of issue.keys) {
          const meant = closestWord(key, known);
          const hint = meant === null ? '' : `did you mean "${meant}"? `;
          this.add([...fieldPath, key], `unknown field; ${hint}allowed ${known.join(', ')}`);
        }
      } else
        this.refuse(
          fieldPath,
          issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message,
        );
    }
    return null;
  }

  private offsetOf(node: unknown): number | undefined {
    return (node as Node | null | undefined)?.range?.[0];
  }
}
