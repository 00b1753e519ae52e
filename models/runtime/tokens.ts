import { TokenError } from './errors';

export type UserName = 'text' | 'visual' | 'audio';

/** Tokens of one user, float32, row-major [tokens, dimension]. */
export interface TokenMatrix {
  readonly data: Float32Array;
  readonly tokens: number;
  readonly dimension: number;
}

/** Token counts after pooling. */
export interface TokenLengths {
  readonly visual: number;
  readonly audio: number;
}

/** What the three users send, or what arrived of it, for one question. */
export interface QuestionTokens {
  readonly text: TokenMatrix;
  readonly visual: TokenMatrix;
  readonly audio: TokenMatrix;
}

/**
 * Refuses a matrix of another shape than [tokens, dimension] or with a value that is not finite.
 * @throws TokenError naming `what`.
 */
export function checkTokenMatrix(what: string, matrix: TokenMatrix, tokens: number, dimension: number): void {
  if (matrix.dimension !== dimension)
    throw new TokenError(`${what}: dimension is ${matrix.dimension}, allowed: ${dimension}`);
  if (matrix.tokens !== tokens) throw new TokenError(`${what}: tokens is ${matrix.tokens}, allowed: ${tokens}`);
  if (matrix.data.length !== tokens * dimension)
    throw new TokenError(`${what}: data has ${matrix.data.length} values, allowed: ${tokens * dimension}`);
  for (let index = 0; index < matrix.data.length; index++)
    if (!Number.isFinite(matrix.data[index]))
      throw new TokenError(`${what}: data[${index}] is ${matrix.data[index]}, allowed: finite values`);
}
