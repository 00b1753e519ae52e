/** Bursts handed to their radios, and those of which none could be made. */
import type { SentBurst } from '../../drivers/radio';
import { LinkError } from './errors';
import type { PlannedBurst } from './results';
import type { RadioEvent } from './types';

/** Or why no burst could be made of a user's tokens. */
export type Outgoing = SentBurst | LinkError;

export function outgoingOf(sent: Outgoing | undefined): SentBurst | null {
  return sent === undefined || sent instanceof LinkError ? null : sent;
}

/** @throws LinkError the first refusal, where every burst was refused */
export function refuseNothingSent(sent: readonly Outgoing[]): void {
  const [first] = sent;
  if (first instanceof LinkError && sent.every((one) => one instanceof LinkError)) throw first;
}

export function refusals(planned: readonly PlannedBurst[], sent: readonly Outgoing[]): RadioEvent[] {
  return planned.flatMap(({ request, radio }, index): RadioEvent[] => {
    const one = sent[index];
    if (!(one instanceof LinkError)) return [];
    const detail = `${request.user}: ${one.message}`;
    const { serial } = radio.device;
    return [{ kind: 'refused-burst', direction: 'tx', serial, hardwareTimeNs: null, count: 1, detail }];
  });
}
