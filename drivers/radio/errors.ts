/** What can go wrong with a radio. The first ten are also the addon's codes. */
export type RadioErrorCode =
  | 'not-found'
  | 'wrong-device'
  | 'transmit-refused'
  | 'transmit-disabled'
  | 'unsupported'
  | 'out-of-range'
  | 'queue-full'
  | 'closed'
  | 'timed-out'
  | 'driver-failed'
  | 'native-missing';

const codes: ReadonlySet<string> = new Set<RadioErrorCode>([
  'not-found',
  'wrong-device',
  'transmit-refused',
  'transmit-disabled',
  'unsupported',
  'out-of-range',
  'queue-full',
  'closed',
  'timed-out',
  'driver-failed',
  'native-missing',
]);

/** An error of a radio: a code for programs, one line for people, and where it helps the field that is at fault. */
export class RadioError extends Error {
  override readonly name = 'RadioError';

  constructor(
    readonly code: RadioErrorCode,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message.replace(/\s*[\r\n]+\s*/g, ' '));
  }

  /** Whatever was thrown (by the addon, mostly) as a RadioError. */
  static from(thrown: unknown): RadioError {
    if (thrown instanceof RadioError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const code = thrown instanceof Error ? (thrown as Error & { code?: unknown }).code : undefined;
    const known = typeof code === 'string' && codes.has(code) ? (code as RadioErrorCode) : 'driver-failed';
    // The addon names a field as "field: ..." or "field is value; allowed: ...".
    const field = /^([A-Za-z][A-Za-z0-9.]*)(?:: | is .*; allowed: )/.exec(message)?.[1] ?? null;
    return new RadioError(known, message, known === 'out-of-range' || known === 'wrong-device' ? field : null);
  }
}

/** Runs a call of the addon; what it throws or rejects with comes out as a RadioError. */
export async function radioCall<T>(call: () => Promise<T> | T): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw RadioError.from(thrown);
  }
}
