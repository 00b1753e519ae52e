/** From what a trial asks of the digital mapping to formats, and from what the decoder said to what became of a burst. */
import type { Native, ReceivedBurst } from '../../drivers/radio';
import { LinkError } from './errors';
import type { BurstRequest, DigitalFormat, DigitalRequest, DigitalResult, TokenMatrix } from './types';

/** A digital burst's format, with what it was chosen by. */
export type ChosenFormat = DigitalFormat &
  Pick<DigitalResult, 'codeRate' | 'codeBlocks' | 'effectiveSnrDb' | 'requiredSnrDb' | 'meetsTarget'>;

/**
 * What is fixed stays, the rest link adaptation chooses; null for the analog mapping.
 * @throws LinkError no-sounding (nothing to choose by), out-of-range (no format carries so many tokens)
 */
export function chosenFormat({ user, tokens, digital }: BurstRequest, native: Native): ChosenFormat | null {
  if (digital === undefined) return null;
  const { tokens: count, dimension } = tokens;
  const format = fixedFormat(digital) ?? adapted(user, tokens, digital, native);
  const shaped = { tokens: count, dimension, ...format };
  try {
    const { codeRate, codeBlocks } = native.digitalPlan(shaped);
    const requiredSnrDb = native.requiredSnrDb(shaped, digital.targetPer);
    const effectiveSnrDb = digital.effectiveSnrDb?.[format.modulation] ?? null;
    const meetsTarget = effectiveSnrDb === null ? null : effectiveSnrDb - requiredSnrDb >= digital.marginDb;
    return { ...format, codeRate, codeBlocks, effectiveSnrDb, requiredSnrDb, meetsTarget };
  } catch (error) {
    throw new LinkError('out-of-range', `bursts.digital: of ${user}: ${(error as Error).message}`);
  }
}

function fixedFormat({ bitsPerValue, modulation, payloadOfdmSymbols }: DigitalRequest): DigitalFormat | null {
  return bitsPerValue === null || modulation === null ? null : { bitsPerValue, modulation, payloadOfdmSymbols };
}

function adapted(
  user: string,
  { tokens, dimension }: TokenMatrix,
  digital: DigitalRequest,
  native: Native,
): DigitalFormat {
  const { effectiveSnrDb, ...limits } = digital;
  if (effectiveSnrDb === null)
    throw new LinkError(
      'no-sounding',
      `bursts.digital.effectiveSnrDb: missing for ${user}; allowed that of a sounding where a format is to be chosen`,
    );
  const format = native.adaptFormat({ tokens, dimension, effectiveSnrDb, ...limits });
  if (format === null)
    throw new LinkError(
      'out-of-range',
      `bursts.digital.payloadOfdmSymbols: ${digital.payloadOfdmSymbols} for ${user}; allowed as many as ${tokens} x ${dimension} values need`,
    );
  const { bitsPerValue, modulation, payloadOfdmSymbols } = format;
  return { bitsPerValue, modulation, payloadOfdmSymbols };
}

/** @param found null: the burst was lost, and with it every token */
export function digitalResult(
  chosen: ChosenFormat | null,
  found: ReceivedBurst | null,
  tokens: number,
): DigitalResult | null {
  if (chosen === null) return null;
  const heard = found?.digital ?? null;
  return {
    ...chosen,
    codeBlocksLost: heard === null || found?.data === null ? chosen.codeBlocks : heard.codeBlocksLost,
    decoderIterations: heard?.decoderIterations ?? 0,
    erased:
      heard === null || heard.erased.length !== tokens ? new Uint8Array(tokens).fill(1) : Uint8Array.from(heard.erased),
  };
}
