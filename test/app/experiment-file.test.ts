import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../app/config/paths';
import { InvalidInputError } from '../../app/config/violations';
import { loadExperiment } from '../../app/experiment/file';
import type { BundleFacts } from '../../app/experiment/model';
import { benchSetup, makePlan, transportOptions } from '../../app/experiment/plan';
import { GOOD_FILE, HAND_FACTS, writeExperiment } from './hand-bench';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'otabench-file-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function violations(
  text: string,
  inspect = (): Promise<BundleFacts> => Promise.resolve(HAND_FACTS),
): Promise<string[]> {
  try {
    await loadExperiment(writeExperiment(folder, text), inspect);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.lines.map((line) => line.replace(`${folder}/`, ''));
  }
}

/** Line of the good file (after the edit) on which a text first stands. */
function lineOf(text: string, part: string): number {
  const index = text.split('\n').findIndex((line) => line.includes(part));
  assert.ok(index >= 0, `${part} is not in the file`);
  return index + 1;
}

interface BadFile {
  readonly what: string;
  /** Of the good file, replaced by `by`. */
  readonly replace: string | RegExp;
  readonly by: string;
  /** Text on the line that the message must name. */
  readonly at: string;
  readonly field: string;
  /** What the message must say: the value, and what is allowed. */
  readonly says: readonly string[];
}

