/** A trial's picture, sound, symbols and channel on canvases. */
import { useEffect, useRef, useState, type ReactElement, type RefObject } from 'react';
import { decibels } from '../format';

/** Draws at the screen's own resolution, and again when the colour scheme changes. */
function useDrawing(
  width: number,
  height: number,
  draw: (context: CanvasRenderingContext2D, colour: (name: string) => string) => void,
): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => {
      const element = canvas.current;
      const context = element?.getContext('2d');
      if (!element || !context) return;
      const ratio = window.devicePixelRatio;
      element.width = width * ratio;
      element.height = height * ratio;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      const style = getComputedStyle(document.documentElement);
      context.font = '11px system-ui, sans-serif';
      draw(context, (name) => style.getPropertyValue(name).trim());
    };
    redraw();
    scheme.addEventListener('change', redraw);
    return () => scheme.removeEventListener('change', redraw);
  });
  return canvas;
}

/** Grey levels as the encoder gets them, each pixel a square. */
export function Picture({
  width,
  height,
  pixels,
}: {
  width: number;
  height: number;
  pixels: Uint8Array;
}): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = context.createImageData(width, height);
    pixels.forEach((level, index) => image.data.set([level, level, level, 255], 4 * index));
    context.putImageData(image, 0, 0);
  }, [width, height, pixels]);
  return (
    <canvas
      id="trial-picture"
      className="picture"
      width={width}
      height={height}
      ref={canvas}
      role="img"
      aria-label={`The picture that was sent, ${width} by ${height} pixels, grey`}
    />
  );
}

const WAVE = { width: 220, height: 48 } as const;

export function Sound({ sampleRateHz, samples }: { sampleRateHz: number; samples: Float32Array }): ReactElement {
  const [playing, setPlaying] = useState(false);
  const source = useRef<{ context: AudioContext; node: AudioBufferSourceNode } | null>(null);
  const stop = (): void => {
    const old = source.current;
    source.current = null;
    setPlaying(false);
    if (old === null) return;
    old.node.onended = null;
    void old.context.close();
  };
  // The sound of one trial does not go on under another.
  useEffect(() => stop, [samples]);
  const play = (): void => {
    const context = new AudioContext();
    const buffer = context.createBuffer(1, samples.length, sampleRateHz);
    buffer.copyToChannel(Float32Array.from(samples), 0);
    const node = context.createBufferSource();
    node.buffer = buffer;
    node.connect(context.destination);
    node.onended = stop;
    node.start();
    source.current = { context, node };
    setPlaying(true);
  };
  const canvas = useDrawing(WAVE.width, WAVE.height, (context, colour) => {
    const middle = WAVE.height / 2;
    context.clearRect(0, 0, WAVE.width, WAVE.height);
    context.fillStyle = colour('--series-3');
    const perColumn = samples.length / WAVE.width;
    for (let column = 0; column < WAVE.width; column++) {
      let [low, high] = [0, 0];
      for (let i = Math.floor(column * perColumn); i < (column + 1) * perColumn; i++) {
        low = Math.min(low, samples[i] ?? 0);
        high = Math.max(high, samples[i] ?? 0);
      }
      context.fillRect(column, middle - high * middle, 1, Math.max(1, (high - low) * middle));
    }
  });
  const lengthS = samples.length / sampleRateHz;
  return (
    <div className="sound">
      <button type="button" id="play-sound" className="small" onClick={playing ? stop : play}>
        {playing ? 'Stop sound' : 'Play sound'}
      </button>
      <canvas
        ref={canvas}
        className="wave"
        role="img"
        aria-label={`The sound that was sent, ${lengthS.toFixed(1)} s at ${sampleRateHz / 1e3} kHz`}
      />
      <span className="muted">
        {lengthS.toFixed(1)} s, {sampleRateHz / 1e3} kHz
      </span>
    </div>
  );
}

const PLOT = { width: 190, height: 170 } as const;
const SYMBOL_LIMIT = 3;

