/** Edits of single fields: what they say, and what they leave alone. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { applyEdit, readYaml, setField, valueAt, type FieldPath } from '../../app/renderer/experiment/yaml-edit';
import { repository } from './launch';

const firstLight = readFileSync(path.join(repository, 'experiments/first-light.yml'), 'utf8');
const set = (text: string, at: FieldPath, value: unknown, spelling?: string): string =>
  applyEdit(text, setField(text, at, value, spelling));

/** Lines of `b` that are not in `a`, and the other way round. */
function changedLines(a: string, b: string): { added: string[]; removed: string[] } {
  const [before, after] = [a.split('\n'), b.split('\n')];
  return {
    added: after.filter((line) => !before.includes(line)),
    removed: before.filter((line) => !after.includes(line)),
  };
}

describe('a field of a YAML text', () => {
  it('is changed in its place, comments and layout kept', () => {
    const text = set(firstLight, ['questions', 'trialsPerPoint'], 200);
    assert.deepEqual(changedLines(firstLight, text), {
      added: ['  trialsPerPoint: 200 # 1,000 questions; half of them twice, with fresh noise'],
      removed: ['  trialsPerPoint: 1500 # 1,000 questions; half of them twice, with fresh noise'],
    });
    assert.match(
      set(firstLight, ['link', 'centerFrequencyHz'], 868e6, '868e6'),
      /centerFrequencyHz: 868e6\n {2}rxGainDb/,
    );
    assert.match(set(firstLight, ['sweep', 'snrDb'], [-5, 2.5]), /snrDb: \[-5, 2\.5\]\n/);
    assert.match(
      set(firstLight, ['air', 'paths', 1, 'taps', 1, 'delayS'], 5e-7, '0.5e-6'),
      /delayS: 0\.5e-6, powerDb: -22/,
    );
  });

  it('is added where it was left to its default, and taken out again without a trace', () => {
    for (const [at, value] of [
      [['link', 'leadS'], 1e-3],
      [['transport'], { normalisation: 'token' }],
      [['transport', 'papr', 'control'], 'clip-and-filter'],
      [['air', 'radios', 'TWIN-TEXT', 'adcBits'], 8],
      [['air', 'paths', 0, 'fading', 'dopplerHz'], 5],
      [['output', 'errorBudgetEveryNthTrial'], 0],
      [['questions', 'distinct'], 17],
    ] as const) {
      const text = set(firstLight, at, value);
      assert.deepEqual(valueAt(readYaml(text)?.value, at), value);
      assert.equal(text.match(/#/g)?.length, firstLight.match(/#/g)?.length, 'comments stay');
      assert.ok(changedLines(firstLight, text).removed.length <= 1, text);
    }
    const added = set(firstLight, ['link', 'leadS'], 1e-3);
    assert.equal(set(added, ['link', 'leadS'], undefined), firstLight);
    const flow = set(firstLight, ['air', 'radios', 'TWIN-TEXT', 'adcBits'], 8);
    assert.equal(set(flow, ['air', 'radios', 'TWIN-TEXT', 'adcBits'], undefined), firstLight);
  });

  it('says what it should in every shipped experiment, wherever it stands', () => {
    const folder = path.join(repository, 'experiments');
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.yml'))) {
      const text = readFileSync(path.join(folder, file), 'utf8');
      // Every eleventh: all of them take a quarter of a minute.
      for (const at of leaves(readYaml(text)?.value).filter((_, index) => index % 11 === 3))
        for (const value of [42, 'a: b, {c}', undefined, [1, 2]]) {
          const edited = set(text, at, value);
          const found = valueAt(readYaml(edited)?.value, at);
          // Out of a list the next one moves up.
          if (value !== undefined || typeof at.at(-1) === 'string')
            assert.deepEqual(found, value, `${file} ${at.join('.')}`);
        }
    }
  });

  it('is written into an empty text, and into a section without content', () => {
    assert.deepEqual(readYaml(set('', ['users', 'visual', 'tokens'], 4))?.value, { users: { visual: { tokens: 4 } } });
    assert.equal(
      set('users:\nseed: 1\n', ['users', 'visual', 'tokens'], 4),
      'users: { visual: { tokens: 4 } }\nseed: 1\n',
    );
  });

  it('quotes what would read as something else', () => {
    const text = set('name: a\n', ['name'], 'true');
    assert.equal(readYaml(text)?.value instanceof Object && valueAt(readYaml(text)?.value, ['name']), 'true');
  });

  it('is refused where the text is no YAML', () => {
    assert.throws(() => setField('a: [1', ['a'], 2), /not valid YAML/);
  });
});

function leaves(value: unknown, at: FieldPath = []): FieldPath[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([key, item]) =>
    leaves(item, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}
