import type { RadioErrorCode } from '../../drivers/radio';

/** The radio layer's codes, and those of the way to and from a radio process. */
export type LinkErrorCode =
  | RadioErrorCode
  | 'process-lost'
  | 'malformed-message'
  | 'mixed-drivers'
  | 'bad-setup'
  | 'bad-partition'
  | 'no-sounding'
  | 'failed';

/** Why the link cannot do what was asked: a code for programs, one line for people. */
export class LinkError extends Error {
  override readonly name = 'LinkError';

  constructor(
    readonly code: LinkErrorCode,
    message: string,
  ) {
    super(message.replace(/\s*[\r\n]+\s*/g, ' '));
  }

  /** Whatever was thrown as a LinkError; codes of known errors are kept. */
  static from(thrown: unknown): LinkError {
    if (thrown instanceof LinkError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const code = thrown instanceof Error ? (thrown as Error & { code?: unknown }).code : undefined;
    return new LinkError(isLinkErrorCode(code) ? code : 'failed', message);
  }
}

const codes: Record<LinkErrorCode, true> = {
  'not-found': true,
  'wrong-device': true,
  'transmit-refused': true,
  'transmit-disabled': true,
  unsupported: true,
  'out-of-range': true,
  'queue-full': true,
  closed: true,
  'timed-out': true,
  'driver-failed': true,
  'native-missing': true,
  'process-lost': true,
  'malformed-message': true,
  'mixed-drivers': true,
  'bad-setup': true,
  'bad-partition': true,
  'no-sounding': true,
  failed: true,
};

export function isLinkErrorCode(code: unknown): code is LinkErrorCode {
  return typeof code === 'string' && Object.hasOwn(codes, code);
}
