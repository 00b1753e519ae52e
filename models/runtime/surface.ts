import { z } from 'zod';

const finite = z.number();
const count = z.number().int().positive();
const share = z.number().min(0).max(1);

/** `a exp(-b L) + c` of one user: loss in nats over its token length L. Falls with L, so b > 0 and a >= 0. */
const tokenLossSchema = z.strictObject({ a: finite.min(0), b: finite.positive(), c: finite });

/**
 * How validation loss (cross-entropy of the right answer, nats) depends on what is sent: what allocation reads. The
 * users' terms add up: loss = sum over users of a exp(-b L) + c.
 */
export const surfaceSchema = z.strictObject({
  unit: z.literal('nats'),
  /** Es/N0 of all users at which `perUser` was fitted, dB. */
  snrDb: finite,
  perUser: z.strictObject({ visual: tokenLossSchema, audio: tokenLossSchema }),
  /** Of the fit at points that it did not see, nats. */
  rmsError: finite.min(0),
  /** The measurements themselves, validation questions; SNR is Es/N0, dB. */
  points: z
    .array(
      z.strictObject({
        visualTokens: count,
        audioTokens: count,
        visualSnrDb: finite,
        audioSnrDb: finite,
        textSnrDb: finite,
        loss: finite.min(0),
        accuracy: share,
        questions: count,
        heldOut: z.boolean(),
      }),
    )
    .min(1),
});

export type LossSurface = z.infer<typeof surfaceSchema>;
