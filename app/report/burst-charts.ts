/** Pictures of what bursts lost and how they were sent: error budget, CCDF, token error, arms at equal SNDR. */
import type { Canvas } from '@napi-rs/canvas';
import type { ChartDataset } from 'chart.js' with { 'resolution-mode': 'import' };
import type { PointSummary } from '../config/run-documents';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import {
  BUDGET_PARTS,
  READINGS,
  type ArmGaps,
  type CcdfCurve,
  type MeanBudget,
  type TokenErrorPoint,
} from './burst-groups';
import { drawChart, tile } from './chart-canvas';
import { armColour, evenRange, intervalBars, SMALL_DOTS, title, userColour, type Bar } from './chart-style';
import { pointName } from '../units/place';

const PART_COLOURS: Readonly<Record<(typeof BUDGET_PARTS)[number], string>> = {
  noise: '#8fa9bf',
  interference: '#c8553d',
  nonlinearity: '#d08a1d',
  phase: '#7a4fa3',
  channel: '#3a7d44',
  unexplained: '#333333',
};

/** A panel for each user (and arm), a bar for each point: shares of the error, and the error itself below the bar. */
export function errorBudgetChart(budgets: readonly MeanBudget[], note: string): Canvas {
  const arms = [...new Set(budgets.map(({ group }) => group.arm))];
  const users = [...new Set(budgets.map(({ group }) => group.user))];
  const lowest = Math.min(0, ...budgets.map(({ shares }) => 100 * shares.unexplained));
  const rows = arms.map((arm) =>
    users.map((user) => {
      const own = budgets.filter(({ group }) => group.arm === arm && group.user === user);
      const datasets = BUDGET_PARTS.map((part) => ({
        label: part,
        data: own.map(({ shares }) => 100 * shares[part]),
        backgroundColor: PART_COLOURS[part],
        barPercentage: 0.8,
      }));
      return drawChart(430, 420, {
        type: 'bar',
        data: {
          labels: own.map(({ group, errorDb }) => [pointName(group), `(${errorDb.toFixed(1)})`]),
          datasets,
        },
        options: {
          layout: { padding: 10 },
          plugins: {
            title: title(`${arms.length > 1 ? `${arm}, ` : ''}${user}: error budget${note}`),
            legend: { position: 'bottom', labels: { boxWidth: 11, boxHeight: 11, padding: 10 } },
          },
          scales: {
            x: {
              stacked: true,
              title: { display: true, text: 'requested Es/N0 (token error, dB)' },
              grid: { display: false },
            },
            y: {
              stacked: true,
              min: 10 * Math.floor(lowest / 10),
              max: 110,
              ticks: { stepSize: 10 },
              title: { display: true, text: 'share of the token error (%)' },
            },
          },
        },
      });
    }),
  );
  return tile(rows);
}

/** How often a burst's power exceeds its mean by so much. */
export function ccdfChart(curves: readonly CcdfCurve[], note: string): Canvas {
  const percent = (share: number): number => 100 * share;
  const datasets: ChartDataset<'scatter'>[] = curves.map(({ label, points }, index) => ({
    label,
    data: points.map(({ share, meanDb }) => ({ x: meanDb, y: percent(share) })),
    showLine: true,
    borderColor: userColour(label, index),
    backgroundColor: userColour(label, index),
    borderWidth: 2,
    pointRadius: 4,
  }));
  // |x|² of a complex Gaussian over its mean is exponential: it exceeds g with probability exp(-g).
  const gaussian = Array.from({ length: 60 }, (_, i) => 0.2 + 0.2 * i).map((g) => ({
    x: powerRatioToDb(g),
    y: percent(Math.exp(-g)),
  }));
  datasets.push({
    label: 'complex Gaussian',
    data: gaussian.filter(({ y }) => y >= 0.05),
    showLine: true,
    borderColor: '#777777',
    borderDash: [6, 4],
    borderWidth: 2,
    pointRadius: 0,
  });
  const bars = curves.flatMap(({ points }, index) =>
    points.map(({ share, meanDb, sdDb }) => ({
      at: percent(share),
      low: meanDb - sdDb,
      high: meanDb + sdDb,
      colour: userColour(curves[index]?.label ?? '', index),
    })),
  );
  return drawChart(860, 480, {
    type: 'scatter',
    data: { datasets },
    options: {
      layout: { padding: 12 },
      plugins: {
        title: title(`Peaks of the bursts as sent (CCDF)${note}`),
        legend: { position: 'bottom', labels: SMALL_DOTS },
      },
      scales: {
        x: { min: 2, max: 12, ticks: { stepSize: 1 }, title: { display: true, text: 'power over its mean (dB)' } },
        y: {
          type: 'logarithmic',
          min: 0.05,
          max: 20,
          ticks: { callback: (value) => ([0.1, 1, 10].includes(Number(value)) ? String(value) : '') },
          title: { display: true, text: 'samples that exceed it (%)' },
        },
      },
    },
    plugins: [intervalBars(bars, 'x')],
  });
}

