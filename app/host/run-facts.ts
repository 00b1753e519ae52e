/** Plan and provenance of a run, as a person reads them. */
import type { RunReply } from '../ipc/results-messages';
import { armsOf } from '../store/points';
import { readRunDocument } from '../store/run-reader';
import { pointName } from '../units/place';

/** One line where run.json cannot be read. */
export function runFacts(folder: string): RunReply['facts'] {
  let document: ReturnType<typeof readRunDocument>;
  try {
    document = readRunDocument(folder);
  } catch {
    return [{ name: 'Folder', value: folder }];
  }
  const { plan, bundle, git, radios } = document;
  const arms = armsOf(document).map(({ name, points }) => `${name} (${points.map(pointName).join('; ')})`);
  const file = document.experiment['file'];
  return [
    { name: 'Folder', value: folder },
    ...(typeof file === 'string' ? [{ name: 'Experiment file', value: file }] : []),
    { name: arms.length > 1 ? 'Arms (requested)' : 'Arm (requested)', value: arms.join('; ') },
    { name: 'Trials a point', value: String(plan.trialsPerPoint) },
    { name: 'Blind prior', value: `${(100 * plan.blindAccuracy).toFixed(1)} %` },
    { name: 'Model bundle', value: `${bundle.name} ${bundle.hash.slice(0, 12)}` },
    ...(bundle.testSet === null
      ? []
      : [{ name: 'Own test set', value: `${bundle.testSet.file} ${bundle.testSet.hash.slice(0, 12)}` }]),
    {
      name: document.simulated ? 'Radios (simulated)' : 'Radios',
      value: radios.map(({ role, driver, serial }) => `${role} ${serial} (${driver})`).join('; '),
    },
    { name: 'Seed', value: String(document.seed) },
    {
      name: 'Commit',
      value:
        git.commit === null ? 'not known' : `${git.commit.slice(0, 12)}${git.modified === true ? ', modified' : ''}`,
    },
    {
      name: 'Versions',
      value: Object.entries(document.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    },
  ];
}