const BAD_FILES: readonly BadFile[] = [
  {
    what: 'one arm in a list of arms',
    replace: 'sweep:',
    by: 'arms:\n  - name: alone\nsweep:',
    at: 'arms:',
    field: 'arms',
    says: ['a list of 2 to 16 arms'],
  },
  {
    what: 'two arms of one name',
    replace: 'sweep:',
    by: 'arms:\n  - name: same\n  - { name: same }\nsweep:',
    at: '- { name: same }',
    field: 'arms[1].name',
    says: ['value "same"', 'allowed every name once'],
  },
  {
    what: 'arms beside an arm',
    replace: 'sweep:',
    by: 'arm: one\narms:\n  - name: a\n  - name: b\nsweep:',
    at: 'arm: one',
    field: 'arm',
    says: ['beside arms'],
  },
  {
    what: 'an unknown field of an arm',
    replace: 'sweep:',
    by: 'arms:\n  - name: a\n  - name: b\n    transport: { scrambel: false }\nsweep:',
    at: 'scrambel',
    field: 'arms[1].transport.scrambel',
    says: ['unknown field', 'did you mean "scramble"?'],
  },
  {
    what: "an arm's radio that the air does not have",
    replace: 'sweep:',
    by: 'arms:\n  - name: a\n  - name: b\n    air: { interferers: [{ frequencyHz: 2e9, powerDbm: -50, serials: [TWIN-NONE] }] }\nsweep:',
    at: 'TWIN-NONE',
    field: 'arms[1].air.interferers[0].serials[0]',
    says: ['value "TWIN-NONE"', 'a serial of air.radios'],
  },
  {
    what: 'a schedule that there is not',
    replace: 'sweep:',
    by: 'schedule: cdma\nsweep:',
    at: 'cdma',
    field: 'schedule',
    says: ['value "cdma"', 'allowed turns, fdma, one-transmitter'],
  },
  {
    what: 'a partition that does not fit',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition: { text: 20, visual: 20, audio: 20 }\nsweep:',
    at: 'partition:',
    field: 'partition',
    says: ['grid carriers with their guards', 'allowed 53 in all'],
  },
  {
    what: 'a partition that leaves no room for the guard that it names',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition: { guardCarriers: 4, text: 17, visual: 17, audio: 15 }\nsweep:',
    at: 'partition:',
    field: 'partition',
    says: ['grid carriers with their guards', 'allowed 53 in all'],
  },
  {
    what: 'a width below the minimum',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition: { text: 3, visual: 17, audio: 15 }\nsweep:',
    at: 'text: 3',
    field: 'partition.text',
    says: ['value 3', 'a width of 4 to 53 grid carriers'],
  },
  {
    what: 'two users in one sub-band',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition:\n  text: { first: -26, count: 16 }\n  visual: { first: -20, count: 16 }\n  audio: { first: 10, count: 16 }\nsweep:',
    at: 'first: -20',
    field: 'partition.visual',
    says: ['of text', 'a sub-band that no other user has'],
  },
  {
    what: 'users without a guard between them',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition:\n  text: { first: -26, count: 16 }\n  visual: { first: -9, count: 16 }\n  audio: { first: 10, count: 16 }\nsweep:',
    at: 'first: -9',
    field: 'partition.visual',
    says: ['apart', 'at least 2 grid carriers'],
  },
  {
    what: 'a sub-band beyond the band',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition:\n  text: { first: -26, count: 16 }\n  visual: { first: -8, count: 16 }\n  audio: { first: 12, count: 16 }\nsweep:',
    at: 'first: 12',
    field: 'partition.audio.first',
    says: ['value 12', '-26 to 11'],
  },
  {
    what: 'widths beside places',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition: { text: 16, visual: 16, audio: { first: 10, count: 16 } }\nsweep:',
    at: 'partition:',
    field: 'partition',
    says: ['widths beside places'],
  },
  {
    what: 'a partition that is neither',
    replace: 'sweep:',
    by: 'schedule: fdma\npartition: fair\nsweep:',
    at: 'fair',
    field: 'partition',
    says: ['value "fair"', 'equal, or a mapping'],
  },
  {
    what: 'a bad partition of an arm',
    replace: 'sweep:',
    by: 'arms:\n  - name: a\n  - name: b\n    schedule: fdma\n    partition: { text: 30, visual: 17, audio: 15 }\nsweep:',
    at: 'text: 30',
    field: 'arms[1].partition',
    says: ['allowed 53 in all'],
  },
  {
    what: 'one transmitter for users that have their own',
    replace: 'sweep:',
    by: 'schedule: one-transmitter\nsweep:',
    at: 'visual: { driver',
    field: 'radios.visual.serial',
    says: ['value "TWIN-VISUAL"', 'TWIN-TEXT', 'one-transmitter'],
  },
  {
    what: 'users at once from one radio',
    replace: /radios:[^]*?link:/,
    by: 'schedule: fdma\nradios:\n  base: { driver: twin, serial: TWIN-BASE }\n  text: { driver: twin, serial: TWIN-TEXT }\n  visual: { driver: twin, serial: TWIN-TEXT }\n  audio: { driver: twin, serial: TWIN-TEXT }\nlink:',
    at: 'visual: { driver',
    field: 'radios.visual.serial',
    says: ['value "TWIN-TEXT"', 'a serial of its own for every radio'],
  },
  {
    what: 'an unknown section, close to a known one',
    replace: 'sweep:',
    by: 'sweeps: {}\nsweep:',
    at: 'sweeps:',
    field: 'sweeps',
    says: ['unknown field', 'did you mean "sweep"?', 'allowed name, seed, arm, arms, task, radios'],
  },
  {
    what: 'an unknown field deep inside',
    replace: 'TWIN-TEXT: { clockErrorPpm: 2 }',
    by: 'TWIN-TEXT: { clockErorPpm: 2 }',
    at: 'clockErorPpm',
    field: 'air.radios.TWIN-TEXT.clockErorPpm',
    says: ['unknown field', 'did you mean "clockErrorPpm"?', 'allowed clockErrorPpm, noiseFigureDb, maxOutputPowerDbm'],
  },
  {
    what: 'no seed',
    replace: 'seed: 7\n',
    by: '',
    at: 'name:',
    field: 'seed',
    says: ['missing', 'allowed an integer from 0 to 4294967295'],
  },
  {
    what: 'a seed in words',
    replace: 'seed: 7',
    by: 'seed: seven',
    at: 'seed:',
    field: 'seed',
    says: ['value "seven"', 'allowed an integer from 0 to 4294967295'],
  },
  {
    what: 'a name with spaces',
    replace: 'name: by-hand',
    by: 'name: By Hand',
    at: 'name: By Hand',
    field: 'name',
    says: ['value "By Hand"', 'allowed lower-case letters, digits and hyphens'],
  },
  {
    what: 'a missing radio',
    replace: '  audio: { driver: twin, serial: TWIN-AUDIO }\n',
    by: '',
    at: 'radios:',
    field: 'radios.audio',
    says: ['missing', 'allowed a mapping with driver, serial'],
  },
  {
    what: 'a radio for an unknown role',
    replace: '  base: { driver: twin, serial: TWIN-BASE }\n',
    by: '  base: { driver: twin, serial: TWIN-BASE }\n  relay: { driver: twin, serial: TWIN-RELAY }\n',
    at: 'relay:',
    field: 'radios.relay',
    says: ['unknown field', 'allowed base, text, visual, audio'],
  },
  {
    what: 'an unknown driver',
    replace: 'text: { driver: twin',
    by: 'text: { driver: rtlsdr',
    at: 'rtlsdr',
    field: 'radios.text.driver',
    says: ['value "rtlsdr"', 'allowed twin, uhd, hackrf'],
  },
  {
    what: 'twins beside real radios',
    replace: 'text: { driver: twin, serial: TWIN-TEXT }',
    by: 'text: { driver: hackrf, serial: "0001" }',
    at: 'hackrf',
    field: 'radios.text.driver',
    says: ['value "hackrf"', 'allowed twin, as radios.base has', 'all twins or all real'],
  },
  {
    what: 'one serial twice',
    replace: 'visual: { driver: twin, serial: TWIN-VISUAL }',
    by: 'visual: { driver: twin, serial: TWIN-TEXT }',
    at: 'visual: { driver',
    field: 'radios.visual.serial',
    says: ['value "TWIN-TEXT"', 'a serial of its own', 'radios.text has this one'],
  },
  {
    what: 'a twin whose serial does not say so',
    replace: 'text: { driver: twin, serial: TWIN-TEXT }',
    by: 'text: { driver: twin, serial: B200-1 }',
    at: 'B200-1',
    field: 'radios.text.serial',
    says: ['value "B200-1"', 'allowed TWIN- and 1 to 32 of A-Z'],
  },
  {
    what: 'a twin that is not in the air',
    replace: '    TWIN-VISUAL: {}\n',
    by: '',
    at: 'visual: { driver',
    field: 'radios.visual.serial',
    says: ['value "TWIN-VISUAL"', 'a serial of air.radios: TWIN-BASE, TWIN-TEXT, TWIN-AUDIO'],
  },
  {
    what: 'twins without air',
    replace: /air:\n(?: .*\n)+/,
    by: '',
    at: 'name:',
    field: 'air',
    says: ['missing', 'twins need their simulated air'],
  },
  {
    what: 'a path from nowhere',
    replace: 'from: TWIN-TEXT',
    by: 'from: TWIN-TXT',
    at: 'TWIN-TXT',
    field: 'air.paths[0].from',
    says: ['value "TWIN-TXT"', 'a serial of air.radios'],
  },
  {
    what: 'a user without a path to the base',
    replace: '    - { from: TWIN-AUDIO, to: TWIN-BASE, pathLossDb: 60 }\n',
    by: '',
    at: 'paths:',
    field: 'air.paths',
    says: ['no path from TWIN-AUDIO (audio) to TWIN-BASE (base)', 'allowed one for every user'],
  },
  {
    what: 'one path twice',
    replace: '{ from: TWIN-AUDIO, to',
    by: '{ from: TWIN-TEXT, to: TWIN-BASE, pathLossDb: 50 }\n    - { from: TWIN-AUDIO, to',
    at: 'pathLossDb: 50',
    field: 'air.paths[2]',
    says: ['a second path from TWIN-TEXT to TWIN-BASE', 'allowed one'],
  },
  {
    what: 'a tap beyond the cyclic prefix',
    replace: 'to: TWIN-BASE, pathLossDb: 60 }',
    by: 'to: TWIN-BASE, pathLossDb: 60, taps: [{ delayS: 1e-5, powerDb: 0 }] }',
    at: '1e-5',
    field: 'air.paths[0].taps[0].delayS',
    says: ['value 0.00001', 'allowed a number from 0 to 0.0000032 s'],
  },
  {
    what: 'an unknown pace',
    replace: 'air:\n',
    by: 'air:\n  pace: fast\n',
    at: 'pace: fast',
    field: 'air.pace',
    says: ['value "fast"', 'allowed free, realtime'],
  },
  {
    what: 'clocks further apart than the preamble resolves',
    replace: 'TWIN-BASE: {}\n    TWIN-TEXT: { clockErrorPpm: 2 }',
    by: 'TWIN-BASE: { clockErrorPpm: -40 }\n    TWIN-TEXT: { clockErrorPpm: 30 }',
    at: 'clockErrorPpm: 30',
    field: 'air.radios.TWIN-TEXT.clockErrorPpm',
    says: ['value 30', "at most 61.2 ppm from the base's -40"],
  },
  {
    what: 'a clock within reach of the base, and not of the prior',
    replace: 'rxGainDb: 40',
    by: 'rxGainDb: 40\n  cfoPriorHz: -149e3',
    at: 'clockErrorPpm: 2',
    field: 'air.radios.TWIN-TEXT.clockErrorPpm',
    says: ['value 2', "at most 61.2 ppm from -60.8, the base's 0 and link.cfoPriorHz -149000 Hz, at this carrier"],
  },
  {
    what: 'a prior beyond what the gate can do',
    replace: 'rxGainDb: 40',
    by: 'rxGainDb: 40\n  cfoPriorHz: -4e5',
    at: 'cfoPriorHz',
    field: 'link.cfoPriorHz',
    says: ['value -400000', 'a number from -390625 to 390625 Hz'],
  },
  {
    what: 'a token length that the bundle does not have',
    replace: 'visual: { tokens: 4 }',
    by: 'visual: { tokens: 5 }',
    at: 'tokens: 5',
    field: 'users.visual.tokens',
    says: ['value 5', 'allowed 2, 4, 16 (bundle by-hand)'],
  },
  {
    what: 'an SNR below the link range',
    replace: 'snrDb: [0, 10, 20]',
    by: 'snrDb: [-10, 10, 20]',
    at: 'snrDb:',
    field: 'sweep.snrDb[0]',
    says: ['value -10', 'allowed a number from -5 to 35 dB', 'below it there is offline evaluation only'],
  },
  {
    what: 'an SNR above the link range',
    replace: 'snrDb: [0, 10, 20]',
    by: 'snrDb:\n    - 0\n    - 40',
    at: '- 40',
    field: 'sweep.snrDb[1]',
    says: ['value 40', 'allowed a number from -5 to 35 dB'],
  },
  {
    what: 'an SNR twice',
    replace: 'snrDb: [0, 10, 20]',
    by: 'snrDb: [0, 10, 0]',
    at: 'snrDb:',
    field: 'sweep.snrDb[2]',
    says: ['value 0', 'each SNR once'],
  },
  {
    what: 'an empty sweep',
    replace: 'snrDb: [0, 10, 20]',
    by: 'snrDb: []',
    at: 'snrDb:',
    field: 'sweep.snrDb',
    says: ['value []', 'a list of 1 to 50'],
  },
  {
    what: 'no trials',
    replace: 'trialsPerPoint: 100',
    by: 'trialsPerPoint: 0',
    at: 'trialsPerPoint',
    field: 'questions.trialsPerPoint',
    says: ['value 0', 'allowed an integer from 1 to 1000000'],
  },
  {
    what: 'half a draw',
    replace: 'awgnDraws: 3',
    by: 'awgnDraws: 2.5',
    at: 'awgnDraws',
    field: 'questions.awgnDraws',
    says: ['value 2.5', 'allowed an integer from 0 to 32'],
  },
  {
    what: 'more different questions than the bundle has',
    replace: 'awgnDraws: 3',
    by: 'awgnDraws: 3\n  distinct: 41',
    at: 'distinct',
    field: 'questions.distinct',
    says: ['value 41', 'allowed an integer from 1 to 40'],
  },
  {
    what: 'another task than the bundle answers',
    replace: 'name: digit-avqa',
    by: 'name: music-avqa',
    at: 'music-avqa',
    field: 'task.name',
    says: ['value "music-avqa"', 'allowed digit-avqa'],
  },
  {
    what: 'a bundle that is not there',
    replace: 'bundle: bundle',
    by: 'bundle: nowhere',
    at: 'nowhere',
    field: 'task.bundle',
    says: ['value "nowhere"', 'no manifest.json in'],
  },
  {
    what: 'a carrier that twins cannot tune to',
    replace: 'centerFrequencyHz: 2.45e9',
    by: 'centerFrequencyHz: 10e6',
    at: 'centerFrequencyHz',
    field: 'link.centerFrequencyHz',
    says: ['value 10000000', 'a number from 70000000 to 6000000000 Hz'],
  },
  {
    what: 'a gain with a unit',
    replace: 'rxGainDb: 40',
    by: 'rxGainDb: 40 dB',
    at: 'rxGainDb',
    field: 'link.rxGainDb',
    says: ['value "40 dB"', 'allowed a number from 0 to 120 dB'],
  },
  {
    what: 'not a number',
    replace: 'rxGainDb: 40',
    by: 'rxGainDb: .nan',
    at: 'rxGainDb',
    field: 'link.rxGainDb',
    says: ['allowed a number from 0 to 120 dB'],
  },
  {
    what: 'a fading that is not known',
    replace: 'to: TWIN-BASE, pathLossDb: 60 }',
    by: 'to: TWIN-BASE, pathLossDb: 60, fading: { kind: fast } }',
    at: 'fast',
    field: 'air.paths[0].fading.kind',
    says: ['value "fast"', 'allowed none, block, continuous'],
  },
  {
    what: 'a tapped delay line that does not fade',
    replace: 'to: TWIN-BASE, pathLossDb: 60 }',
    by: 'to: TWIN-BASE, pathLossDb: 60, fading: { profile: tdl-a } }',
    at: 'tdl-a',
    field: 'air.paths[0].fading.profile',
    says: ['value "tdl-a"', 'allowed taps while kind is none'],
  },
  {
    what: 'a delay line longer than the cyclic prefix',
    replace: 'to: TWIN-BASE, pathLossDb: 60 }',
    by: 'to: TWIN-BASE, pathLossDb: 60, fading: { kind: block, profile: tdl-a, delaySpreadS: 1e-6 } }',
    at: 'tdl-a',
    field: 'air.paths[0].fading.delaySpreadS',
    says: ['value 0.000001', 'allowed a number from 0 to 3.31e-7 s', 'cyclic prefix'],
  },
  {
    what: 'a line of sight where the profile has none',
    replace: 'to: TWIN-BASE, pathLossDb: 60 }',
    by: 'to: TWIN-BASE, pathLossDb: 60, fading: { kind: block, profile: tdl-b, ricianKDb: 6 } }',
    at: 'tdl-b',
    field: 'air.paths[0].fading.ricianKDb',
    says: ['value 6', 'allowed null with tdl-b'],
  },
  {
    what: 'a Doppler beyond the medium',
    replace: 'to: TWIN-BASE, pathLossDb: 60 }',
    by: 'to: TWIN-BASE, pathLossDb: 60, fading: { kind: continuous, dopplerHz: 3000 } }',
    at: 'dopplerHz',
    field: 'air.paths[0].fading.dopplerHz',
    says: ['value 3000', 'allowed a number from 0 to 2000 Hz'],
  },
  {
    what: 'a converter of one bit',
    replace: 'TWIN-BASE: {}',
    by: 'TWIN-BASE: { adcBits: 1 }',
    at: 'adcBits',
    field: 'air.radios.TWIN-BASE.adcBits',
    says: ['value 1', 'allowed 0 (ideal) or an integer from 2 to 16'],
  },
  {
    what: 'a carrier leakage in words',
    replace: 'TWIN-BASE: {}',
    by: 'TWIN-BASE: { loLeakageDbfs: none }',
    at: 'loLeakageDbfs',
    field: 'air.radios.TWIN-BASE.loLeakageDbfs',
    says: ['value "none"', 'allowed a number from -150 to 0 dBFS, or null (none)'],
  },
  {
    what: 'an amplifier that cannot be',
    replace: 'TWIN-BASE: {}',
    by: 'TWIN-BASE: { amplifierSaturationDb: 3, amplifierSmoothness: 0 }',
    at: 'amplifierSmoothness',
    field: 'air.radios.TWIN-BASE.amplifierSmoothness',
    says: ['value 0', 'allowed a number from 0.5 to 20'],
  },
  {
    what: 'an interferer without a power',
    replace: 'users:',
    by: '  interferers:\n    - frequencyHz: 2.451e9\nusers:',
    at: 'frequencyHz: 2.451e9',
    field: 'air.interferers[0].powerDbm',
    says: ['missing', 'allowed a number from -200 to 60 dBm'],
  },
  {
    what: 'an interferer that nobody there hears',
    replace: 'users:',
    by: '  interferers:\n    - { frequencyHz: 2.451e9, powerDbm: -80, serials: [TWIN-ELSE] }\nusers:',
    at: 'TWIN-ELSE',
    field: 'air.interferers[0].serials[0]',
    says: ['value "TWIN-ELSE"', 'allowed a serial of air.radios: TWIN-BASE'],
  },
  {
    what: 'an interferer that comes again before it has gone',
    replace: 'users:',
    by: '  interferers:\n    - { frequencyHz: 2.451e9, powerDbm: -80, onS: 1e-3, periodS: 1e-4 }\nusers:',
    at: 'periodS',
    field: 'air.interferers[0].periodS',
    says: ['value 0.0001', 'allowed 0 (once), or more than onS'],
  },
  {
    what: 'an unknown normalisation',
    replace: 'users:',
    by: 'transport: { normalisation: words }\nusers:',
    at: 'transport:',
    field: 'transport.normalisation',
    says: ['value "words"', 'allowed burst, token'],
  },
  {
    what: 'a switch that is no truth value',
    replace: 'users:',
    by: 'transport:\n  permutation: true\n  dftSpreading: maybe\nusers:',
    at: 'dftSpreading:',
    field: 'transport.dftSpreading',
    says: ['value "maybe"', 'allowed true, false'],
  },
  {
    what: 'an unknown way to limit peaks',
    replace: 'users:',
    by: 'transport: { papr: { control: clip } }\nusers:',
    at: 'transport:',
    field: 'transport.papr.control',
    says: ['value "clip"', 'allowed none, clip-and-filter'],
  },
  {
    what: 'a peak target that clip and filter cannot reach',
    replace: 'users:',
    by: 'transport:\n  papr:\n    control: clip-and-filter\n    targetDb: 2\nusers:',
    at: 'targetDb:',
    field: 'transport.papr.targetDb',
    says: ['value 2', 'allowed a number from 3.5 to 20 dB'],
  },
  {
    what: 'a burst above full scale',
    replace: 'users:',
    by: 'transport: { rmsDbfs: 1 }\nusers:',
    at: 'transport:',
    field: 'transport.rmsDbfs',
    says: ['value 1', 'allowed a number from -60 to 0 dBFS'],
  },
  {
    what: 'an unknown field of transport',
    replace: 'users:',
    by: 'transport: { permute: false }\nusers:',
    at: 'transport:',
    field: 'transport.permute',
    says: [
      'unknown field',
      'allowed mapping, digital, normalisation, permutation, scramble, dftSpreading, papr, rmsDbfs',
    ],
  },
  {
    what: 'a mapping that is not known',
    replace: 'users:',
    by: 'transport: { mapping: morse }\nusers:',
    at: 'transport:',
    field: 'transport.mapping',
    says: ['value "morse"', 'allowed analog, digital'],
  },
  {
    what: 'bits per value beyond the quantiser',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  digital:\n    bitsPerValue: 9\nusers:',
    at: 'bitsPerValue:',
    field: 'transport.digital.bitsPerValue',
    says: ['value 9', 'allowed auto (link adaptation), or an integer from 2 to 8'],
  },
  {
    what: 'a modulation that is not known',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  digital:\n    modulation: bpsk\nusers:',
    at: 'modulation:',
    field: 'transport.digital.modulation',
    says: ['value "bpsk"', 'allowed auto (link adaptation), qpsk, 16qam, 64qam, 256qam'],
  },
  {
    what: 'a target that is no error rate',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  digital:\n    targetPer: 0\nusers:',
    at: 'targetPer:',
    field: 'transport.digital.targetPer',
    says: ['value 0', 'allowed a number from 0.0001 to 0.5'],
  },
  {
    what: 'norms beside numbers',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  normalisation: token\nusers:',
    at: 'normalisation:',
    field: 'transport.normalisation',
    says: ['value "token"', 'allowed burst, since transport.mapping is digital'],
  },
  {
    what: 'numbers without scrambling',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  scramble: false\nusers:',
    at: 'scramble:',
    field: 'transport.scramble',
    says: ['value false', 'allowed true, since transport.mapping is digital'],
  },
  {
    what: 'link adaptation beside DFT spreading',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  dftSpreading: true\nusers:',
    at: 'dftSpreading:',
    field: 'transport.dftSpreading',
    says: ['value true', 'allowed false where link adaptation chooses'],
  },
  {
    what: 'a format that does not fit into the channel uses',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  digital: { bitsPerValue: 4, modulation: qpsk }\nusers:',
    at: '  digital:',
    field: 'transport.digital',
    says: [
      '4 bits per value with qpsk need',
      'channel uses for 3 x 8 values of text, and there are 48',
      'allowed a format',
    ],
  },
  {
    what: 'the channel uses of an arm that is not there',
    replace: 'sweep:',
    by: 'arms:\n  - name: a\n  - name: b\n    transport:\n      mapping: digital\n      digital: { channelUsesOf: c }\nsweep:',
    at: 'channelUsesOf',
    field: 'arms[1].transport.digital.channelUsesOf',
    says: ['value "c"', 'allowed an arm whose mapping is analog: a'],
  },
  {
    what: 'the channel uses of an arm without arms',
    replace: 'users:',
    by: 'transport:\n  mapping: digital\n  digital:\n    channelUsesOf: a\nusers:',
    at: 'channelUsesOf',
    field: 'transport.digital.channelUsesOf',
    says: ['value "a"', 'allowed an arm whose mapping is analog: (there is none)'],
  },
  {
    what: 'equal energy claimed with another power',
    replace: 'sweep:',
    by: 'arms:\n  - name: a\n  - name: b\n    transport:\n      mapping: digital\n      rmsDbfs: -10\n      digital: { channelUsesOf: a }\nsweep:',
    at: 'channelUsesOf',
    field: 'arms[1].transport.digital.channelUsesOf',
    says: ['whose rmsDbfs is -12', 'allowed that of this arm, -10'],
  },
  {
    what: 'equal energy claimed with another schedule',
    replace: 'sweep:',
    by: 'arms:\n  - name: a\n  - name: b\n    schedule: fdma\n    transport:\n      mapping: digital\n      digital: { channelUsesOf: a }\nsweep:',
    at: 'channelUsesOf',
    field: 'arms[1].transport.digital.channelUsesOf',
    says: ['whose schedule is turns', 'allowed that of this arm, fdma'],
  },
  {
    what: 'equal channel uses that cannot be divided',
    replace: /tokens: 4 \}\n {2}audio: \{ tokens: 4 \}\nsweep:/,
    by: 'tokens: 4 }\n  audio: { tokens: 4 }\narms:\n  - name: a\n  - name: b\n    transport:\n      mapping: digital\n      digital: { channelUsesOf: a, shares: { text: 1, visual: 1 } }\nsweep:',
    at: 'channelUsesOf',
    field: 'arms[1].transport.digital.shares.audio',
    says: ['missing', 'allowed a number from 0.01 to 100'],
  },
  {
    what: 'a section that is no mapping',
    replace: /users:\n(?: .*\n)+/,
    by: 'users: [visual, audio]\n',
    at: 'users:',
    field: 'users',
    says: ['value ["visual","audio"]', 'allowed a mapping with text, visual, audio'],
  },
  {
    what: 'a key twice',
    replace: 'seed: 7',
    by: 'seed: 7\nseed: 8',
    at: 'seed: 8',
    field: '',
    says: ['not valid YAML', 'allowed each key once'],
  },
  {
    what: 'two documents',
    replace: 'seed: 7',
    by: 'seed: 7\n---\nseed: 8',
    at: '---',
    field: '',
    says: ['not valid YAML', 'allowed one'],
  },
  {
    what: 'an alias without its anchor',
    replace: 'snrDb: [0, 10, 20]',
    by: 'snrDb: *nowhere',
    at: '*nowhere',
    field: '',
    says: ['not valid YAML', 'nowhere'],
  },
];

