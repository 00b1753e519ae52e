/** Which radios and which models a host works with: the one place that imports them. */
import { loadBundleModel } from './bundle-model';
import type { HostParts } from './run';

export function hostParts(): HostParts {
  return {
    launcher: {
      open: () => Promise.reject(new Error('the radio process is not in this build')),
    },
    loadModel: loadBundleModel,
  };
}
