/**
 * The allocation problem as its file says it. docs/allocation.md lists the same fields; keep them together.
 * Every schema's error text says what is allowed.
 */
import { z } from 'zod';
import { formatViolation, InvalidInputError } from '../config/violations';
import { YamlFile } from '../config/yaml-file';

/** Longest token sequence and most users that a problem may have. */
const MAX_TOKEN_LENGTH = 65536;
const MAX_USERS = 10_000;

function number(allowed: string, holds: (value: number) => boolean): z.ZodNumber {
  const error = `${allowed}`;
  return z.number({ error }).refine((value) => holds(value), { error });
}
/** Physical quantities far outside these are slips of a unit, and would run out of double precision. */
const positive = (unit: string): z.ZodNumber =>
  number(`a number from 1e-40 to 1e40${unit === '' ? '' : ` ${unit}`}`, (v) => v >= 1e-40 && v <= 1e40);
const notNegative = (unit: string): z.ZodNumber =>
  number(`a number from 0 to 1e40${unit === '' ? '' : ` ${unit}`}`, (v) => v >= 0 && v <= 1e40);
const orNull = (unit: string, off: string): z.ZodDefault<z.ZodNullable<z.ZodNumber>> => {
  const error = `a number from 1e-40 to 1e40 ${unit}, or null (${off})`;
  return z
    .number({ error })
    .refine((v) => v >= 1e-40 && v <= 1e40, { error })
    .nullable()
    .default(null);
};
const finite = number('a finite number', Number.isFinite);

const keys = new Map<string, readonly string[]>();
function mapping<T extends z.ZodRawShape>(where: string, shape: T): z.ZodObject<T, z.core.$strict> {
  keys.set(where, Object.keys(shape));
  return z.strictObject(shape, { error: `a mapping with ${Object.keys(shape).join(', ')}` });
}

const lengthText = `an integer from 1 to ${MAX_TOKEN_LENGTH}`;
const listText = `a list of 1 to 1000 different token lengths, or {"min", "max"}`;
const lengthList = z
  .array(
    number(lengthText, (v) => Number.isInteger(v) && v >= 1 && v <= MAX_TOKEN_LENGTH),
    { error: listText },
  )
  .min(1, { error: listText })
  .max(1000, { error: listText })
  .refine((list) => new Set(list).size === list.length, { error: listText })
  .transform((list) => [...list].sort((a, b) => a - b));
const lengthBound = number(`a number from 0.001 to ${MAX_TOKEN_LENGTH}`, (v) => v >= 1e-3 && v <= MAX_TOKEN_LENGTH);
const lengthRange = mapping('users.lengths', { min: lengthBound, max: lengthBound }).refine(
  ({ min, max }) => min <= max,
  { error: 'min not above max' },
);
/** A union would answer with its own words; the shape that is there decides which of the two is meant. */
const lengths = z.unknown().transform((value, context): readonly number[] | { min: number; max: number } => {
  const result = (Array.isArray(value) ? lengthList : lengthRange).safeParse(value);
  if (result.success) return result.data;
  const isMapping = typeof value === 'object' && value !== null;
  for (const issue of result.error.issues)
    if (issue.code === 'unrecognized_keys')
      context.addIssue({
        code: 'unrecognized_keys',
        keys: issue.keys,
        path: issue.path,
        input: value as Record<string, unknown>,
      });
    else
      context.addIssue({
        code: 'custom',
        message: isMapping ? issue.message : listText,
        path: issue.path,
        input: value,
      });
  return z.NEVER;
});

const lossFit = mapping('users.loss', { a: notNegative(''), b: notNegative(''), c: finite });

const rising = (list: readonly number[]): boolean => list.every((v, i) => i === 0 || v > (list[i - 1] as number));
const snrText = 'a rising list of 1 to 200 numbers from -100 to 100 dB';
const snrAxis = z
  .array(
    number(snrText, (v) => Math.abs(v) <= 100),
    { error: snrText },
  )
  .min(1, { error: snrText })
  .max(200, { error: snrText })
  .refine(rising, { error: snrText });
