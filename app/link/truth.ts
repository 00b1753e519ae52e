/** Ground truth of the simulated air for the "truth" columns of reports; nothing in the link looks at it. */
import type { BurstLayout, Native, Subband, TruthQuery } from '../../drivers/radio';
import { powerRatioToDb } from '../units/db';
import { GRID_BINS, type PlannedBurst } from './results';
import type { BurstTruth } from './types';

const NS = 1e9;

/** @param to serial of the receiving twin */
export function burstTruth(
  native: Native,
  to: string,
  sampleRateHz: number,
  { request, radio, layout, startNs }: PlannedBurst,
): BurstTruth | null {
  const { grid, emptyDb } = truthGrid(native, layout, request.subband);
  try {
    const { snrDb, cfoHz } = native.medium.burstTruth({
      from: radio.device.serial,
      to,
      payloadStartNs: (startNs ?? 0) + Math.round((layout.payloadStartSample * NS) / sampleRateHz),
      sampleRateHz,
      ...grid,
    });
    if (!Number.isFinite(snrDb) || !Number.isFinite(cfoHz)) return null;
    return { snrDb: snrDb + emptyDb, cfoHz: cfoHz - (request.subband?.soundedCfoHz ?? 0) };
  } catch {
    // No path between the two, or a burst that was late and so never sent.
    return null;
  }
}

/** Sub-bands lie on bins of 1/2048, which this transform has whole. */
const TRUTH_FFT = 256;
/** Looked at: of a burst's own 64 carriers the inner 51, whose density no edge bends. DC among them is empty. */
const JUDGED = 51;
const OWN_CARRIERS = 64;

/**
 * What the medium shall look at. In a sub-band, whose symbols fall on no grid of the capture, the mean density within the
 * occupied band stands for the carriers; `emptyDb` is what its empty DC carrier takes from that mean.
 */
function truthGrid(
  { numerology }: Native,
  layout: BurstLayout,
  subband: Subband | undefined,
): { grid: Pick<TruthQuery, 'fftSize' | 'cpLength' | 'symbolCount' | 'carriers'>; emptyDb: number } {
  const { fftSize, cpLength, dataCarriers } = numerology;
  const symbolCount = layout.payloadOfdmSymbols;
  if (subband === undefined) return { grid: { fftSize, cpLength, symbolCount, carriers: dataCarriers }, emptyDb: 0 };
  const center = (subband.centerBin * TRUTH_FFT) / GRID_BINS;
  const half = (0.5 * JUDGED * subband.size * TRUTH_FFT) / (OWN_CARRIERS * GRID_BINS);
  const carriers: number[] = [];
  for (let bin = Math.ceil(center - half + 0.5); bin <= center + half - 0.5; bin++) carriers.push(bin);
  const samples = (symbolCount * (fftSize + cpLength) * GRID_BINS) / subband.size;
  return {
    grid: {
      fftSize: TRUTH_FFT,
      cpLength: 0,
      symbolCount: Math.max(1, Math.floor(samples / TRUTH_FFT)),
      carriers: Int16Array.from(carriers),
    },
    emptyDb: powerRatioToDb(JUDGED / (JUDGED - 1)),
  };
}
