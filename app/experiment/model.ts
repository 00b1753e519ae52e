/** The task as the engine sees it. models/runtime's Bundle fits; tests write their own. */
import type { LossFit, LossSurface } from '../allocation';
import type { TokenMatrix } from '../link/types';
import type { UniformRandom } from '../units/random';
import type { UserName } from './schema';

export type UserTokens = Readonly<Record<UserName, TokenMatrix>>;

/** By user: [tokens] 1 where a token was not received. A user of which everything was is left out. */
export type ErasedTokens = Readonly<Partial<Record<UserName, Uint8Array>>>;

/** A question as the base station has it. */
export interface ReceivedQuestion {
  readonly question: number;
  /** Zeros where a token was not received. */
  readonly received: UserTokens;
  /** Absent: nothing is missing. */
  readonly erased?: ErasedTokens;
}

export interface ModelQuestion {
  readonly index: number;
  readonly family: string;
  readonly words: readonly string[];
  readonly answer: string;
}

export interface ModelAnswer {
  readonly word: string;
  readonly correct: boolean;
  /** Natural logarithm of the probability of the right answer. */
  readonly logProbability: number;
}

export interface TaskModel {
  readonly name: string;
  /** sha256 over the bundle, hex. */
  readonly hash: string;
  readonly questions: readonly ModelQuestion[];
  /** How many calls of `answer` it can work on at a time. */
  readonly parallelCalls: number;
  /** Accuracy (0 to 1) that knowing the questions' templates alone gives. */
  blindPrior(indices: readonly number[]): number;
  encode(indices: readonly number[], lengths: { visual: number; audio: number }): Promise<readonly UserTokens[]>;
  answer(batch: readonly ReceivedQuestion[]): Promise<readonly ModelAnswer[]>;
  /**
   * The channel contract's ideal AWGN channel at `snrDb` (Es/N0; Infinity: noise-free), a new matrix of the same shape.
   * @param normalisation over what power is one, default the burst
   */
  awgn(tokens: TokenMatrix, snrDb: number, random: UniformRandom, normalisation?: 'burst' | 'token'): TokenMatrix;
}

/** What a plan needs to know of a bundle. */
export interface BundleFacts {
  readonly name: string;
  readonly hash: string;
  /** The user's own test set in place of the bundle's samples: its list, and the sha256 over all of it. */
  readonly testSet?: { readonly file: string; readonly hash: string } | null;
  readonly task: string | null;
  /** How many questions it holds. */
  readonly questions: number;
  readonly tokenLengths: Readonly<Record<'visual' | 'audio', readonly number[]>>;
  /** Values of a token. */
  readonly dimensions: Readonly<Record<UserName, number>>;
  /** Every token length that a question's text has, ascending. */
  readonly textTokens: readonly number[];
  /** Measured loss over what is sent; null or absent: not measured. */
  readonly surface?: MeasuredSurface | null;
}

/** Of a bundle's manifest what allocation uses. */
export interface MeasuredSurface {
  readonly users: Readonly<Partial<Record<UserName, { readonly loss?: LossFit; readonly surface: LossSurface }>>>;
  /** Products of two users' losses that count too. */
  readonly interactions?: readonly { readonly users: readonly [string, string]; readonly coefficient: number }[];
  readonly rmsError: { readonly loss: number; readonly surface: number };
}

/** A user's own test set that cannot be used, where the bundle itself can. The message is one line. */
export class TestSetRefused extends Error {
  override readonly name = 'TestSetRefused';
}

/** The bundle cannot be looked into at present (a run has the machine): nothing is said about it. */
export class InspectionDeferred extends Error {
  override readonly name = 'InspectionDeferred';
}
