/** The pictures of the Live view, all of them painted from the hub at one time. */
import type * as ChartLibrary from 'chart.js' with { 'resolution-mode': 'import' };
import type { LiveSpectrum } from '../../ipc/live-messages';
import { bentPhase } from '../../units/channel-phase';
import { BudgetChart } from './budget-chart';
import { ConstellationPlot } from './constellation';
import { COURSE_S, type LiveHub, type Painter, type UserCourse } from './hub';
import { LineChart, type Series } from './line-chart';
import { SteadyRange } from './steady-range';
import { onThemeChange } from './theme';
import { Waterfall } from './waterfall';

export interface PanelCanvases {
  readonly spectrum: HTMLCanvasElement;
  readonly waterfall: HTMLCanvasElement;
  readonly before: HTMLCanvasElement;
  readonly after: HTMLCanvasElement;
  readonly channel: HTMLCanvasElement;
  readonly carrierSnr: HTMLCanvasElement;
  readonly estimators: HTMLCanvasElement;
  readonly budget: HTMLCanvasElement;
}

/** The estimators of a burst's SNR, each with its name and its line. */
export const ESTIMATORS = [
  { key: 'preamble', label: 'repeated preamble', color: '--series-1', dash: [] },
  { key: 'emptyCarriers', label: 'empty subcarriers', color: '--series-2', dash: [2, 2] },
  { key: 'pilotEvm', label: 'pilot EVM', color: '--series-3', dash: [6, 3] },
  { key: 'genie', label: 'genie', color: '--series-4', dash: [8, 3, 2, 3] },
] as const;

const EDGE_CARRIER = 28;
const carrierAxis = { title: 'Subcarrier', min: -EDGE_CARRIER, max: EDGE_CARRIER, step: 7 };

export class Panels implements Painter {
  private readonly spectrum: LineChart;
  private readonly waterfall: Waterfall;
  private readonly before: ConstellationPlot;
  private readonly after: ConstellationPlot;
  private readonly channel: LineChart;
  private readonly carrierSnr: LineChart;
  private readonly estimators: LineChart;
  private readonly budget: BudgetChart;
  private readonly ranges = {
    spectrum: new SteadyRange(10, 40),
    channel: new SteadyRange(5, 20),
    carrierSnr: new SteadyRange(5, 20),
    estimators: new SteadyRange(5, 10),
  };
  private user = '';
  /** Users as their series were made for. */
  private drawnUsers = '';
  private readonly endTheme: () => void;
  /** Set by `paint`: of the chosen user's channel, seconds; null before there is one. */
  delayS: number | null = null;
  /** Darkest and brightest density of the waterfall, dBFS/Hz. */
  densityRange: { readonly min: number; readonly max: number } = { min: -140, max: -100 };

  constructor(library: typeof ChartLibrary, canvases: PanelCanvases) {
    this.spectrum = new LineChart(
      library,
      canvases.spectrum,
      [
        { label: 'largest', color: '--muted', width: 1 },
        { label: 'mean', color: '--series-1' },
      ],
      {
        x: { title: 'Offset from the carrier, MHz', min: -2.5, max: 2.5, step: 0.5 },
        y: { title: 'dBFS/Hz', min: -140, max: -100, step: 10 },
      },
    );
    this.waterfall = new Waterfall(canvases.waterfall);
    this.before = new ConstellationPlot(canvases.before, '--series-2');
    this.after = new ConstellationPlot(canvases.after, '--series-1');
    this.channel = new LineChart(
      library,
      canvases.channel,
      [
        { label: '|H|', color: '--series-1', width: 2 },
        { label: 'phase', color: '--series-2', dash: [4, 3], right: true },
      ],
      {
        x: carrierAxis,
        y: { title: '|H|, dBFS', min: -60, max: -40, step: 5 },
        right: { title: 'Phase, °', min: -180, max: 180, step: 90 },
      },
    );
    this.carrierSnr = new LineChart(library, canvases.carrierSnr, [], {
      x: carrierAxis,
      y: { title: 'Es/N0, dB', min: 0, max: 30, step: 5 },
    });
    this.estimators = new LineChart(
      library,
      canvases.estimators,
      ESTIMATORS.map(({ label, color, dash }) => ({ label, color, dash })),
      {
        x: { title: 'Seconds ago', min: -COURSE_S, max: 0, step: 5 },
        y: { title: 'Es/N0, dB', min: 0, max: 30, step: 5 },
      },
    );
    this.budget = new BudgetChart(library, canvases.budget);
    this.endTheme = onThemeChange(() => this.paintTheme());
  }

  destroy(): void {
    this.endTheme();
    for (const chart of [this.spectrum, this.channel, this.carrierSnr, this.estimators, this.budget]) chart.destroy();
  }

  private paintTheme(): void {
    for (const part of [
      this.spectrum,
      this.before,
      this.after,
      this.channel,
      this.carrierSnr,
      this.estimators,
      this.budget,
    ])
      part.paintTheme();
    this.drawnUsers = '';
  }

