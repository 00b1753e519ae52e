import assert from 'node:assert/strict';
import { achievableGainDb, gainForSnrDb, reaches, snrOverGainDb } from '../../calibration/records/transmit-gain';

const b200 = { min: 0, max: 89.75, step: 0.25 };

describe('transmit gain from soundings', () => {
  it('averages SNR over gain, dB by dB', () => {
    assert.equal(snrOverGainDb([]), null);
    const offset = snrOverGainDb([
      { txGainDb: 40, snrDb: 9.8 },
      { txGainDb: 50, snrDb: 20.2 },
    ]);
    assert.ok(offset !== null && Math.abs(offset - -30) < 1e-12);
    assert.equal(gainForSnrDb(15.1, -30, b200), 45);
  });

  it('keeps to the steps and the ends of the range, from its minimum on', () => {
    assert.equal(achievableGainDb(10.13, b200), 10.25);
    assert.equal(achievableGainDb(-3, b200), 0);
    assert.equal(achievableGainDb(200, b200), 89.75);
    assert.equal(achievableGainDb(-4.4, { min: -10, max: 5, step: 4 }), -6);
    assert.equal(achievableGainDb(1.234, { min: 0, max: 5, step: 0 }), 1.234);
  });

  it('says what is out of reach, half a step beyond the ends', () => {
    assert.equal(reaches(59.75, -30, b200), true);
    assert.equal(reaches(59.875, -30, b200), true);
    assert.equal(reaches(59.9, -30, b200), false);
    assert.equal(reaches(-30.2, -30, b200), false);
  });
});
