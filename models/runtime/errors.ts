/** A bundle that cannot be used. The message is one line: file, field, what was found, what is allowed. */
export class BundleError extends Error {
  override readonly name: string = 'BundleError';

  constructor(
    /** File of the bundle, relative to its folder. */
    readonly file: string,
    /** Field of that file, for example `schemaVersion` or `sha256`. */
    readonly field: string,
    readonly found: string,
    readonly allowed: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${field} is ${found}, allowed: ${allowed}`.replace(/\s*\n\s*/g, ' '), options);
  }
}

/** A user's own test set that cannot be used; `file` is relative to its list. */
export class TestSetError extends BundleError {
  override readonly name = 'TestSetError';
}

/** Tokens, lengths or indices that a bundle refuses. The message is one line. */
export class TokenError extends RangeError {
  override readonly name = 'TokenError';
}
