/** Models at run time: bundles of trained networks, pooling, and the ideal channel they were trained on. */
export { Bundle, type Answer, type BundleOptions } from './bundle';
export { readBundleSamples, type BundleSamples } from './bundle-samples';
export { idealAwgnChannel, type Normalisation } from './channel';
export { BundleError, TestSetError, TokenError } from './errors';
export type { BundleManifest } from './manifest';
export { measureParity, type Parity } from './parity';
export { poolingMatrix } from './pooling';
export type { Question } from './samples';
export type { LossSurface } from './surface';
export type { QuestionTokens, TokenLengths, TokenMatrix, UserName } from './tokens';
export { BUNDLE_LIMIT_BYTES, verifyBundle, type BundleReport } from './verify';
