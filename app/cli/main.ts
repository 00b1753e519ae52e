/** `otabench` in a terminal. */
import { otabenchVersion } from '../host/provenance';
import { runProgram } from './program';

async function main(): Promise<void> {
  const code = await runProgram(process.argv.slice(2), {
    version: otabenchVersion(),
    hostParts: async () => (await import('../host/composition.js')).hostParts(),
  });
  process.exitCode = code;
  // Native threads of radios or models must not keep a finished program; what was written is written first.
  await Promise.all(
    [process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
  );
  process.exit(code);
}

void main();