  /** Nothing of the run before stays on the waterfall. */
  clear(): void {
    this.waterfall.clear();
  }

  /** Whose constellation, channel and estimators are shown. */
  choose(user: string, hub: LiveHub): void {
    this.user = user;
    this.drawnUsers = '';
    this.paint(hub, null);
  }

  paint(hub: LiveHub, spectrum: LiveSpectrum | null): void {
    const users = [...hub.users.values()];
    const chosen = hub.users.get(this.user) ?? users[0] ?? null;
    if (spectrum !== null) this.paintSpectrum(spectrum);
    if (chosen !== null) this.paintUser(chosen);
    this.paintCarrierSnr(users, chosen);
    this.budget.draw(users);
  }

  private paintSpectrum({ meanDbfsPerHz, peakDbfsPerHz, sampleRateHz }: LiveSpectrum): void {
    const bins = meanDbfsPerHz.length;
    const [low] = extent(meanDbfsPerHz);
    const range = this.ranges.spectrum.follow(low, extent(peakDbfsPerHz)[1]);
    const mhz = (i: number): number => (((i - bins / 2) / bins) * sampleRateHz) / 1e6;
    this.spectrum.setRange('x', { min: -sampleRateHz / 2e6, max: sampleRateHz / 2e6 });
    this.spectrum.setRange('y', range);
    this.spectrum.setPoints(0, bins, mhz, (i) => peakDbfsPerHz[i] ?? null);
    this.spectrum.setPoints(1, bins, mhz, (i) => meanDbfsPerHz[i] ?? null);
    this.spectrum.draw();
    this.densityRange = range;
    this.waterfall.add(meanDbfsPerHz, this.densityRange);
    this.waterfall.draw();
  }

  private paintUser({ burst, course }: UserCourse): void {
    const lastMs = course.at(-1)?.atMs ?? 0;
    let [low, high] = [Infinity, -Infinity];
    ESTIMATORS.forEach(({ key }, index) => {
      this.estimators.setPoints(
        index,
        course.length,
        (i) => ((course[i]?.atMs ?? 0) - lastMs) / 1000,
        (i) => {
          const snrDb = course[i]?.estimatesDb[key] ?? null;
          if (snrDb !== null) [low, high] = [Math.min(low, snrDb), Math.max(high, snrDb)];
          return snrDb;
        },
      );
    });
    this.estimators.setRange('y', this.ranges.estimators.follow(low, high));
    this.estimators.draw();
    if (burst === null) return;
    this.before.draw(burst.unequalised);
    this.after.draw(burst.equalised);
    const { carriers, channel, carrierSpacingHz } = burst;
    const levelDb = (i: number): number =>
      10 * Math.log10(Math.max((channel[2 * i] ?? 0) ** 2 + (channel[2 * i + 1] ?? 0) ** 2, 1e-30));
    const { phaseDeg, delayS } = bentPhase(channel, carriers, carrierSpacingHz);
    this.delayS = delayS;
    const levels = Float32Array.from(carriers, (_, i) => levelDb(i));
    this.channel.setRange('y', this.ranges.channel.follow(...extent(levels)));
    this.channel.setPoints(
      0,
      carriers.length,
      (i) => carriers[i] ?? 0,
      (i) => levels[i] ?? null,
    );
    this.channel.setPoints(
      1,
      carriers.length,
      (i) => carriers[i] ?? 0,
      (i) => phaseDeg[i] ?? null,
    );
    this.channel.draw();
  }

  private paintCarrierSnr(users: readonly UserCourse[], chosen: UserCourse | null): void {
    const names = users.map(({ user }) => user).join(' ');
    if (this.drawnUsers !== names) {
      this.drawnUsers = names;
      this.carrierSnr.setSeries(users.map(({ user }, index) => userSeries(user, index, user === chosen?.user)));
    }
    let [low, high] = [Infinity, -Infinity];
    users.forEach(({ burst }, index) => {
      const { carriers, carrierSnrDb } = burst ?? { carriers: new Int16Array(), carrierSnrDb: new Float32Array() };
      this.carrierSnr.setPoints(
        index,
        carriers.length,
        (i) => carriers[i] ?? 0,
        (i) => carrierSnrDb[i] ?? null,
      );
      const [ownLow, ownHigh] = extent(carrierSnrDb);
      [low, high] = [Math.min(low, ownLow), Math.max(high, ownHigh)];
    });
    this.carrierSnr.setRange('y', this.ranges.carrierSnr.follow(low, high));
    this.carrierSnr.draw();
  }
}

const USER_DASHES = [[], [5, 3], [2, 2], [8, 3, 2, 3]] as const;

/** One line for each user: colour and dashes by place, the chosen one's is thick. */
export function userSeries(user: string, index: number, chosen: boolean): Series {
  const dash = USER_DASHES[index % USER_DASHES.length] ?? [];
  return { label: user, color: `--series-${(index % 4) + 1}`, width: chosen ? 2.5 : 1.2, dash };
}

function extent(values: Float32Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
