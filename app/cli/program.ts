/** The commands. Exit codes: 0 done, 1 the run failed, 2 unusable input. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { InvalidInputError } from '../config/violations';
import { DRIVERS } from '../experiment/schema';
import type { HostParts } from '../host/run';
import { METHODS } from '../allocation';
import type { AllocateCommandOptions } from './allocate-command';
import { BENCHES, benchCommand } from './bench-command';
import type { EvaluateOptions } from './evaluate-command';
import { runCommand, type RunOptions } from './run-command';

export const EXIT = { done: 0, failed: 1, unusable: 2 } as const;

/** Implementations are loaded when a command needs them: `--help` and `report` come without radios and models. */
export interface ProgramParts {
  readonly version: string;
  readonly hostParts: () => Promise<HostParts>;
}

/** @returns the exit code */
export async function runProgram(args: readonly string[], parts: ProgramParts): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = new Command('otabench')
    .description('Sends token embeddings over radios (or simulated twins) and measures what a model then answers.')
    .version(parts.version)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });

  program
    .command('run')
    .description('run an experiment; Ctrl-C stops it cleanly')
    .argument('<file>', 'experiment file (docs/experiments.md)')
    .option('--out <folder>', 'run folder; default OUTPUT/<date>-<name>')
    .option('--resume', 'continue the run in --out, or the newest unfinished one of this plan')
    .option('--other-build', 'resume also what another native build began (bits may differ)')
    .option('--json', 'end with one line of JSON')
    .action(async (file: string, options: RunOptions) => {
      exitCode = await runCommand(file, options, await parts.hostParts());
    });

  program
    .command('check')
    .description('check an experiment file and say what it would do')
    .argument('<file>', 'experiment file')
    .action(async (file: string) => {
      const { summarisePlan } = await import('../host/plan-summary.js');
      process.stdout.write(`${(await summarisePlan(file, await parts.hostParts())).join('\n')}\n`);
    });

  program
    .command('radios')
    .description('list the radios that SoapySDR finds; nothing is opened')
    .option('--driver <name...>', `only these drivers: ${DRIVERS.join(', ')}`, collectDriver)
    .option('--json', 'one line of JSON')
    .action(async (options: { driver?: string[]; json?: boolean }) => {
      exitCode = await radiosCommand(options);
    });

  program
    .command('bundles')
    .description('list and verify model bundles')
    .argument('[bundle...]', 'names or folders; default all')
    .option('--json', 'one line of JSON')
    .action(async (wanted: string[], { json = false }: { json?: boolean }) => {
      const { bundlesCommand } = await import('./bundles-command.js');
      exitCode = await bundlesCommand(wanted, json);
    });

  program
    .command('evaluate')
    .description('offline: answers over the ideal AWGN channel, as the reference of a run')
    .argument('<bundle>', 'name or folder')
    .option('--test-set <file>', "your own questions (.csv or .json) in place of the bundle's")
    .option('--snr <list>', 'dB (Es/N0), separated by commas; "none" for no noise', '-10,-5,0,5,10,15,20,none')
    .option('--tokens <list>', 'tokens of picture and sound, separated by commas', '16')
    .option('--settings <file>', 'JSON list of token lengths and SNRs for each user, in place of --snr and --tokens')
    .option('--draws <number>', 'noise draws of every question', '2')
    .option('--seed <number>', 'seed of the noise', '1')
    .option('--power <over>', 'over what the power is one: burst, token', 'burst')
    .option('--json', 'one line of JSON')
    .action(async (bundle: string, options: EvaluateOptions) => {
      const { evaluateCommand } = await import('./evaluate-command.js');
      exitCode = await evaluateCommand(bundle, options, await parts.hostParts());
    });

  program
    .command('allocate')
    .description('share bandwidth, power and token length among users')
    .argument('<problem>', 'problem file, JSON (docs/allocation.md)')
    .option('--method <method>', `${METHODS.join(', ')}; default exact, for analog transport analog-search`)
    .option('--seed <seed>', 'for random and analog-search; default 1', seedOption)
    .option('--json', 'one line of JSON')
    .action(async (file: string, options: AllocateCommandOptions) => {
      const { allocateCommand } = await import('./allocate-command.js');
      allocateCommand(file, options);
    });

  program
    .command('report')
    .description('(re)build the report of a run folder')
    .argument('<run>', 'run folder')
    .action(async (folder: string) => {
      const { writeReport } = await import('../report/report.js');
      process.stdout.write(`${await writeReport(folder)}\n`);
    });

  program
    .command('export')
    .description('flat tables of a run: trials and bursts, in RUN/export')
    .argument('<run>', 'run folder')
    .requiredOption('--format <format>', 'csv or parquet', formatOption)
    .action(async (folder: string, { format }: { format: 'csv' | 'parquet' }) => {
      const { readRunDocument } = await import('../store/run-reader.js');
      readRunDocument(folder);
      const { exportTables } = await import('../store/parquet.js');
      process.stdout.write(`${(await exportTables(folder, format)).join('\n')}\n`);
    });

  program
    .command('twin-env')
    .description('print the environment in which other SoapySDR programs see the twins: eval "$(otabench twin-env)"')
    .action(async () => {
      const { twinEnvironment } = await import('../host/radios.js');
      for (const [name, value] of Object.entries(twinEnvironment()))
        process.stdout.write(`export ${name}='${value.replaceAll("'", "'\\''")}'\n`);
    });

  program
    .command('bench')
    .description('run a benchmark')
    .argument('[name]', BENCHES.join(', '), BENCHES[0])
    .option('--json', 'end with one line of JSON')
    .action(async (name: string, { json = false }: { json?: boolean }) => {
      exitCode = await benchCommand(name, json, parts.hostParts);
    });

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return tellError(error);
  }
}

