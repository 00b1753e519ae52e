/**
 * How tokens travel: how many channel uses each mapping takes, and what digital formats fit into them. The same rules as
 * native/phy's (header.hpp, fec/digital.hpp, docs/digital.md), which the radio process applies again.
 */
import type { DigitalRequest, EffectiveSnrDb, Modulation } from '../link/types';
import { MODULATIONS, USERS, type Sections, type UserName } from './schema';

export type ByUser<T> = Readonly<Record<UserName, T>>;
export interface Shape {
  readonly tokens: number;
  readonly dimension: number;
}

/** Complex payload symbols of an OFDM symbol. */
export const CHANNEL_USES_PER_SYMBOL = 48;
/** With normalisation `token` each token's norm takes so many payload symbols. */
const NORM_SYMBOLS = 2;

const MAX_CODE_RATE = 0.92;
const DESCRIPTOR_BITS = 24;
const STEP_BITS = 9;
const BLOCK_CRC_BITS = 24;
const BITS_PER_SYMBOL: Readonly<Record<Modulation, number>> = { qpsk: 2, '16qam': 4, '64qam': 6, '256qam': 8 };

type Transport = Sections['transport'];
type ArmView = Pick<Sections, 'arm' | 'transport' | 'users'>;

export function isDigital({ transport }: Pick<Sections, 'transport'>): boolean {
  return transport.mapping === 'digital';
}

/** Two real values a complex symbol, the last OFDM symbol filled up. */
export function analogOfdmSymbols(shape: Shape, normalisation: Transport['normalisation']): number {
  const norms = normalisation === 'token' ? NORM_SYMBOLS * shape.tokens : 0;
  return Math.ceil((Math.ceil((shape.tokens * shape.dimension) / 2) + norms) / CHANNEL_USES_PER_SYMBOL);
}

/** Fewest channel uses that carry such tokens (fec::leastChannelUses). */
export function leastChannelUses({ tokens, dimension }: Shape, bitsPerValue: number, modulation: Modulation): number {
  const payload = DESCRIPTOR_BITS + tokens * (STEP_BITS + dimension * bitsPerValue);
  const total = payload + (payload > 3824 ? 24 : 16);
  const largest = payload <= 292 ? 3840 : 8448;
  const blocks = total > largest ? Math.ceil(total / (largest - BLOCK_CRC_BITS)) : 1;
  const blockBits = blocks > 1 ? Math.ceil(total / blocks) + BLOCK_CRC_BITS : total;
  return blocks * Math.ceil(blockBits / (MAX_CODE_RATE * BITS_PER_SYMBOL[modulation]));
}

/**
 * Payload OFDM symbols of each user's burst. Digital bursts have as many as the analog mapping of the same tokens would
 * take, or as those of the arm that `channelUsesOf` names; `shares` then divides the sum anew.
 * @param shapes of the arm's own tokens
 */
export function payloadOfdmSymbols(arm: ArmView, arms: readonly ArmView[], shapes: ByUser<Shape>): ByUser<number> {
  const { digital, mapping } = arm.transport;
  const other = mapping === 'digital' ? arms.find(({ arm: name }) => name === digital.channelUsesOf) : undefined;
  const { transport, users } = other ?? arm;
  const own = {
    text: shapes.text,
    visual: { ...shapes.visual, tokens: users.visual.tokens },
    audio: { ...shapes.audio, tokens: users.audio.tokens },
  };
  const symbols = USERS.map((user) => analogOfdmSymbols(own[user], transport.normalisation));
  return byUser(
    mapping === 'digital' && digital.shares !== undefined
      ? divided(
          symbols.reduce((sum, one) => sum + one, 0),
          USERS.map((user) => digital.shares?.[user] ?? 0),
        )
      : symbols,
  );
}

function byUser([text, visual, audio]: readonly number[]): ByUser<number> {
  return { text: text as number, visual: visual as number, audio: audio as number };
}

