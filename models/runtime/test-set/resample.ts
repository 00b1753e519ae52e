/** Zero crossings of the sinc on each side: with this window the step from pass band to -80 dB takes 11 % of the cutoff. */
const CROSSINGS = 48;
/** Where the filter is 6 dB down, as a share of the lower rate's half. */
const CUTOFF = 0.94;
/** Table points of a crossing; linear interpolation between them errs by less than -100 dB. */
const RESOLUTION = 512;
const KAISER_BETA = 8;

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Kaiser-windowed sinc at x = index / RESOLUTION zero crossings from its centre. */
const KERNEL = Float64Array.from({ length: CROSSINGS * RESOLUTION + 2 }, (_, index) => {
  const x = index / RESOLUTION;
  if (x >= CROSSINGS) return 0;
  const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  return (sinc * besselI0(KAISER_BETA * Math.sqrt(1 - (x / CROSSINGS) ** 2))) / besselI0(KAISER_BETA);
});

/**
 * Samples at another rate, band-limited (J. O. Smith, "Digital Audio Resampling"): flat to 0.88 of the lower rate's
 * half, 80 dB down beyond it. The first sample keeps its place in time; the result has ceil(n toHz / fromHz) samples.
 */
export function resample(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  if (fromHz === toHz) return samples.slice();
  // Zero crossings per input sample.
  const density = CUTOFF * Math.min(1, toHz / fromHz);
  const reach = CROSSINGS / density;
  const result = new Float32Array(Math.ceil((samples.length * toHz) / fromHz));
  for (let index = 0; index < result.length; index++) {
    const centre = (index * fromHz) / toHz;
    const last = Math.min(samples.length - 1, Math.floor(centre + reach));
    let sum = 0;
    for (let input = Math.max(0, Math.ceil(centre - reach)); input <= last; input++) {
      const place = Math.abs(input - centre) * density * RESOLUTION;
      const below = Math.floor(place);
      const lower = KERNEL[below] ?? 0;
      sum += (samples[input] ?? 0) * (lower + (place - below) * ((KERNEL[below + 1] ?? 0) - lower));
    }
    result[index] = sum * density;
  }
  return result;
}