describe('a bad experiment file', () => {
  for (const { what, replace, by, at, field, says } of BAD_FILES)
    it(`is refused: ${what}`, async () => {
      const text = GOOD_FILE.replace(replace, by);
      assert.notEqual(text, GOOD_FILE, 'the edit changed nothing');
      const found = await violations(text);
      const start = `experiment.yml:${lineOf(text, at)}: ${field === '' ? '' : `${field}: `}`;
      const line = found.find((candidate) => candidate.startsWith(start));
      assert.ok(line !== undefined, `no line starts with "${start}" in:\n${found.join('\n')}`);
      for (const part of says) assert.ok(line.includes(part), `"${part}" is not in: ${line}`);
      assert.ok(!line.includes('\n'));
    });

  it('is refused with every violation at once, in the order of the file', async () => {
    const text = GOOD_FILE.replace('seed: 7', 'seed: -1')
      .replace('text: { driver: twin', 'text: { driver: usb')
      .replace('tokens: 4', 'tokens: 5')
      .replace('snrDb: [0, 10, 20]', 'snrDb: [50, 10, 10]')
      .replace('awgnDraws: 3', 'awgnDrawz: 3')
      .replace('output:', 'outputs:');
    const found = await violations(text);
    const fields = found.map((line) => line.split(': ')[1]);
    assert.deepEqual(fields, [
      'seed',
      'radios.text.driver',
      'users.visual.tokens',
      'sweep.snrDb[0]',
      'sweep.snrDb[2]',
      'questions.awgnDrawz',
      'outputs',
    ]);
    const numbers = found.map((line) => Number(line.split(':')[1]));
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
  });

  it('is refused when it cannot be read, or is no mapping, or no YAML', async () => {
    const missing = path.join(folder, 'nothing.yml');
    await assert.rejects(
      loadExperiment(missing, () => Promise.resolve(HAND_FACTS)),
      /nothing.yml:1: cannot be read \(ENOENT\)/,
    );
    assert.match(
      (await violations('- a\n- b\n'))[0] ?? '',
      /experiment.yml:1: value \["a","b"\]; allowed a mapping with name/,
    );
    assert.match((await violations('name: "open\n'))[0] ?? '', /experiment.yml:\d: not valid YAML/);
  });

  it('is refused with the reason of a broken bundle', async () => {
    const found = await violations(GOOD_FILE, () => Promise.reject(new Error('answer.onnx: sha256 does not match')));
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? '',
      /^experiment.yml:3: task.bundle: value "bundle"; allowed .*answer.onnx: sha256 does not match/,
    );
  });
});

