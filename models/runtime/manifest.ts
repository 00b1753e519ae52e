import { z } from 'zod';
import { BundleError } from './errors';
import { surfaceSchema } from './surface';

export const MANIFEST_FILE = 'manifest.json';
export const SCHEMA_VERSION = 1;

const count = z.number().int().positive();
const share = z.number().min(0).max(1);
const named = z.string().trim().min(1);
// A bundle is one flat folder: a name with a separator could point outside.
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
const size = z.union([count, z.string().min(1)]);

const tensorSchema = z.object({ name: z.string(), type: z.enum(['float32', 'int64']), shape: z.array(size) });
const graphSchema = z.object({
  file: fileName,
  opset: count,
  inputs: z.array(tensorSchema),
  outputs: z.array(tensorSchema),
});
const tableSchema = z.object({ file: fileName, type: z.literal('float32'), shape: z.array(count).min(1) });
const accuracySchema = z.object({ accuracy: share, questions: count });
const poolingUserSchema = z.object({
  dimension: count,
  patches: count,
  featureDimension: count,
  allowedTokens: z.array(count).min(1),
});

const machineSchema = z.record(z.string(), z.union([z.number(), z.string()]));

const stepSchema = z.object({
  key: z.string(),
  wallSeconds: z.number().min(0),
  cpuSeconds: z.number().min(0).nullable(),
  /** How often a killed training took the step up again. */
  resumed: z.number().int().min(0),
  finishedAt: z.string(),
  machine: machineSchema,
  /** How the result came here, when it was not trained in this run. */
  note: z.string().optional(),
});

/** manifest.json of a bundle, schema version 1. Sizes in a shape are numbers, or a name where they are free. */
export const manifestSchema = z.object({
  schemaVersion: z.literal(SCHEMA_VERSION),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and hyphens, at most 64'),
  /** What an experiment file's task.name must say; without it the bundle's name. */
  task: z.string().min(1).optional(),
  /** `full`, or `quick` for a bundle that is hardly trained and only fit for tests. */
  preset: z.enum(['full', 'quick']).default('full'),
  files: z.array(z.object({ file: fileName, bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) })).min(1),
  graphs: z.object({ visualEncoder: graphSchema, audioEncoder: graphSchema, answerModel: graphSchema }),
  tables: z.object({
    wordEmbedding: tableSchema,
    visualPositions: tableSchema,
    audioPositions: tableSchema,
    visualProjectionWeight: tableSchema,
    visualProjectionBias: tableSchema,
    audioProjectionWeight: tableSchema,
    audioProjectionBias: tableSchema,
  }),
  samples: z.object({
    scenes: count,
    questions: count,
    questionFile: fileName,
    pictures: z.object({
      file: fileName,
      encoding: z.literal('gzip'),
      type: z.literal('uint8'),
      shape: z.tuple([count, count, count]),
    }),
    sounds: z.object({
      file: fileName,
      encoding: z.literal('gzip'),
      type: z.literal('mu-law-uint8'),
      shape: z.tuple([count, count]),
      sampleRateHz: z.number().positive(),
    }),
  }),
  vocabulary: z.array(z.string().min(1)).min(2),
  families: z.array(z.string().min(1)).min(1),
  users: z.object({
    text: z.object({ dimension: count, maximumTokens: count }),
    visual: poolingUserSchema,
    audio: poolingUserSchema,
  }),
  /** Accuracy of the majority answer per question text, counted on training questions, scored on the test questions. */
  blindPrior: z.object({ overall: accuracySchema, perFamily: z.record(z.string(), accuracySchema) }).optional(),
  /** Measured in training over `idealAwgnChannel`, all users at one SNR and both token lengths alike. */
  offlineAccuracy: z
    .object({
      channel: z.literal('ideal-awgn-lmmse'),
      rows: z.array(accuracySchema.extend({ tokens: count, snrDb: z.number() })).min(1),
      noiseFree: z.array(accuracySchema.extend({ tokens: count })).min(1),
      /** At 20 dB and 16 tokens. */
      perFamily: z.record(z.string(), accuracySchema),
      /** Questions about spoken digits at 20 dB and 16 tokens: unseen voices, and training voices that say the same. */
      spokenQuestionsPerSynthesiser: z.record(z.string(), accuracySchema),
      spokenQuestionsOfKnownVoices: z.record(z.string(), accuracySchema).optional(),
      /** One user at `snrDb`, the others at 20 dB, 16 tokens. */
      noisyUser: z
        .array(accuracySchema.extend({ user: z.enum(['visual', 'audio', 'text']), snrDb: z.number() }))
        .optional(),
    })
    .optional(),
  /** PyTorch outputs for the first questions: one file of float32, `offset` counts values. */
  reference: z
    .object({
      file: fileName,
      questions: count,
      sets: z.array(z.object({ name: z.string(), visualTokens: count, audioTokens: count })).min(1),
      tensors: z.array(z.object({ name: z.string(), shape: z.array(count).min(1), offset: z.number().int().min(0) })),
    })
    .optional(),
  /** Measured loss over token lengths and SNR; absent until it was measured. */
  surface: surfaceSchema.optional(),
  licences: z.array(z.object({ what: named, source: named, licence: named })).min(1),
  seeds: z.record(z.string(), z.number().int()).default({}),
  training: z
    .object({
      command: z.string(),
      finishedAt: z.string(),
      recipe: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
      /** Of each step: key (hash of code, recipe fields and earlier steps), time, machine. */
      steps: z.record(z.string(), stepSchema).optional(),
      wallSeconds: z.record(z.string(), z.number().min(0)),
      totalWallSeconds: z.number().min(0),
      /** User and system time of all threads. */
      totalCpuSeconds: z.number().min(0).optional(),
      logs: z.record(z.string(), z.array(z.record(z.string(), z.number()))),
    })
    .optional(),
});