const lengthAxisText = `a rising list of 1 to 200 numbers above 0, at most ${MAX_TOKEN_LENGTH}`;
const lengthAxis = z
  .array(
    number(lengthAxisText, (v) => v > 0 && v <= MAX_TOKEN_LENGTH),
    { error: lengthAxisText },
  )
  .min(1, { error: lengthAxisText })
  .max(200, { error: lengthAxisText })
  .refine(rising, { error: lengthAxisText });
const coefficients = z.array(notNegative(''), { error: 'a list of numbers from 0, one for each snrDb' });
const levels = z.array(finite, { error: 'a list of numbers, one for each snrDb' });
const FORMS = 'exponential, table';

const exponentialSurface = mapping('users.surface(exponential)', {
  form: z.literal('exponential', { error: FORMS }),
  snrDb: snrAxis,
  a: coefficients,
  b: coefficients,
  c: levels,
}).superRefine((surface, context) => {
  for (const key of ['a', 'b', 'c'] as const)
    if (surface[key].length !== surface.snrDb.length)
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `one number for each of ${surface.snrDb.length} snrDb`,
      });
});
const tableSurface = mapping('users.surface(table)', {
  form: z.literal('table', { error: FORMS }),
  snrDb: snrAxis,
  lengths: lengthAxis,
  loss: z.array(levels, { error: 'a list of rows, one for each snrDb' }),
}).superRefine((surface, context) => {
  if (surface.loss.length !== surface.snrDb.length)
    context.addIssue({ code: 'custom', path: ['loss'], message: `one row for each of ${surface.snrDb.length} snrDb` });
  surface.loss.forEach((row, i) => {
    if (row.length !== surface.lengths.length)
      context.addIssue({
        code: 'custom',
        path: ['loss', i],
        message: `one number for each of ${surface.lengths.length} lengths`,
      });
  });
});
keys.set('users.surface', ['form', 'snrDb', 'a', 'b', 'c', 'lengths', 'loss']);
const surface = z.discriminatedUnion('form', [exponentialSurface, tableSurface], { error: FORMS });
/** Loss of one user over token length and SNR: see `surfaceLoss`. */
export type LossSurface = z.output<typeof surface>;

const interactionText = 'a list of mappings with users (two ids) and coefficient';
const pairText = 'two different ids of users';
/** Product of two users' losses: see `analogLoss`. */
const interaction = mapping('interactions(analog)', {
  users: z
    .tuple([z.string({ error: pairText }), z.string({ error: pairText })], { error: pairText })
    .refine(([one, other]) => one !== other, { error: pairText }),
  coefficient: finite,
});

const id = z
  .string({ error: 'a name of 1 to 64 characters' })
  .min(1, { error: 'a name of 1 to 64 characters' })
  .max(64, { error: 'a name of 1 to 64 characters' });
const common = { id, powerGain: notNegative(''), lengths, powerCapW: orNull('W', 'the common cap') };
const digitalUser = mapping('users(digital)', { ...common, bitsPerToken: positive('bits'), loss: lossFit });
const analogUser = mapping('users(analog)', {
  ...common,
  symbolsPerToken: positive('symbols'),
  /** A burst's preamble, header and guards, at the user's own rate. */
  overheadSymbols: notNegative('symbols').default(0),
  surface,
});

/** Parts of the model that the paper does not give. */
export const RATE_PRESETS = {
  /** B log2(1 + p g / (N0 B)): the bound. */
  shannon: { efficiency: 1, snrGapDb: 0 },
  /** A coded link some dB from the bound. */
  'shannon-gap': { efficiency: 0.8, snrGapDb: 3 },
} as const;
const rateText = 'shannon, shannon-gap';
const rateModel = mapping('rateModel', {
  preset: z.enum(['shannon', 'shannon-gap'], { error: rateText }).default('shannon'),
  efficiency: number('a number above 0, at most 1', (v) => v > 0 && v <= 1).optional(),
  snrGapDb: number('a number from 0 to 30 dB', (v) => v >= 0 && v <= 30).optional(),
});