describe('a good experiment file', () => {
  it('gets its defaults', async () => {
    const { experiment } = await loadExperiment(writeExperiment(folder), () => Promise.resolve(HAND_FACTS));
    assert.equal(experiment.arm, 'over-the-air');
    assert.deepEqual(experiment.output, {
      folder: 'runs',
      csiEveryNthTrial: 5,
      errorBudgetEveryNthTrial: 10,
    });
    assert.deepEqual(experiment.air?.radios['TWIN-VISUAL'], {
      clockErrorPpm: 0,
      noiseFigureDb: 6,
      maxOutputPowerDbm: 10,
      phaseNoiseLinewidthHz: 0,
      phaseNoiseLoopBandwidthHz: 0,
      phaseNoiseFloorDbcHz: null,
      txIqGainDb: 0,
      txIqPhaseDeg: 0,
      rxIqGainDb: 0,
      rxIqPhaseDeg: 0,
      loLeakageDbfs: null,
      dcOffsetDbfs: null,
      amplifierSaturationDb: null,
      amplifierSmoothness: 2,
      dacBits: 0,
      adcBits: 0,
      activateSettleS: 0,
      retuneSettleS: 0,
      invalidRxSamples: 0,
      trialStart: 'activated',
    });
    assert.deepEqual(experiment.air?.interferers, []);
    assert.equal(experiment.air?.paths[0]?.fading.kind, 'none');
    assert.deepEqual(experiment.air?.paths[0]?.taps, [{ delayS: 0, powerDb: 0, phaseRad: 0 }]);
    const setup = benchSetup(experiment);
    assert.equal(setup.sampleRateHz, 5e6);
    assert.deepEqual(
      setup.roles.map(({ role }) => role),
      ['base', 'text', 'visual', 'audio'],
    );
    assert.equal(setup.air?.pace, 'free');
    assert.deepEqual(transportOptions(experiment), {
      normalisation: 'burst',
      permutation: true,
      scramble: true,
      dftSpreading: false,
      paprControl: 'none',
      paprTargetDb: 6,
      rmsDbfs: -12,
    });
  });

  for (const name of ['first-light', 'smoke', 'fading', 'analog-vs-digital'])
    it(`is experiments/${name}.yml`, async () => {
      const file = path.join(repositoryRoot(), 'experiments', `${name}.yml`);
      const facts = { ...HAND_FACTS, questions: 1250 };
      const { experiment } = await loadExperiment(file, () => Promise.resolve(facts));
      assert.equal(experiment.name, name);
    });

  it('has every field described in docs/experiments.md', async () => {
    const { sectionSchemas } = await import('../../app/experiment/schema.js');
    const text = readFileSync(path.join(repositoryRoot(), 'docs', 'experiments.md'), 'utf8');
    const fields = [
      'clockErrorPpm',
      'noiseFigureDb',
      'maxOutputPowerDbm',
      'pathLossDb',
      'delayS',
      'powerDb',
      'phaseRad',
    ];
    fields.push(
      'centerFrequencyHz',
      'rxGainDb',
      'cfoPriorHz',
      'leadS',
      'leadJitterS',
      'tokens',
      'snrDb',
      'trialsPerPoint',
      'distinct',
    );
    fields.push('mapping', 'bitsPerValue', 'modulation', 'channelUsesOf', 'targetPer', 'marginDb');
    fields.push('normalisation', 'permutation', 'scramble', 'dftSpreading', 'control', 'targetDb', 'rmsDbfs');
    const { experiment } = await loadExperiment(writeExperiment(folder), () => Promise.resolve(HAND_FACTS));
    fields.push(...Object.keys(experiment.air?.radios['TWIN-BASE'] ?? {}));
    fields.push(...Object.keys(experiment.air?.paths[0]?.fading ?? {}));
    fields.push('bandwidthHz', 'startS', 'onS', 'periodS', 'serials', 'powerDbm', 'frequencyHz');
    fields.push('awgnDraws', 'burstsPerRound', 'toleranceDb', 'csiEveryNthTrial', ...Object.keys(sectionSchemas));
    for (const field of fields) assert.ok(text.includes(`\`${field}`) || text.includes(`.${field}\``), field);
  });
});

