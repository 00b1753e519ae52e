/** What the air of a setup does to bursts: impairments and interferers reach the medium. */
import assert from 'node:assert/strict';
import { RadioProcessLauncher, type BenchSetup, type TwinAir } from '../../app/link';
import { mean, SNR_MINUS_GAIN_DB, trial, twinSetup } from './twin-setup';

const SNR_DB = 25;

/** Mean measured minus true SNR of a few bursts, dB. */
async function snrErrorDb(change: (air: TwinAir) => TwinAir): Promise<number> {
  const plain = twinSetup();
  const setup: BenchSetup = { ...plain, air: change(plain.air as TwinAir) };
  const bench = await new RadioProcessLauncher().open(setup);
  try {
    const errors: number[] = [];
    for (let number = 0; number < 4; number++) {
      const { bursts } = await bench.runTrial(trial(number, Math.round(SNR_DB - SNR_MINUS_GAIN_DB)));
      for (const { measurement, truth } of bursts) {
        assert.ok(measurement !== null && truth !== null);
        errors.push(measurement.snrDb - truth.snrDb);
      }
    }
    return mean(errors);
  } finally {
    await bench.close();
  }
}

describe('an imperfect air', () => {
  it('without its fields is the one that it was', async () => {
    assert.ok(Math.abs(await snrErrorDb((air) => ({ ...air, interferers: [] }))) < 0.5);
  });

  it('has converters of few bits', async () => {
    const coarse = (air: TwinAir): TwinAir => ({
      ...air,
      radios: air.radios.map((radio) => ({ ...radio, dacBits: 4 })),
    });
    assert.ok((await snrErrorDb(coarse)) < -1);
  });

  it('has interferers', async () => {
    const noisy = (air: TwinAir): TwinAir => ({
      ...air,
      interferers: [
        { frequencyHz: 2.45e9, powerDbm: -90, bandwidthHz: 5e6, startS: 0, onS: 0, periodS: 0, serials: [] },
      ],
    });
    const error = await snrErrorDb(noisy);
    assert.ok(error < -5 && error > -14, `${error} dB`);
  });
});