/** Shapes of what an arm's users send with a question of so many words. */
export function shapesOf(
  { users }: Pick<ArmView, 'users'>,
  dimensions: ByUser<number>,
  textTokens: number,
): ByUser<Shape> {
  return {
    text: { tokens: textTokens, dimension: dimensions.text },
    visual: { tokens: users.visual.tokens, dimension: dimensions.visual },
    audio: { tokens: users.audio.tokens, dimension: dimensions.audio },
  };
}

/** Of all users together. */
export function channelUsesOfTrial(
  arm: ArmView,
  arms: readonly ArmView[],
  dimensions: ByUser<number>,
  textTokens: number,
): number {
  const symbols = payloadOfdmSymbols(arm, arms, shapesOf(arm, dimensions, textTokens));
  return CHANNEL_USES_PER_SYMBOL * USERS.reduce((sum, user) => sum + symbols[user], 0);
}

/** Whole parts of `total` by largest remainders, at least one each. */
function divided(total: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((all, share) => all + share, 0);
  const free = Math.max(0, total - shares.length);
  const exact = shares.map((share) => (free * share) / sum);
  const parts = exact.map(Math.floor);
  const order = exact.map((_, i) => i).sort((a, b) => ((exact[b] ?? 0) % 1) - ((exact[a] ?? 0) % 1) || a - b);
  let left = free - parts.reduce((all, part) => all + part, 0);
  for (const i of order) {
    if (left <= 0) break;
    parts[i] = (parts[i] ?? 0) + 1;
    left--;
  }
  return parts.map((part) => part + 1);
}

/** What the file leaves open is null. */
export function openFormat({ digital }: Transport): Pick<DigitalRequest, 'bitsPerValue' | 'modulation'> {
  return {
    bitsPerValue: digital.bitsPerValue === 'auto' ? null : digital.bitsPerValue,
    modulation: digital.modulation === 'auto' ? null : digital.modulation,
  };
}

/**
 * Each user's digital burst; undefined for the analog mapping.
 * @param effectiveSnrDb by the point's sounding
 */
export function digitalRequests(
  arm: ArmView,
  arms: readonly ArmView[],
  shapes: ByUser<Shape>,
  effectiveSnrDb: ByUser<EffectiveSnrDb> | null,
): ByUser<DigitalRequest> | undefined {
  if (!isDigital(arm)) return undefined;
  const { targetPer, marginDb } = arm.transport.digital;
  const symbols = payloadOfdmSymbols(arm, arms, shapes);
  const request = (user: UserName): DigitalRequest => ({
    ...openFormat(arm.transport),
    payloadOfdmSymbols: symbols[user],
    effectiveSnrDb: effectiveSnrDb?.[user] ?? null,
    targetPer,
    marginDb,
  });
  return { text: request('text'), visual: request('visual'), audio: request('audio') };
}

/** Of what the file leaves open, the least that any format needs. */
function leastOfAny(shape: Shape, { bitsPerValue, modulation }: ReturnType<typeof openFormat>): number {
  return leastChannelUses(shape, bitsPerValue ?? 2, modulation ?? (MODULATIONS.at(-1) as Modulation));
}

/** Where even the shortest format of an arm does not fit. One line for each user, the tightest of its text lengths. */
export function misfits(
  arm: ArmView,
  arms: readonly ArmView[],
  dimensions: ByUser<number>,
  textTokens: readonly number[],
): { readonly user: UserName; readonly detail: string }[] {
  if (!isDigital(arm)) return [];
  const open = openFormat(arm.transport);
  const found = new Map<UserName, string>();
  for (const tokens of textTokens) {
    const shapes = shapesOf(arm, dimensions, tokens);
    const symbols = payloadOfdmSymbols(arm, arms, shapes);
    for (const user of USERS) {
      const least = leastOfAny(shapes[user], open);
      const uses = CHANNEL_USES_PER_SYMBOL * symbols[user];
      if (least > uses && !found.has(user))
        found.set(
          user,
          `${open.bitsPerValue ?? 2} bits per value with ${open.modulation ?? '256qam'} need ${least} channel uses for ${shapes[user].tokens} x ${shapes[user].dimension} values of ${user}, and there are ${uses}`,
        );
    }
  }
  return [...found].map(([user, detail]) => ({ user, detail }));
}