describe('the plan', () => {
  const planOf = async (text = GOOD_FILE): Promise<ReturnType<typeof makePlan>> => {
    const { experiment, bundle } = await loadExperiment(writeExperiment(folder, text), () =>
      Promise.resolve(HAND_FACTS),
    );
    return makePlan(experiment, bundle);
  };

  it('is the same for the same file and bundle', async () => {
    const [a, b] = [await planOf(), await planOf()];
    assert.deepEqual(a.trials, b.trials);
    assert.equal(a.hash, b.hash);
  });

  it('changes with the seed, and its hash with all that changes a result', async () => {
    const a = await planOf();
    const b = await planOf(GOOD_FILE.replace('seed: 7', 'seed: 8'));
    assert.notDeepEqual(a.questions, b.questions);
    for (const [from, to] of [
      ['seed: 7', 'seed: 8'],
      ['tokens: 4', 'tokens: 2'],
      ['pathLossDb: 60', 'pathLossDb: 61'],
      ['[0, 10, 20]', '[0, 10, 15]'],
      ['users:', 'transport: { dftSpreading: true }\nusers:'],
    ] as const)
      assert.notEqual((await planOf(GOOD_FILE.replace(from, to))).hash, a.hash, to);
    assert.equal((await planOf(GOOD_FILE.replace('csiEveryNthTrial: 5', 'csiEveryNthTrial: 6'))).hash, a.hash);
  });

  it('asks the same questions at every point, each with its own trial id', async () => {
    const { trials, questions } = await planOf();
    assert.equal(trials.length, 300);
    assert.equal(new Set(trials.map(({ id }) => id)).size, 300);
    for (const point of [0, 1, 2])
      assert.deepEqual(
        trials.slice(point * 100, point * 100 + 100).map(({ question }) => question),
        questions,
      );
    // 40 questions, 100 trials: every question once before any comes again.
    assert.equal(new Set(questions.slice(0, 40)).size, 40);
    assert.deepEqual(questions.slice(40, 80), questions.slice(0, 40));
    assert.equal(trials[0]?.id, `over-the-air/0dB/q${questions[0]}/r0`);
    assert.equal(trials[45]?.repeat, 1);
  });
});
