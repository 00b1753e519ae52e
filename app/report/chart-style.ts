/** What the report's pictures share: colours, titles, interval bars. */
import type { Plugin } from 'chart.js' with { 'resolution-mode': 'import' };

const USER_COLOURS: Readonly<Record<string, string>> = { text: '#1b6ca8', visual: '#c8553d', audio: '#3a7d44' };
const OTHER_COLOURS = ['#7a4fa3', '#8a6d1c', '#555555'];
const POINT_COLOURS = ['#7b2d8b', '#2f5fb3', '#1c8a8a', '#5a9a2a', '#d08a1d', '#c0392b'];
const ARM_COLOURS = ['#1b6ca8', '#c8553d', '#3a7d44', '#7a4fa3', '#d08a1d', '#1c8a8a', '#8a6d1c', '#c0392b', '#555555'];

export const SMALL_DOTS = { usePointStyle: true, boxWidth: 8, boxHeight: 8, padding: 14 };

export function userColour(user: string, index: number): string {
  return USER_COLOURS[user] ?? OTHER_COLOURS[index % OTHER_COLOURS.length] ?? '#555555';
}

export function armColour(index: number): string {
  return ARM_COLOURS[index % ARM_COLOURS.length] ?? '#555555';
}

/** Colour of a point by its place in the sweep: low SNR cold, high SNR warm. */
export function pointColour(index: number, count: number): string {
  const at = count < 2 ? 0 : Math.round((index / (count - 1)) * (POINT_COLOURS.length - 1));
  return POINT_COLOURS[at] ?? '#555555';
}

export function title(text: string): { display: boolean; text: string; font: { size: number; weight: 'normal' } } {
  return { display: true, text, font: { size: 15, weight: 'normal' } };
}

/** Whole even numbers around the values, so that ticks fall on the edges. */
export function evenRange(values: readonly number[]): { min: number; max: number } {
  if (values.length === 0) return { min: 0, max: 20 };
  return { min: 2 * Math.floor((Math.min(...values) - 0.5) / 2), max: 2 * Math.ceil((Math.max(...values) + 0.5) / 2) };
}

export interface Bar {
  /** On the axis that the bar does not follow. */
  readonly at: number;
  readonly low: number;
  readonly high: number;
  readonly colour: string;
}

/** Bars with caps along an axis, for intervals. */
export function intervalBars(bars: readonly Bar[], along: 'x' | 'y'): Plugin<'scatter'> {
  return {
    id: 'intervalBars',
    afterDatasetsDraw: ({ ctx, scales }) => {
      const { x: xScale, y: yScale } = scales;
      if (xScale === undefined || yScale === undefined) return;
      const [own, other] = along === 'y' ? [yScale, xScale] : [xScale, yScale];
      const at = (across: number, length: number): [number, number] =>
        along === 'y' ? [across, length] : [length, across];
      ctx.save();
      ctx.lineWidth = 1.5;
      for (const bar of bars) {
        const across = other.getPixelForValue(bar.at);
        const ends = [own.getPixelForValue(bar.low), own.getPixelForValue(bar.high)] as const;
        ctx.strokeStyle = bar.colour;
        ctx.beginPath();
        ctx.moveTo(...at(across, ends[0]));
        ctx.lineTo(...at(across, ends[1]));
        for (const end of ends) {
          ctx.moveTo(...at(across - 5, end));
          ctx.lineTo(...at(across + 5, end));
        }
        ctx.stroke();
      }
      ctx.restore();
    },
  };
}
