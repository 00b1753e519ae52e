const MU = 255;

/** Sample in [-1, 1] of each 8-bit code: continuous mu-law, 255 levels around code 128 (not G.711 segments). */
const DECODED = Float32Array.from({ length: 256 }, (_, code) => {
  const compressed = (code - 128) / 127;
  return (Math.sign(compressed) * Math.expm1(Math.abs(compressed) * Math.log1p(MU))) / MU;
});

/** float32 samples of mu-law codes. */
export function decodeMuLaw(codes: Uint8Array): Float32Array {
  return Float32Array.from(codes, (code) => DECODED[code] ?? 0);
}
