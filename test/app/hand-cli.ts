/** The real command line over the bench and model written by hand, as a process of its own. */
import { runProgram } from '../../app/cli/program';
import { HandLauncher, handParts, type HandFaults } from './hand-bench';

const faults = JSON.parse(process.env['HAND_FAULTS'] ?? '{}') as HandFaults;

void runProgram(process.argv.slice(2), {
  version: '0.0.0-test',
  hostParts: () => Promise.resolve(handParts(new HandLauncher(faults))),
}).then((code) => process.exit(code));
