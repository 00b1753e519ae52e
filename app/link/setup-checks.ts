/** What must hold of a bench before any radio is opened. Checked by the host and again by the radio process. */
import { transmitRefusal } from '../../drivers/radio';
import { LinkError } from './errors';
import type { BenchSetup } from './types';

export const BASE_ROLE = 'base';
const TWIN = 'twin';
/** The header has four bits for the user. */
const MOST_USERS = 16;

/**
 * @throws LinkError bad-setup, mixed-drivers, transmit-refused: one line that names the field
 */
export function checkSetup(setup: BenchSetup): void {
  const { roles } = setup;
  const bases = roles.filter(({ role }) => role === BASE_ROLE);
  if (bases.length !== 1)
    throw new LinkError('bad-setup', `roles: ${bases.length} times "${BASE_ROLE}"; allowed exactly once`);
  if (roles.length - 1 > MOST_USERS)
    throw new LinkError('bad-setup', `roles: ${roles.length - 1} users; allowed at most ${MOST_USERS}`);
  const names = roles.map(({ role }) => role);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new LinkError('bad-setup', `roles.role: "${twice}" twice; allowed every role once`);
  // Users may share a radio, which then plays them in turn.
  const [base] = bases;
  const sharing = roles.find((role) => role !== base && role.driver === base?.driver && role.serial === base.serial);
  if (sharing !== undefined)
    throw new LinkError(
      'bad-setup',
      `roles.serial: "${sharing.driver} ${sharing.serial}" twice (${BASE_ROLE}, ${sharing.role}); allowed a radio of its own for ${BASE_ROLE}`,
    );
  const twins = roles.filter(({ driver }) => driver === TWIN);
  if (twins.length > 0 && twins.length < roles.length) {
    const real = roles.filter(({ driver }) => driver !== TWIN).map(({ role, driver }) => `${role}: ${driver}`);
    throw new LinkError('mixed-drivers', `roles.driver: twins beside ${real.join(', ')}; allowed all twin or all real`);
  }
  const simulated = twins.length > 0;
  if (simulated !== (setup.air !== null))
    throw new LinkError(
      'bad-setup',
      simulated ? 'air: missing; twins need their simulated air' : 'air: present; allowed for twins alone',
    );
  for (const { role, driver, serial } of roles) {
    if (simulated !== serial.startsWith('TWIN-'))
      throw new LinkError(
        'bad-setup',
        `roles.serial: "${serial}" of ${role}; allowed ${simulated ? 'a serial that starts with' : 'one without'} TWIN-`,
      );
    if (role !== BASE_ROLE && !simulated) throw LinkError.from(transmitRefusal(driver));
  }
}
