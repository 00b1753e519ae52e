/** Command line of the desktop application. Chromium's own switches are left to Chromium. */

export interface DesktopOptions {
  /** Start the experiment as soon as the host is ready. */
  readonly autorun: boolean;
  /** Run once, print one line, exit 0 (done) or 1. */
  readonly smokeRun: boolean;
  readonly experimentFile: string;
  /** Another host entry, for tests; refused in a packaged application. */
  readonly hostFile: string | null;
}

const DEFAULT_EXPERIMENT = 'experiments/first-light.yml';

/** @throws Error naming the flag, when one of ours has no value. */
export function parseOptions(argv: readonly string[], packaged: boolean): DesktopOptions {
  let experimentFile = DEFAULT_EXPERIMENT;
  let hostFile: string | null = null;
  for (const argument of argv) {
    const [flag, value] = splitFlag(argument);
    if (flag !== '--experiment' && flag !== '--host-file') continue;
    if (!value) throw new Error(`${flag}: needs a value, ${flag}=FILE`);
    if (flag === '--experiment') experimentFile = value;
    else if (packaged) throw new Error('--host-file: not in a packaged application');
    else hostFile = value;
  }
  const smokeRun = argv.includes('--smoke-run');
  return { autorun: smokeRun || argv.includes('--autorun'), smokeRun, experimentFile, hostFile };
}

function splitFlag(argument: string): [string, string | null] {
  const at = argument.indexOf('=');
  return at < 0 ? [argument, null] : [argument.slice(0, at), argument.slice(at + 1)];
}
