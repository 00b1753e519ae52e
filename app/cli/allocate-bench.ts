/** `otabench bench allocate`: time of a problem, and scipy's SLSQP beside it. */
import { allocate } from '../allocation';
import { randomProblem } from '../allocation/random-problem';
import { judge, NO_SCIPY, pythonWithScipy } from './scipy-judge';
import { columns } from './table';

interface Row {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: number;
  readonly peer: string | null;
  readonly peerValue: number | null;
  readonly met: boolean;
}

/** Users, goal in ms, problems, and how long SLSQP may try (0: not at all; it grows with the cube of the users). */
const TIMES = [
  { users: 3, goalMs: 0.1, problems: 100, slsqpLimitS: 60 },
  { users: 100, goalMs: 3, problems: 10, slsqpLimitS: 60 },
  { users: 1000, goalMs: 30, problems: 3, slsqpLimitS: 0 },
] as const;
const ROUNDS = 7;
const JUDGED = 30;

/** Median over rounds of the CPU time per problem, ms; the first round warms up and does not count. */
function timeMs(users: number, count: number): number {
  const problems = Array.from({ length: count }, (_, i) => randomProblem(i, users));
  const repeats = Math.max(1, Math.floor(2000 / (users * count)));
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < repeats; i++) for (const problem of problems) allocate(problem, { method: 'exact' });
    const { user, system } = process.cpuUsage(before);
    if (round > 0) rounds.push((user + system) / 1e3 / (repeats * count));
  }
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] as number;
}

function timeRow({ users, goalMs, problems, slsqpLimitS }: (typeof TIMES)[number], python: string | null): Row {
  const value = timeMs(users, problems);
  let peer: string | null = 'scipy SLSQP, scaled';
  let peerValue: number | null = null;
  if (python === null) peer = null;
  else if (slsqpLimitS === 0) peer += ' (not tried)';
  else {
    const count = users > 10 ? 1 : 20;
    const judged = judge(
      python,
      Array.from({ length: count }, (_, i) => randomProblem(i, users)),
      1,
      slsqpLimitS,
    );
    if (judged === null) peer += ` (not done after ${slsqpLimitS} s)`;
    else peerValue = (1e3 * judged.reduce((sum, one) => sum + one.seconds, 0)) / count;
  }
  const figure = `exact, max form, continuous lengths, ${users} users, CPU time`;
  return { figure, value, unit: 'ms', goal: goalMs, peer, peerValue, met: value <= goalMs };
}

function differenceRow(python: string): Row | null {
  const problems = Array.from({ length: JUDGED }, (_, i) => randomProblem(1000 + i, 3 + (i % 5)));
  const judged = judge(python, problems, 2);
  if (judged === null) return null;
  const value = Math.max(
    ...judged.map(({ objective }, i) => Math.abs((objective ?? Infinity) / allocate(problems[i]!).objective - 1)),
  );
  const figure = `exact against SLSQP projected to feasibility, largest of ${JUDGED} problems`;
  return { figure, value, unit: '', goal: 1e-6, peer: null, peerValue: null, met: value <= 1e-6 };
}

export function benchAllocate(json: boolean): void {
  const python = pythonWithScipy();
  if (python === null)
    process.stderr.write(`otabench: bench allocate: ${NO_SCIPY}; the columns of the peer stay empty\n`);
  const rows = TIMES.map((one) => timeRow(one, python));
  const difference = python === null ? null : differenceRow(python);
  if (difference !== null) rows.push(difference);
  if (json) {
    process.stdout.write(`${JSON.stringify({ bench: 'allocate', rows })}\n`);
    return;
  }
  const figure = (value: number | null): string => (value === null ? '–' : value.toPrecision(3));
  const lines = columns([
    ['figure', 'value', 'unit', 'goal', 'peer', 'its value', 'met'],
    ...rows.map((row) => [
      row.figure,
      figure(row.value),
      row.unit,
      `<= ${row.goal}`,
      row.peer ?? '–',
      figure(row.peerValue),
      row.met ? 'yes' : 'NO',
    ]),
  ]);
  process.stdout.write(`${lines.join('\n')}\n`);
}
