import { z } from 'zod';

const finite = z.number();
const fromZero = z.number().min(0);
const count = z.number().int().positive();
const share = z.number().min(0).max(1);
const rises = (values: readonly number[]): boolean => values.every((v, i) => i === 0 || v > (values[i - 1] as number));
const rising = (value: z.ZodNumber): z.ZodArray<z.ZodNumber> => z.array(value).min(1).refine(rises, 'rising numbers');

/** a exp(-b L) + c: what allocation calls a user's `loss`. */
const lossSchema = z.strictObject({ a: fromZero, b: fromZero, c: finite });

/** What allocation calls a user's `surface` (docs/allocation.md): loss over token length and SNR, in one of two forms. */
const userSurfaceSchema = z
  .discriminatedUnion('form', [
    z.strictObject({
      form: z.literal('exponential'),
      snrDb: rising(finite),
      a: z.array(fromZero),
      b: z.array(fromZero),
      c: z.array(finite),
    }),
    z.strictObject({
      form: z.literal('table'),
      snrDb: rising(finite),
      lengths: rising(z.number().positive()),
      /** A row for each snrDb, a number for each of lengths. */
      loss: z.array(z.array(finite)),
    }),
  ])
  .superRefine((surface, context) => {
    const refuse = (field: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [field], message });
    };
    const rows = surface.snrDb.length;
    if (surface.form === 'exponential') {
      for (const field of ['a', 'b', 'c'] as const)
        if (surface[field].length !== rows) refuse(field, `one number for each of ${rows} snrDb`);
    } else if (surface.loss.length !== rows || surface.loss.some((row) => row.length !== surface.lengths.length))
      refuse('loss', `${rows} rows (snrDb) of ${surface.lengths.length} numbers (lengths)`);
  });

/** `loss` was fitted with every user at `lossSnrDb`. */
const pooledUserSchema = z.strictObject({ loss: lossSchema, lossSnrDb: finite, surface: userSurfaceSchema });

const userName = z.enum(['visual', 'audio', 'text']);

/**
 * Measured validation loss (cross-entropy of the right answer, nats) over what is sent, SNR as Es/N0: the sum of the
 * users' terms, and of `coefficient` times both terms for each of `interactions` (a question that was not understood
 * gains nothing from a good picture).
 */
export const surfaceSchema = z.strictObject({
  unit: z.literal('nats'),
  users: z.strictObject({
    visual: pooledUserSchema,
    audio: pooledUserSchema,
    /** Words are not pooled: their loss depends on SNR alone. */
    text: z.strictObject({ surface: userSurfaceSchema }).optional(),
  }),
  interactions: z
    .array(
      z.strictObject({
        users: z.tuple([userName, userName]).refine(([one, other]) => one !== other, 'two different users'),
        coefficient: finite,
      }),
    )
    .optional(),
  /** Of the forms at points that the fits did not see, nats; `additive`: the best surfaces without interactions. */
  rmsError: z.strictObject({ loss: fromZero, surface: fromZero, additive: fromZero.optional() }),
  /** The measurements themselves. */
  points: z
    .array(
      z.strictObject({
        visualTokens: count,
        audioTokens: count,
        visualSnrDb: finite,
        audioSnrDb: finite,
        textSnrDb: finite,
        loss: fromZero,
        accuracy: share,
        questions: count,
        heldOut: z.boolean(),
      }),
    )
    .min(1),
});

export type LossSurface = z.infer<typeof surfaceSchema>;