function usersOf<T extends z.ZodType<{ id: string }>>(user: T) {
  const error = `a list of 1 to ${MAX_USERS} users with different ids`;
  return z
    .array(user, { error })
    .min(1, { error })
    .max(MAX_USERS, { error })
    .superRefine((users, context) => {
      const seen = new Set<string>();
      users.forEach((one, i) => {
        if (seen.has(one.id))
          context.addIssue({ code: 'custom', path: [i, 'id'], message: 'an id that no other user has' });
        seen.add(one.id);
      });
    });
}

const terms = {
  bandwidthHz: positive('Hz'),
  powerW: orNull('W', 'no budget'),
  powerCapW: orNull('W', 'no cap'),
  noisePsdWPerHz: positive('W/Hz'),
  weight: number('a number from 0 to 1', (v) => v >= 0 && v <= 1),
  latency: z.enum(['max', 'sum'], { error: 'max, sum' }).default('max'),
  latencyRefS: positive('s').default(1),
  lossRef: positive('').default(1),
  overheadS: notNegative('s').default(0),
  rateModel: rateModel.prefault({}),
  outageRateBitPerS: positive('bit/s').default(1),
};
const transportText = 'digital, analog';
const digitalProblem = mapping('(digital)', {
  transport: z.literal('digital', { error: transportText }).default('digital'),
  ...terms,
  users: usersOf(digitalUser),
});
const analogProblem = mapping('(analog)', {
  transport: z.literal('analog', { error: transportText }),
  ...terms,
  users: usersOf(analogUser),
  interactions: z.array(interaction, { error: interactionText }).max(MAX_USERS, { error: interactionText }).default([]),
});

export type DigitalProblem = z.output<typeof digitalProblem>;
export type AnalogProblem = z.output<typeof analogProblem>;
export type AllocationProblem = DigitalProblem | AnalogProblem;
export type DigitalUser = DigitalProblem['users'][number];
export type AnalogUser = AnalogProblem['users'][number];

/** Keys allowed in the mapping at a path, for "did you mean". */
function keysAt(kind: 'digital' | 'analog', fieldPath: readonly PropertyKey[]): readonly string[] {
  const where = fieldPath.filter((part) => typeof part !== 'number').map(String);
  const name = where.join('.');
  return keys.get(`${name}(${kind})`) ?? keys.get(name) ?? [];
}

/** How much power each user may have at most, W; Infinity where nothing but the budget limits it. */
export function powerCapsW(problem: AllocationProblem): number[] {
  return problem.users.map((user) => user.powerCapW ?? problem.powerCapW ?? Infinity);
}

/**
 * Reads a problem file (JSON).
 *
 * @param file the name that messages show
 * @throws InvalidInputError with one line for every violation
 */
export function readProblem(file: string, text: string): AllocationProblem {
  const yaml = new YamlFile(file, text);
  const kind = yaml.valueAt(['transport']) === 'analog' ? 'analog' : 'digital';
  const schema: z.ZodType<AllocationProblem> = kind === 'analog' ? analogProblem : digitalProblem;
  const problem = yaml.violations.length > 0 ? null : yaml.parse(schema, [], (fieldPath) => keysAt(kind, fieldPath));
  if (problem !== null && problem.powerW === null)
    powerCapsW(problem).forEach((cap, i) => {
      if (cap === Infinity)
        yaml.refuse(['users', i, 'powerCapW'], 'a cap in W where there is neither a budget (powerW) nor a common cap');
    });
  if (problem?.transport === 'analog') {
    const known = new Set(problem.users.map((user) => user.id));
    problem.interactions.forEach(({ users }, i) => {
      if (!users.every((user) => known.has(user))) yaml.refuse(['interactions', i, 'users'], pairText);
    });
  }
  if (problem === null || yaml.violations.length > 0)
    throw new InvalidInputError(yaml.violations.map((violation) => formatViolation(violation)));
  return problem;
}

/**
 * The same for a problem that is not in a file.
 * @throws InvalidInputError
 */
export function checkProblem(value: unknown): AllocationProblem {
  // Through JSON, NaN and infinities would become null, which some fields allow.
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'number' && !Number.isFinite(part) ? String(part) : part,
  );
  return readProblem('problem', text);
}
