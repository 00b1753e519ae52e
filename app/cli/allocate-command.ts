/** `otabench allocate`. */
import { readFileSync } from 'node:fs';
import { allocate, readProblem, type Allocation, type AllocationProblem } from '../allocation';
import { InvalidInputError } from '../config/violations';
import { columns } from './table';

export interface AllocateCommandOptions {
  readonly method?: string;
  readonly seed?: number;
  readonly json?: boolean;
}

/** @throws InvalidInputError */
export function allocateCommand(file: string, { method, seed, json = false }: AllocateCommandOptions): void {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidInputError([
      `${file}:1: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}); allowed a readable JSON file`,
    ]);
  }
  const problem = readProblem(file, text);
  const answer = allocate(problem, {
    ...(method === undefined ? {} : { method }),
    ...(seed === undefined ? {} : { seed }),
  });
  const lines = json ? [JSON.stringify(answer)] : allocationTable(problem, answer);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function allocationTable(problem: AllocationProblem, answer: Allocation): string[] {
  const figure = (value: number | null, digits = 4): string => (value === null ? '–' : value.toPrecision(digits));
  const rows = answer.users.map((user) => [
    user.id,
    figure(user.bandwidthHz / 1e3),
    figure(user.powerW * 1e3),
    user.outage ? 'outage' : String(Math.round(user.tokenLength * 100) / 100),
    user.snrDb === null ? '–' : user.snrDb.toFixed(2),
    ...(problem.transport === 'digital' ? [user.rateBitPerS === null ? '–' : figure(user.rateBitPerS / 1e3)] : []),
    user.latencyS === null ? '–' : figure(user.latencyS * 1e3),
    figure(user.loss),
  ]);
  const head = [
    'user',
    'bandwidth',
    'power',
    'tokens',
    'SNR',
    ...(problem.transport === 'digital' ? ['rate'] : []),
    'latency',
    'loss',
  ];
  const units = ['', 'kHz', 'mW', '', 'dB', ...(problem.transport === 'digital' ? ['kbit/s'] : []), 'ms', ''];
  const form = problem.latency === 'max' ? 'the slowest user, ' : 'the sum over users, ';
  const overhead = problem.overheadS > 0 ? `, ${figure(problem.overheadS * 1e3)} ms of it overhead` : '';
  return [
    `${answer.method}: objective ${figure(answer.objective, 6)} = ${problem.weight} x latency / ${problem.latencyRefS} s + ${figure(1 - problem.weight, 3)} x loss / ${problem.lossRef}`,
    ...columns([head, units, ...rows]),
    `latency ${figure(answer.latencyS * 1e3)} ms (${form}slowest ${answer.slowestUser}${overhead}), loss ${figure(answer.loss)}`,
    gapLine(answer),
    `binding: ${answer.binding.length === 0 ? 'nothing' : answer.binding.join(', ')}`,
    `assumed (not given by the paper): ${answer.assumed.join('; ')}`,
  ];
}

function gapLine({ gap, gapAgainst, iterations }: Allocation): string {
  const steps = `${iterations} iteration${iterations === 1 ? '' : 's'}`;
  if (gap === null) return `${steps}; gap to the optimum not known`;
  if (gapAgainst === 'multi-start')
    return `${steps}; the median start ended ${(100 * gap).toPrecision(3)} % above this one (no bound)`;
  return gap === 0 ? `${steps}; proved optimal` : `${steps}; at most ${(100 * gap).toPrecision(3)} % above the optimum`;
}
