/** Spectra over time: one line a view, the newest on top, density as colour. */

/** Lines kept; at 20 a second 12 s. */
const LINES = 240;

/** Anchors of the viridis map: even steps of lightness, also without colour vision. */
const ANCHORS = [
  [68, 1, 84],
  [72, 40, 120],
  [62, 74, 137],
  [49, 104, 142],
  [38, 130, 142],
  [31, 158, 137],
  [53, 183, 121],
  [110, 206, 88],
  [181, 222, 43],
  [253, 231, 37],
] as const;

const COLORS = Uint32Array.from({ length: 256 }, (_, i) => {
  const place = (i / 255) * (ANCHORS.length - 1);
  const index = Math.min(Math.floor(place), ANCHORS.length - 2);
  const [from, to] = [ANCHORS[index] ?? ANCHORS[0], ANCHORS[index + 1] ?? ANCHORS[0]];
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(from[channel] + (place - index) * (to[channel] - from[channel]));
  // Little-endian: red is the lowest byte.
  return ((255 << 24) | (mix(2) << 16) | (mix(1) << 8) | mix(0)) >>> 0;
});

/** The map as a CSS gradient, for the key. */
export const WATERFALL_GRADIENT = `linear-gradient(to right, ${ANCHORS.map((rgb) => `rgb(${rgb.join(' ')})`).join(', ')})`;

interface DensityRange {
  readonly min: number;
  readonly max: number;
}

export class Waterfall {
  /** Rings of lines, as densities and as pixels; `next` is the line that is written next. */
  private readonly densities: (Float32Array | null)[] = Array.from({ length: LINES }, () => null);
  private readonly ring = document.createElement('canvas');
  private line: ImageData | null = null;
  private next = 0;
  private range: DensityRange = { min: 0, max: 1 };

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.ring.height = LINES;
  }

  clear(): void {
    this.next = 0;
    this.densities.fill(null);
    this.ring.width = 0;
    this.line = null;
    this.canvas.getContext('2d')?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param range densities of the darkest and the brightest colour; another one than before colours all lines anew */
  add(densitiesDb: Float32Array, range: DensityRange): void {
    if (densitiesDb.length === 0) return;
    if (this.ring.width !== densitiesDb.length) {
      this.clear();
      this.ring.width = densitiesDb.length;
    }
    const at = this.next;
    this.densities[at] = densitiesDb;
    this.next = (at + 1) % LINES;
    if (range.min === this.range.min && range.max === this.range.max) return this.color(at);
    this.range = range;
    this.densities.forEach((_, line) => this.color(line));
  }

  private color(at: number): void {
    const context = this.ring.getContext('2d');
    const densitiesDb = this.densities[at] ?? null;
    if (context === null || densitiesDb === null) return;
    this.line ??= context.createImageData(densitiesDb.length, 1);
    const pixels = new Uint32Array(this.line.data.buffer);
    const { min, max } = this.range;
    const scale = 255 / Math.max(max - min, 1e-9);
    for (let i = 0; i < densitiesDb.length; i++) {
      const level = Math.round(((densitiesDb[i] ?? min) - min) * scale);
      pixels[i] = COLORS[Math.min(255, Math.max(0, level))] ?? 0;
    }
    context.putImageData(this.line, 0, at);
  }

  /** The newest line at the top. */
  draw(): void {
    const { canvas, ring } = this;
    const { clientWidth, clientHeight } = canvas;
    if (canvas.width !== clientWidth || canvas.height !== clientHeight) {
      canvas.width = clientWidth;
      canvas.height = clientHeight;
    }
    const context = canvas.getContext('2d');
    if (context === null || ring.width === 0 || canvas.width === 0 || canvas.height === 0) return;
    context.imageSmoothingEnabled = false;
    const lines = Math.min(LINES, canvas.height);
    const lineHeight = canvas.height / lines;
    // Newest to oldest go downwards: both parts of the ring are drawn upside down.
    context.save();
    context.translate(0, canvas.height);
    context.scale(1, -1);
    const last = this.next; // one past the newest
    const first = Math.min(last, lines);
    context.drawImage(
      ring,
      0,
      last - first,
      ring.width,
      first,
      0,
      (lines - first) * lineHeight,
      canvas.width,
      first * lineHeight,
    );
    const rest = lines - first;
    if (rest > 0) context.drawImage(ring, 0, LINES - rest, ring.width, rest, 0, 0, canvas.width, rest * lineHeight);
    context.restore();
  }
}
