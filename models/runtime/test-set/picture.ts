import { TestSetError } from '../errors';

const FORMATS = 'PNG, JPEG, PGM or PPM (binary)';
const MOST_PIXELS = 64e6;

/** Grey levels 0..255, row-major [height, width]. */
export interface Picture {
  readonly grey: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** ITU-R BT.601 luma. */
function luma(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/**
 * Reads a picture as grey levels. Transparent parts are black.
 * @param file the name that messages show
 * @throws TestSetError
 */
export async function readPicture(bytes: Buffer, file: string): Promise<Picture> {
  if (/^P[1-6]\s/.test(bytes.toString('latin1', 0, 3))) return readPortable(bytes, file);
  // Loaded here alone: most runs have no pictures to decode.
  const { createCanvas, loadImage } = await import('@napi-rs/canvas');
  try {
    const image = await loadImage(bytes);
    const { width, height } = image;
    checkSize(width, height, file);
    const context = createCanvas(width, height).getContext('2d');
    context.fillStyle = 'black';
    context.fillRect(0, 0, width, height);
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const grey = new Float32Array(width * height);
    for (let index = 0; index < grey.length; index++)
      grey[index] = luma(data[4 * index] ?? 0, data[4 * index + 1] ?? 0, data[4 * index + 2] ?? 0);
    return { grey, width, height };
  } catch (cause) {
    if (cause instanceof TestSetError) throw cause;
    throw new TestSetError(file, 'contents', 'no picture that can be read', FORMATS, { cause });
  }
}

function checkSize(width: number, height: number, file: string): void {
  if (width < 1 || height < 1 || width * height > MOST_PIXELS)
    throw new TestSetError(file, 'size', `${width} x ${height}`, `1 to ${MOST_PIXELS / 1e6} million pixels`);
}

/** Netpbm's binary grey (P5) and colour (P6) maps, 8 or 16 bits. */
function readPortable(bytes: Buffer, file: string): Picture {
  // Three numbers, with comments allowed before each, and one white space before the pixels.
  const gap = '(?:\\s|#[^\\n]*\\n)+';
  const header = new RegExp(`^P([56])${gap}(\\d+)${gap}(\\d+)${gap}(\\d+)\\s`).exec(bytes.toString('latin1', 0, 4096));
  if (header === null) throw new TestSetError(file, 'contents', 'no picture that can be read', FORMATS);
  const [width, height, most] = [header[2], header[3], header[4]].map(Number) as [number, number, number];
  checkSize(width, height, file);
  if (most < 1 || most > 65535) throw new TestSetError(file, 'largest value', String(most), '1 to 65535');
  const channels = header[1] === '5' ? 1 : 3;
  const wide = most > 255;
  const pixels = bytes.subarray(header[0].length);
  const needed = width * height * channels * (wide ? 2 : 1);
  if (pixels.length < needed)
    throw new TestSetError(file, 'pixels', `truncated: ${pixels.length} bytes`, `${needed} bytes`);
  const level = (index: number): number =>
    (255 / most) * (wide ? pixels.readUInt16BE(2 * index) : pixels.readUInt8(index));
  const grey = Float32Array.from({ length: width * height }, (_, index) =>
    channels === 1 ? level(index) : luma(level(3 * index), level(3 * index + 1), level(3 * index + 2)),
  );
  return { grey, width, height };
}

/** Weights of a triangle filter that is as wide as the coarser of both grids, one row of inputs for each output. */
function axis(inputs: number, outputs: number): { first: number; weights: number[] }[] {
  const scale = inputs / outputs;
  const reach = Math.max(1, scale);
  return Array.from({ length: outputs }, (_, output) => {
    const centre = (output + 0.5) * scale;
    const first = Math.max(0, Math.ceil(centre - reach - 0.5));
    const last = Math.min(inputs - 1, Math.floor(centre + reach - 0.5));
    const weights = Array.from({ length: last - first + 1 }, (_each, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Grey levels 0..255, uint8 [height, width]; a picture of another aspect ratio is stretched. */
export function scalePicture(picture: Picture, width: number, height: number): Uint8Array {
  const columns = axis(picture.width, width);
  const rows = axis(picture.height, height);
  const narrow = new Float32Array(picture.height * width);
  for (let row = 0; row < picture.height; row++)
    columns.forEach(({ first, weights }, column) => {
      let sum = 0;
      weights.forEach((weight, k) => (sum += weight * (picture.grey[row * picture.width + first + k] ?? 0)));
      narrow[row * width + column] = sum;
    });
  const scaled = new Uint8Array(height * width);
  rows.forEach(({ first, weights }, row) => {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      weights.forEach((weight, k) => (sum += weight * (narrow[(first + k) * width + column] ?? 0)));
      scaled[row * width + column] = Math.round(Math.min(255, Math.max(0, sum)));
    }
  });
  return scaled;
}
