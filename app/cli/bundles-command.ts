/** `otabench bundles`: which model bundles there are, and whether they can be used. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { bundleFolders, findBundle, MANIFEST_NAME } from '../config/bundle-folders';
import { InvalidInputError } from '../config/violations';
import { verifyBundle, type BundleReport } from '../../models/runtime';

/** Every folder within the bundle folders; those that begin with a dot are being written. */
function everyBundle(folders: readonly string[]): string[] {
  return folders.filter(existsSync).flatMap((parent) =>
    readdirSync(parent, { withFileTypes: true })
      .filter((entry) => (entry.isDirectory() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
      .map((entry) => path.join(parent, entry.name))
      .sort(),
  );
}

/** @throws InvalidInputError with a line for each name that is no bundle */
function wantedBundles(wanted: readonly string[], folders: readonly string[]): string[] {
  const found = wanted.map((value) => findBundle(value, '', folders));
  const missing = wanted.filter((_, index) => !existsSync(path.join(found[index] as string, MANIFEST_NAME)));
  if (missing.length > 0)
    throw new InvalidInputError(
      missing.map(
        (value) =>
          `bundles BUNDLE: value "${value}"; allowed a folder with ${MANIFEST_NAME}, or a name in ${folders.join(', ')}`,
      ),
    );
  return found;
}

/** @returns the exit code: 0 when every bundle is good, 1 when one is not */
export async function bundlesCommand(wanted: readonly string[], json: boolean): Promise<number> {
  const folders = bundleFolders();
  const reports: BundleReport[] = [];
  for (const folder of wanted.length > 0 ? wantedBundles(wanted, folders) : everyBundle(folders))
    reports.push(await verifyBundle(folder));
  if (json) process.stdout.write(`${JSON.stringify({ folders, bundles: reports.map(asJson) })}\n`);
  else process.stdout.write(`${[...reports.flatMap(describe), `looked in ${folders.join(', ')}`].join('\n')}\n`);
  for (const { folder, problems } of reports)
    for (const line of problems) process.stderr.write(`otabench: ${folder}: ${line}\n`);
  return reports.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

function asJson({ folder, facts, problems }: BundleReport): Record<string, unknown> {
  return { folder, ok: problems.length === 0, problems, ...facts };
}

function describe({ folder, facts, problems }: BundleReport): string[] {
  const state = problems.length === 0 ? 'good' : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  if (facts === null) return [`${path.basename(folder)}: cannot be used`, `  folder    ${folder}`];
  const span = (lengths: readonly number[]): string => `${lengths[0]} to ${lengths.at(-1)}`;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const quick = facts.preset === 'quick' ? ', hardly trained (preset quick)' : '';
  return [
    `${facts.name}: ${state}${quick}`,
    `  folder    ${folder}`,
    `  task      ${facts.task}, schema ${facts.schemaVersion}, sha256 ${facts.hash.slice(0, 12)}`,
    `  samples   ${facts.questions} questions over ${facts.scenes} scenes`,
    `  tokens    visual ${span(facts.tokenLengths.visual)}, audio ${span(facts.tokenLengths.audio)}; loss surface ${facts.surface ? 'measured' : 'not measured'}`,
    `  size      ${megabytes(facts.modelBytes)}, test samples ${megabytes(facts.sampleBytes)}`,
    ...facts.licences.map(({ what, licence, source }) => `  licence   ${what}: ${licence} (${source})`),
  ];
}
