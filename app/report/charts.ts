/** The report's pictures. SNR is Es/N0 in dB, accuracy in percent. */
import type { Canvas } from '@napi-rs/canvas';
import type { ChartDataset } from 'chart.js' with { 'resolution-mode': 'import' };
import type { PointSummary, ViewRecord } from '../config/run-documents';
import { drawChart, tile } from './chart-canvas';
import { armColour, evenRange, intervalBars, pointColour, SMALL_DOTS, title, userColour } from './chart-style';
import type { CarrierCurve } from './csi-curves';
import { comparePlaces, pointName } from '../units/place';

/** Accuracy against measured SNR, with its interval, the AWGN curve and the blind prior; a pair of curves for each arm. */
export function accuracyChart(points: readonly PointSummary[], note: string): Canvas {
  const shown = points
    .filter((point) => point.measuredSnrDb !== null && point.accuracy !== null)
    .sort((a, b) => (a.measuredSnrDb ?? 0) - (b.measuredSnrDb ?? 0));
  const arms = [...new Set(points.map(({ arm }) => arm))];
  const x = (point: PointSummary): number => point.measuredSnrDb ?? 0;
  const percent = (value: number | null): number => 100 * (value ?? 0);
  const range = evenRange(shown.map(x));
  const ofArm = (arm: string): PointSummary[] => shown.filter((point) => point.arm === arm);
  const datasets: ChartDataset<'scatter'>[] = arms.map((arm, index) => ({
    label: `${arms.length > 1 ? arm : 'over the air'} (95 % interval)`,
    data: ofArm(arm).map((point) => ({ x: x(point), y: percent(point.accuracy) })),
    showLine: true,
    borderColor: armColour(index),
    backgroundColor: armColour(index),
    pointRadius: 4,
    borderWidth: 2,
  }));
  for (const [index, arm] of arms.entries()) {
    const data = ofArm(arm).flatMap((p) => (p.awgnAccuracy === null ? [] : [{ x: x(p), y: percent(p.awgnAccuracy) }]));
    if (data.length === 0) continue;
    datasets.push({
      label: arms.length > 1 ? `AWGN for ${arm}` : 'ideal AWGN at the same SNR',
      data,
      showLine: true,
      borderColor: arms.length > 1 ? armColour(index) : '#c8553d',
      backgroundColor: '#ffffff',
      borderDash: [7, 4],
      borderWidth: 2,
      pointRadius: 5,
      pointStyle: 'rectRot',
    });
  }
  const blind = shown[0]?.blindAccuracy ?? null;
  if (blind !== null)
    datasets.push({
      label: 'blind prior (questions alone)',
      data: [
        { x: range.min, y: percent(blind) },
        { x: range.max, y: percent(blind) },
      ],
      showLine: true,
      borderColor: '#777777',
      backgroundColor: '#ffffff',
      borderDash: [2, 4],
      borderWidth: 2,
      pointRadius: 0,
    });
  const bars = shown.map((p) => ({
    at: x(p),
    low: percent(p.accuracyLow),
    high: percent(p.accuracyHigh),
    colour: armColour(arms.indexOf(p.arm)),
  }));
  return drawChart(860, 520, {
    type: 'scatter',
    data: { datasets },
    options: {
      layout: { padding: 12 },
      plugins: {
        title: title(`Accuracy against measured SNR${note}`),
        legend: {
          position: 'bottom',
          labels: { usePointStyle: true, pointStyle: 'line', pointStyleWidth: 40, padding: 16 },
        },
      },
      scales: {
        x: { ...range, ticks: { stepSize: 2 }, title: { display: true, text: 'measured SNR, Es/N0 (dB)' } },
        y: { min: 0, max: 100, title: { display: true, text: 'questions answered correctly (%)' } },
      },
    },
    plugins: [intervalBars(bars, 'y')],
  });
}

