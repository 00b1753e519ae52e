import { loadNative, openRadio } from '../../drivers/radio';
import { twinSetup } from '../link/twin-setup';
import { describeRadioContract } from './contract';

describeRadioContract('a twin as a radio', 'TWIN-BASE', async () => {
  const { air, seed } = twinSetup({ pace: 'realtime' });
  if (air !== null) loadNative().medium.configure({ ...air, seed });
  return openRadio({ driver: 'twin', serial: 'TWIN-BASE' });
});

/** For example OTABENCH_TEST_RADIO="driver=hackrf,serial=0000000000000000..." */
const named = process.env['OTABENCH_TEST_RADIO'];
if (named === undefined || named === '')
  describe('hardware as a radio', () => {
    it.skip('skipped: OTABENCH_TEST_RADIO names no radio (driver=...,serial=...)');
  });
else {
  const args = Object.fromEntries(named.split(',').map((pair) => pair.split('=', 2) as [string, string]));
  const { driver = '', serial = '' } = args;
  describeRadioContract(`${driver} ${serial} as a radio`, serial, () => openRadio({ ...args, driver, serial }));
}
