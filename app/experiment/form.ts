/** The experiment file's fields as data, read off the schema: what the desktop makes its form from. */
import type { z } from 'zod';
import type { FormField } from '../ipc/host-messages';
import { SECTION_NAMES, sectionSchemas } from './schema';

/** The sections of the file, in its order. */
export function describeForm(): FormField[] {
  return SECTION_NAMES.map((name) => describe(name, sectionSchemas[name]));
}

/** Longest ending first. */
const UNITS: readonly (readonly [ending: string, unit: string])[] = [
  ['DbcHz', 'dBc/Hz'],
  ['Dbfs', 'dBFS'],
  ['Dbm', 'dBm'],
  ['Db', 'dB'],
  ['Hz', 'Hz'],
  ['Ppm', 'ppm'],
  ['Rad', 'rad'],
  ['Deg', '°'],
  ['S', 's'],
];

function unitOf(key: string): string {
  return UNITS.find(([ending]) => key.length > ending.length && key.endsWith(ending))?.[1] ?? '';
}

const plain = {
  allowed: '',
  required: true,
  nullable: false,
  byDefault: null,
  min: null,
  max: null,
  choices: [],
  fields: [],
} as const;

/** What zod keeps of a schema; of each kind only what is read here. */
interface Definition {
  readonly type: string;
  readonly error?: (issue: unknown) => unknown;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly defaultValue?: unknown;
}

function describe(key: string, schema: z.core.$ZodType): FormField {
  const definition = schema._zod.def as unknown as Definition;
  const said = definition.error?.({ code: 'custom', input: undefined });
  const field = { ...plain, key, unit: unitOf(key), allowed: typeof said === 'string' ? said : '' };
  const inner = (): FormField => describe(key, definition.innerType as z.core.$ZodType);
  switch (definition.type) {
    case 'default':
    case 'prefault':
      return { ...inner(), required: false, byDefault: JSON.stringify(definition.defaultValue) };
    case 'optional':
      return { ...inner(), required: false };
    case 'nullable':
      return { ...inner(), nullable: true };
    case 'pipe':
      return describe(key, definition.in as z.core.$ZodType);
    case 'object':
      return {
        ...field,
        kind: 'mapping',
        fields: Object.entries(definition.shape ?? {}).map(([name, value]) => describe(name, value)),
      };
    case 'record':
      return { ...field, kind: 'record', fields: [describe('', definition.valueType as z.core.$ZodType)] };
    case 'array':
      return { ...field, kind: 'list', fields: [describe('', definition.element as z.core.$ZodType)] };
    case 'union':
      return { ...field, kind: 'either', fields: (definition.options ?? []).map((option) => describe('', option)) };
    case 'number': {
      const { minValue, maxValue, format } = schema as z.ZodNumber;
      return { ...field, kind: format === null ? 'number' : 'integer', min: finite(minValue), max: finite(maxValue) };
    }
    case 'boolean':
      return { ...field, kind: 'boolean' };
    case 'string':
      return { ...field, kind: 'text' };
    case 'enum':
      return { ...field, kind: 'choice', choices: Object.values(definition.entries ?? {}) };
    case 'literal':
      return { ...field, kind: 'choice', choices: (definition.values ?? []).map(String) };
    default:
      return { ...field, kind: 'any' };
  }
}

/** Integers have limits of their own, which say nothing. */
function finite(limit: number | null): number | null {
  return limit === null || !Number.isFinite(limit) || Math.abs(limit) === Number.MAX_SAFE_INTEGER ? null : limit;
}
