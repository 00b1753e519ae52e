/** What the air of a setup does to bursts: impairments and interferers reach the medium. */
import assert from 'node:assert/strict';
import { RadioProcessLauncher, type BenchSetup, type TrialResult, type TwinAir } from '../../app/link';
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

describe('radios that settle when a trial starts', () => {
  /** A trial whose first burst comes `leadS` after its start, where the radio with `serial` needs a millisecond. */
  async function settled(serial: string, leadS: number, fields: object): Promise<TrialResult> {
    const plain = twinSetup();
    const air = plain.air as TwinAir;
    const radios = air.radios.map((radio) => (radio.serial === serial ? { ...radio, ...fields } : radio));
    const bench = await new RadioProcessLauncher().open({ ...plain, air: { ...air, radios } });
    try {
      const request = trial(1, 87);
      const bursts = request.bursts.map((burst, index) => (index === 0 ? { ...burst, leadS } : burst));
      return await bench.runTrial({ ...request, bursts });
    } finally {
      await bench.close();
    }
  }
  const headers = ({ bursts }: TrialResult): boolean[] => bursts.map(({ headerOk }) => headerOk);

  for (const [what, fields] of [
    ['activation', { activateSettleS: 1e-3 }],
    ['retune', { retuneSettleS: 1e-3, trialStart: 'retuned' }],
  ] as const) {
    it(`lose what is sent before the end of ${what}, and nothing after it`, async () => {
      const early = await settled('TWIN-TEXT', 0.5e-3, fields);
      assert.deepEqual(headers(early), [false, true, true]);
      assert.equal(early.bursts[0]?.received, null);
      assert.ok(early.valid);
      assert.deepEqual(headers(await settled('TWIN-TEXT', 1.1e-3, fields)), [true, true, true]);
    });

    it(`hear nothing before the end of ${what}, and all after it`, async () => {
      assert.deepEqual(headers(await settled('TWIN-BASE', 0.5e-3, fields)), [false, true, true]);
      assert.deepEqual(headers(await settled('TWIN-BASE', 1.1e-3, fields)), [true, true, true]);
    });
  }

  it('hear nothing in their first invalid samples', async () => {
    assert.deepEqual(headers(await settled('TWIN-BASE', 0.5e-3, { invalidRxSamples: 5000 })), [false, true, true]);
    assert.deepEqual(headers(await settled('TWIN-BASE', 1.1e-3, { invalidRxSamples: 5000 })), [true, true, true]);
  });

  it('have settled where the setup says so', async () => {
    const fields = { activateSettleS: 1e-3, invalidRxSamples: 5000, trialStart: 'settled' };
    assert.deepEqual(headers(await settled('TWIN-BASE', 0.5e-3, fields)), [true, true, true]);
  });
});