export type BundleManifest = z.infer<typeof manifestSchema>;

export const questionsSchema = z.array(
  z.object({
    scene: z.number().int().min(0),
    family: z.string(),
    words: z.string().min(1),
    answer: z.string(),
    blindAnswer: z.string(),
  }),
);

/**
 * `data` checked by `schema`.
 * @throws BundleError naming the first field of `file` that is wrong
 */
export function parseWith<T>(schema: z.ZodType<T>, data: unknown, file: string): T {
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join('.') || '(root)';
  throw new BundleError(file, field, describe(data, issue?.path ?? []), issue?.message ?? 'valid data');
}

/** JSON value of a text. @throws BundleError */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new BundleError(file, '(root)', cause instanceof Error ? cause.message : 'not JSON', 'JSON', { cause });
  }
}

/** The manifest in `text`. @throws BundleError, before all else for a newer schema version */
export function parseManifest(text: string): BundleManifest {
  const data = parseJson(text, MANIFEST_FILE);
  const version = z.object({ schemaVersion: z.number() }).safeParse(data);
  if (version.success && version.data.schemaVersion > SCHEMA_VERSION)
    throw new BundleError(
      MANIFEST_FILE,
      'schemaVersion',
      String(version.data.schemaVersion),
      `${SCHEMA_VERSION} (the bundle is newer than this program)`,
    );
  const manifest = parseWith(manifestSchema, data, MANIFEST_FILE);
  checkManifest(manifest);
  return manifest;
}

/** What no single field can tell. @throws BundleError */
function checkManifest({ vocabulary, users }: BundleManifest): void {
  const refuse = (field: string, found: string, allowed: string): never => {
    throw new BundleError(MANIFEST_FILE, field, found, allowed);
  };
  vocabulary.forEach((word, index) => {
    if (vocabulary.indexOf(word) !== index) refuse(`vocabulary.${index}`, word, 'every word once');
    if (/\s/.test(word)) refuse(`vocabulary.${index}`, JSON.stringify(word), 'one word');
  });
  for (const user of ['visual', 'audio'] as const)
    users[user].allowedTokens.forEach((tokens, index, all) => {
      const least = (all[index - 1] ?? 0) + 1;
      if (tokens < least || tokens > users[user].patches)
        refuse(
          `users.${user}.allowedTokens.${index}`,
          String(tokens),
          `integers from 1 to ${users[user].patches} (patches), ascending`,
        );
    });
}

function describe(data: unknown, path: readonly PropertyKey[]): string {
  let value = data;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return 'missing';
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  if (value === undefined) return 'missing';
  const shown = JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
