/** Which radios and which models a host works with: the one place that chooses them. */
import { DRIVERS } from '../experiment/schema';
import { inspectRadio, listRadios, RadioProcessLauncher } from '../link';
import { loadBundleModel } from './bundle-model';
import type { HostParts } from './run';

export function hostParts(): HostParts {
  return {
    launcher: new RadioProcessLauncher({
      listener: { log: (level, line) => process.stderr.write(`radio ${level}: ${line}\n`) },
    }),
    loadModel: loadBundleModel,
    findRadios: () => listRadios(DRIVERS),
    inspectRadio: (radio) => inspectRadio(radio),
  };
}