function collectDriver(value: string, previous: string[] = []): string[] {
  if (!(DRIVERS as readonly string[]).includes(value)) throw new InvalidArgumentError(`allowed ${DRIVERS.join(', ')}`);
  return [...previous, value];
}

function formatOption(value: string): string {
  if (value !== 'csv' && value !== 'parquet') throw new InvalidArgumentError('allowed csv, parquet');
  return value;
}

function seedOption(value: string): number {
  const seed = Number(value);
  if (!/^\d+$/.test(value) || seed > 4294967295)
    throw new InvalidArgumentError('allowed an integer from 0 to 4294967295');
  return seed;
}

async function radiosCommand({ driver, json = false }: { driver?: string[]; json?: boolean }): Promise<number> {
  const { listRadios } = await import('../host/radios.js');
  const { radios, failures } = await listRadios(driver ?? DRIVERS);
  if (json) process.stdout.write(`${JSON.stringify({ radios, failures })}\n`);
  else if (radios.length === 0 && failures.length === 0)
    process.stdout.write('no radio found (twins exist only while an experiment runs them)\n');
  else
    for (const radio of radios)
      process.stdout.write(`${radio.driver}  ${radio.serial || '(no serial)'}  ${radio.label}\n`);
  for (const failure of failures) process.stderr.write(`otabench: ${failure}\n`);
  return failures.length > 0 && radios.length === 0 ? EXIT.failed : EXIT.done;
}

/** One line for each thing that is wrong; the exit code says of which kind it is. */
function tellError(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.done;
    if (error.code === 'commander.help') {
      process.stderr.write(
        'otabench: command: missing; allowed run, check, radios, bundles, evaluate, allocate, report, export, twin-env, bench; see otabench --help\n',
      );
      return EXIT.unusable;
    }
    process.stderr.write(
      `otabench: ${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}; see otabench --help\n`,
    );
    return EXIT.unusable;
  }
  if (error instanceof InvalidInputError) {
    for (const line of error.lines) process.stderr.write(`${line}\n`);
    return EXIT.unusable;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`otabench: ${message.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  if (process.env['OTABENCH_DEBUG'] !== undefined && error instanceof Error)
    process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.failed;
}