/** Token error of every user (or arm and user) against measured SNR, with 1 / (1 + SNR) and the bound of the channel. */
export function tokenErrorChart(points: readonly TokenErrorPoint[], note: string): Canvas {
  const arms = [...new Set(points.map(({ group }) => group.arm))];
  const users = [...new Set(points.map(({ group }) => group.user))];
  const range = evenRange(points.map(({ snrDb }) => snrDb));
  const bars: { at: number; low: number; high: number; colour: string }[] = [];
  const datasets: ChartDataset<'scatter'>[] = arms.flatMap((arm, armIndex) =>
    users.map((user, index) => {
      const own = points.filter(({ group }) => group.arm === arm && group.user === user);
      const colour = arms.length > 1 ? armColour(armIndex * users.length + index) : userColour(user, index);
      for (const { snrDb, lowDb, highDb } of own) bars.push({ at: snrDb, low: lowDb, high: highDb, colour });
      return {
        label: arms.length > 1 ? `${arm}, ${user}` : user,
        data: own.map(({ snrDb, errorDb }) => ({ x: snrDb, y: errorDb })),
        borderColor: colour,
        backgroundColor: colour,
        pointRadius: 3.5,
        pointStyle: 'circle' as const,
      };
    }),
  );
  datasets.push({
    label: 'bound of the measured channel',
    data: points.flatMap(({ snrDb, boundDb }) => (boundDb === null ? [] : [{ x: snrDb, y: boundDb }])),
    borderColor: '#333333',
    backgroundColor: '#33333300',
    pointRadius: 6,
    pointStyle: 'circle',
  });
  const steps = Array.from({ length: 61 }, (_, i) => range.min + ((range.max - range.min) * i) / 60);
  datasets.push({
    label: '1 / (1 + SNR)',
    data: steps.map((x) => ({ x, y: -powerRatioToDb(1 + dbToPowerRatio(x)) })),
    showLine: true,
    borderColor: '#777777',
    borderDash: [6, 4],
    borderWidth: 2,
    pointRadius: 0,
  });
  return drawChart(860, 520, {
    type: 'scatter',
    data: { datasets },
    options: {
      layout: { padding: 12 },
      plugins: {
        title: title(`Token error against measured SNR${note}`),
        legend: { position: 'bottom', labels: SMALL_DOTS },
      },
      scales: {
        x: { ...range, ticks: { stepSize: 2 }, title: { display: true, text: 'measured SNR, Es/N0 (dB)' } },
        y: { title: { display: true, text: 'squared error of the tokens over their power (dB)' } },
      },
    },
    plugins: [intervalBars(bars, 'y')],
  });
}