/** Equalised payload symbols in the complex plane; token values are analog, so a cloud of about unit power is right. */
export function Symbols({ user, iq }: { user: string; iq: Float32Array }): ReactElement {
  const canvas = useDrawing(PLOT.width, PLOT.height, (context, colour) => {
    const side = PLOT.height;
    const at = (value: number): number => (side / 2) * (1 + value / SYMBOL_LIMIT);
    context.clearRect(0, 0, PLOT.width, PLOT.height);
    context.strokeStyle = colour('--border');
    context.strokeRect(0.5, 0.5, side - 1, side - 1);
    context.beginPath();
    context.moveTo(0, side / 2);
    context.lineTo(side, side / 2);
    context.moveTo(side / 2, 0);
    context.lineTo(side / 2, side);
    context.stroke();
    context.beginPath();
    context.setLineDash([3, 3]);
    context.strokeStyle = colour('--muted');
    context.arc(side / 2, side / 2, side / 2 / SYMBOL_LIMIT, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = colour('--series-1');
    for (let i = 0; i + 1 < iq.length; i += 2) context.fillRect(at(iq[i] ?? 0) - 1, at(-(iq[i + 1] ?? 0)) - 1, 2, 2);
    context.fillStyle = colour('--muted');
    context.textAlign = 'right';
    context.fillText('I', side - 4, side / 2 - 4);
    context.textAlign = 'left';
    context.fillText('Q', side / 2 + 4, 11);
    context.fillText(`±${SYMBOL_LIMIT}`, 4, side - 5);
  });
  return (
    <figure>
      <canvas
        ref={canvas}
        className="plot"
        role="img"
        aria-label={`${user}: ${iq.length / 2} received symbols in the complex plane, in-phase and quadrature from -${SYMBOL_LIMIT} to ${SYMBOL_LIMIT}, dashed circle at unit power`}
      />
      <figcaption>
        {user}, {iq.length / 2} symbols
      </figcaption>
    </figure>
  );
}

export function CarrierPlot({
  user,
  carriers,
  hDb,
  snrDb,
}: {
  user: string;
  carriers: readonly number[];
  hDb: readonly number[];
  snrDb: readonly number[];
}): ReactElement {
  const all = [...hDb, ...snrDb].filter(Number.isFinite);
  const [low, high] = [5 * Math.floor(Math.min(-3, ...all) / 5), 5 * Math.ceil(Math.max(3, ...all) / 5)];
  const canvas = useDrawing(PLOT.width, PLOT.height, (context, colour) => {
    const [left, bottom] = [30, PLOT.height - 16];
    const x = (carrier: number): number => left + ((PLOT.width - left - 4) * (carrier + 27)) / 54;
    const y = (valueDb: number): number => bottom - ((bottom - 6) * (valueDb - low)) / (high - low);
    context.clearRect(0, 0, PLOT.width, PLOT.height);
    context.strokeStyle = colour('--grid');
    context.fillStyle = colour('--muted');
    context.textAlign = 'right';
    const step = high - low > 25 ? 10 : 5;
    for (let valueDb = low; valueDb <= high; valueDb += step) {
      context.beginPath();
      context.moveTo(left, y(valueDb));
      context.lineTo(PLOT.width - 4, y(valueDb));
      context.stroke();
      context.fillText(String(valueDb).replace('-', '−'), left - 4, y(valueDb) + 4);
    }
    context.textAlign = 'center';
    for (const carrier of [-26, 0, 26])
      context.fillText(String(carrier).replace('-', '−'), Math.min(x(carrier), PLOT.width - 10), PLOT.height - 3);
    for (const [values, name] of [
      [hDb, '--series-1'],
      [snrDb, '--series-2'],
    ] as const) {
      context.strokeStyle = colour(name);
      context.lineWidth = 1.5;
      context.beginPath();
      carriers.forEach((carrier, index) => {
        const value = values[index] ?? low;
        // No line across carriers that carry nothing.
        const joined = index > 0 && carrier - (carriers[index - 1] ?? carrier) < 3;
        if (joined) context.lineTo(x(carrier), y(value));
        else context.moveTo(x(carrier), y(value));
      });
      context.stroke();
    }
  });
  return (
    <figure>
      <canvas
        ref={canvas}
        className="plot"
        role="img"
        aria-label={`${user}: |H|² against its mean from ${decibels(Math.min(...hDb), 1)} to ${decibels(Math.max(...hDb), 1)} dB, SNR from ${decibels(Math.min(...snrDb), 1)} to ${decibels(Math.max(...snrDb), 1)} dB, over carriers -26 to 26`}
      />
      <figcaption>
        {user}: <span className="key first">|H|² over its mean</span>, <span className="key second">SNR</span>, dB
      </figcaption>
    </figure>
  );
}