/** Equalised symbols: a row for each shown point, a column for each user. */
export function constellationChart(views: readonly ViewRecord[], users: readonly string[], note: string): Canvas {
  const points = [...new Set([...views].sort(comparePlaces).map(pointName))];
  const shown = [...new Set([points[0], points[Math.floor((points.length - 1) / 2)], points[points.length - 1]])];
  const rows = shown.map((point) =>
    users.map((user, index) => {
      const own = views.filter((view) => view.user === user && pointName(view) === point);
      const data: { x: number; y: number }[] = [];
      for (const { constellation } of own)
        for (let i = 0; i + 1 < constellation.length; i += 2)
          data.push({ x: constellation[i] ?? 0, y: constellation[i + 1] ?? 0 });
      const axis = (text: string): object => ({
        min: -3,
        max: 3,
        ticks: { stepSize: 1 },
        title: { display: true, text },
      });
      return drawChart(340, 350, {
        type: 'scatter',
        data: {
          datasets: [{ data, backgroundColor: `${userColour(user, index)}99`, pointRadius: 1.5, borderWidth: 0 }],
        },
        options: {
          layout: { padding: 8 },
          plugins: {
            title: title(`${user}, ${point ?? ''}${note}`),
            legend: { display: false },
          },
          scales: { x: axis('in phase'), y: axis('quadrature') },
        },
      });
    }),
  );
  return tile(rows);
}

function carrierDatasets(
  curves: readonly { label: string; colour: string; curve: CarrierCurve }[],
): ChartDataset<'scatter'>[] {
  return curves.map(({ label, colour, curve }) => ({
    label,
    data: curve.map(({ carrier, valueDb }) => ({ x: carrier, y: valueDb })),
    showLine: true,
    borderColor: colour,
    backgroundColor: colour,
    borderWidth: 2,
    pointRadius: 1.5,
  }));
}

/** Shape of every user's channel over the carriers. */
export function channelChart(curves: ReadonlyMap<string, CarrierCurve>, note: string): Canvas {
  const datasets = carrierDatasets(
    [...curves].map(([user, curve], index) => ({ label: user, colour: userColour(user, index), curve })),
  );
  return drawChart(860, 440, {
    type: 'scatter',
    data: { datasets },
    options: {
      layout: { padding: 12 },
      plugins: {
        title: title(`Channel over the carriers, mean of the run${note}`),
        legend: { position: 'bottom', labels: SMALL_DOTS },
      },
      scales: {
        x: { min: -27, max: 27, ticks: { stepSize: 3 }, title: { display: true, text: 'carrier (78.125 kHz apart)' } },
        y: {
          ...symmetricRange([...curves.values()]),
          title: { display: true, text: "|H|² against the burst's mean (dB)" },
        },
      },
    },
  });
}

/** At least 2 dB to either side: a flat channel must look flat. */
function symmetricRange(curves: readonly CarrierCurve[]): { min: number; max: number } {
  const values = curves.flat().map(({ valueDb }) => valueDb);
  return { min: Math.floor(Math.min(-2, ...values)), max: Math.ceil(Math.max(2, ...values)) };
}

/** A panel for every user, a line for every point. */
export function carrierSnrChart(curves: ReadonlyMap<string, ReadonlyMap<string, CarrierCurve>>, note: string): Canvas {
  const values = [...curves.values()].flatMap((points) => [...points.values()].flat()).map(({ valueDb }) => valueDb);
  const range =
    values.length > 0 ? { min: Math.floor(Math.min(...values) - 1), max: Math.ceil(Math.max(...values) + 1) } : {};
  const panels = [...curves].map(([user, points]) => {
    // From the highest point down.
    const sorted = [...points].reverse();
    const datasets = carrierDatasets(
      sorted.map(([point, curve], index) => ({
        label: point,
        colour: pointColour(sorted.length - 1 - index, sorted.length),
        curve,
      })),
    );
    return drawChart(430, 440, {
      type: 'scatter',
      data: { datasets },
      options: {
        layout: { padding: 10 },
        plugins: {
          title: title(`${user}: SNR by carrier${note}`),
          legend: { position: 'bottom', labels: SMALL_DOTS },
        },
        scales: {
          x: {
            min: -27,
            max: 27,
            ticks: { stepSize: 9 },
            title: { display: true, text: 'carrier (78.125 kHz apart)' },
          },
          y: { ...range, title: { display: true, text: 'measured Es/N0 (dB)' } },
        },
      },
    });
  });
  return tile([panels]);
}