/** What arms make of the same SNDR: token error and accuracy, with 95 % intervals. */
export function equalSndrChart(points: readonly PointSummary[], note: string): Canvas {
  const shown = points.filter(({ sndrDb }) => sndrDb !== null);
  const arms = [...new Set(shown.map(({ arm }) => arm))];
  const range = evenRange(shown.map(({ sndrDb }) => sndrDb ?? 0));
  const panel = (
    heading: string,
    axis: string,
    value: (point: PointSummary) => { at: number; low: number; high: number } | null,
    reference: ChartDataset<'scatter'>[],
  ): Canvas => {
    const bars: { at: number; low: number; high: number; colour: string }[] = [];
    const datasets = arms.map((arm, index): ChartDataset<'scatter'> => {
      const colour = armColour(index);
      const data = shown
        .filter((point) => point.arm === arm)
        .flatMap((point) => {
          const one = value(point);
          if (one === null) return [];
          bars.push({ at: point.sndrDb ?? 0, low: one.low, high: one.high, colour });
          return [{ x: point.sndrDb ?? 0, y: one.at }];
        });
      return {
        label: arm,
        data,
        showLine: true,
        borderColor: colour,
        backgroundColor: colour,
        borderWidth: 2,
        pointRadius: 4,
      };
    });
    return drawChart(640, 480, {
      type: 'scatter',
      data: { datasets: [...datasets, ...reference] },
      options: {
        layout: { padding: 12 },
        plugins: { title: title(heading), legend: { position: 'bottom', labels: SMALL_DOTS } },
        scales: {
          x: { ...range, ticks: { stepSize: 2 }, title: { display: true, text: 'measured SNDR (dB)' } },
          y: {
            suggestedMin: Math.min(...bars.map(({ low }) => low)),
            suggestedMax: Math.max(...bars.map(({ high }) => high)),
            title: { display: true, text: axis },
          },
        },
      },
      plugins: [intervalBars(bars, 'y')],
    });
  };
  const bound: ChartDataset<'scatter'> = {
    label: '1 / (1 + SNDR)',
    data: Array.from({ length: 61 }, (_, i) => range.min + ((range.max - range.min) * i) / 60).map((x) => ({
      x,
      y: -powerRatioToDb(1 + dbToPowerRatio(x)),
    })),
    showLine: true,
    borderColor: '#777777',
    borderDash: [6, 4],
    borderWidth: 2,
    pointRadius: 0,
  };
  return tile([
    [
      panel(
        `Token error at the same SNDR${note}`,
        'squared error of the tokens over their power (dB)',
        ({ tokenErrorDb, tokenErrorLowDb, tokenErrorHighDb }) =>
          tokenErrorDb === null
            ? null
            : { at: tokenErrorDb, low: tokenErrorLowDb ?? tokenErrorDb, high: tokenErrorHighDb ?? tokenErrorDb },
        [bound],
      ),
      panel(
        `Accuracy at the same SNDR${note}`,
        'questions answered correctly (%)',
        ({ accuracy, accuracyLow, accuracyHigh }) =>
          accuracy === null
            ? null
            : { at: 100 * accuracy, low: 100 * (accuracyLow ?? accuracy), high: 100 * (accuracyHigh ?? accuracy) },
        [],
      ),
    ],
  ]);
}

/** Panels by point: how much worse tokens came out than each SNR reading promises, by arm, with 95 % intervals. */
export function readingGapChart(points: readonly ArmGaps[], note: string): Canvas {
  const arms = [...new Set(points.map(({ arm }) => arm))];
  const levels = [...new Set(points.map(pointName))];
  const highest = Math.max(
    1,
    ...points.flatMap(({ gaps }) => gaps.map(({ gapDb, halfWidthDb }) => gapDb + halfWidthDb)),
  );
  const lowest = Math.min(
    0,
    ...points.flatMap(({ gaps }) => gaps.map(({ gapDb, halfWidthDb }) => gapDb - halfWidthDb)),
  );
  const panel = (level: string): Canvas => {
    const bars: Bar[] = [];
    const datasets = arms.map((arm, index): ChartDataset<'scatter'> => {
      const colour = armColour(index);
      const own = points.find((point) => point.arm === arm && pointName(point) === level);
      const data = (own?.gaps ?? []).map(({ reading, gapDb, halfWidthDb }) => {
        // Arms stand side by side within their reading.
        const x = READINGS.findIndex(({ name }) => name === reading) + (index - (arms.length - 1) / 2) * 0.15;
        bars.push({ at: x, low: gapDb - halfWidthDb, high: gapDb + halfWidthDb, colour });
        return { x, y: gapDb };
      });
      return { label: arm, data, borderColor: colour, backgroundColor: colour, pointRadius: 4.5 };
    });
    return drawChart(640, 460, {
      type: 'scatter',
      data: { datasets },
      options: {
        layout: { padding: 12 },
        plugins: {
          title: title(`Token error against what each reading promises, ${level} requested${note}`),
          legend: { position: 'bottom', labels: SMALL_DOTS },
        },
        scales: {
          x: {
            min: -0.5,
            max: READINGS.length - 0.5,
            ticks: { stepSize: 0.5, callback: (at) => READINGS[Number(at)]?.name ?? '' },
            title: { display: true, text: 'who reads the SNR' },
            grid: { display: false },
          },
          y: {
            min: Math.floor(lowest),
            max: Math.ceil(highest),
            ticks: { stepSize: 1 },
            title: { display: true, text: 'token error over 1 / (1 + SNR as read) (dB)' },
          },
        },
      },
      plugins: [intervalBars(bars, 'y')],
    });
  };
  return tile([levels.map(panel)]);
}
