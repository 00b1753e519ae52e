/** `otabench bench models`: what the models' runtime reaches, beside its goals. */
import { Bundle, measureParity, type BundleOptions } from '../../models/runtime';

/** One measured figure; the fields that native/bench/rows.hpp prints. */
export interface BenchRow {
  readonly figure: string;
  readonly value: number | null;
  readonly unit: string;
  readonly goal: number;
  readonly peer: string | null;
  readonly peerValue: number | null;
  readonly met: boolean;
}

const TOKENS = 16;
const QUESTIONS = 640;
const SINGLE_QUESTIONS = 160;
const REPEATS = 3;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** CPU seconds of this process (user and system, all threads): what other programs do does not count. */
async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Questions answered in a second of CPU time, one thread, L = 16; encoding is not counted. */
async function questionsPerSecond(folder: string, count: number, options: BundleOptions): Promise<number> {
  const bundle = await Bundle.load(folder, { threads: 1, ...options });
  const lengths = { visual: TOKENS, audio: TOKENS };
  await bundle.warmUp(lengths);
  const indices = Array.from({ length: count }, (_, index) => index % bundle.questions.length);
  const sent = await bundle.encode(indices, lengths);
  const batch = sent.map((received, row) => ({ question: indices[row] as number, received }));
  await bundle.answer(batch.slice(0, 64));
  const seconds: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) seconds.push(await cpuSeconds(() => bundle.answer(batch)));
  await bundle.close();
  return count / median(seconds);
}

/** Milliseconds of CPU time to load the bundle, verified, the files in the system's cache. */
async function loadMs(folder: string): Promise<number> {
  const times: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    let bundle: Bundle | null = null;
    times.push(
      1e3 *
        (await cpuSeconds(async () => {
          bundle = await Bundle.load(folder);
        })),
    );
    await (bundle as Bundle | null)?.close();
  }
  return median(times);
}

/** Measures the bundle in `folder`. */
export async function benchModels(folder: string): Promise<BenchRow[]> {
  const load = await loadMs(folder);
  const batched = await questionsPerSecond(folder, QUESTIONS, {});
  const single = await questionsPerSecond(folder, SINGLE_QUESTIONS, { answerBatch: 1 });
  const parity = await measureParity(folder);
  return [
    {
      figure: 'answers, L = 16, one thread, batches of 64',
      value: batched,
      unit: 'questions/s of CPU',
      goal: 400,
      peer: 'the same graph, question by question',
      peerValue: single,
      met: batched >= 400,
    },
    {
      figure: 'load and verify the bundle',
      value: load,
      unit: 'ms of CPU',
      goal: 300,
      peer: null,
      peerValue: null,
      met: load <= 300,
    },
    {
      figure: 'largest difference from PyTorch, logits and features',
      value: parity === null ? null : Math.max(parity.logits, parity.features),
      unit: '',
      goal: 1e-4,
      peer: null,
      peerValue: null,
      met: parity !== null && Math.max(parity.logits, parity.features) <= 1e-4,
    },
  ];
}
