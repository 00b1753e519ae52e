/** Reads an experiment file. Every violation is found before the first is told. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { findBundle, MANIFEST_NAME } from '../config/bundle-folders';
import { formatViolation, InvalidInputError, closestWord } from '../config/violations';
import { YamlFile } from '../config/yaml-file';
import {
  checkAgainstBundle,
  checkChannelUses,
  checkSweepOnce,
  crossCheck,
  type ReadableSections,
} from './cross-checks';
import { InspectionDeferred, TestSetRefused, type BundleFacts } from './model';
import { ARM_SECTIONS, keysAllowedAt, SECTION_NAMES, sectionSchemas, type SectionName, type Sections } from './schema';

/** The experiment as one of its arms sees it: `arm` is the arm's name, the sections hold what it changes. */
export interface ArmExperiment extends Omit<Sections, 'arms'> {
  /** Absolute. */
  readonly file: string;
}

/** An experiment file with every default filled in and every path absolute. */
export interface Experiment extends ArmExperiment {
  /** At least one; the first is the file itself where it names no arms. */
  readonly arms: readonly ArmExperiment[];
}

/**
 * Looks into a bundle's folder.
 * @param testSet list of the user's own test set, or null
 * @throws Error with a one-line message when it cannot be used; TestSetRefused when it is the test set that cannot
 */
export type InspectBundle = (folder: string, testSet: string | null) => Promise<BundleFacts>;

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidInputError([
      `${file}:1: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}); allowed a readable YAML file`,
    ]);
  }
}

/**
 * @param file path of the YAML file; messages show it as given
 * @param written what the file shall hold, where an editor has not saved it yet
 * @throws InvalidInputError with one line for every violation
 */
export async function loadExperiment(
  file: string,
  inspectBundle: InspectBundle,
  written: string | null = null,
): Promise<{ experiment: Experiment; bundle: BundleFacts }> {
  const text = written ?? readText(file);
  const yaml = new YamlFile(file, text);
  const sections = readSections(yaml);
  checkSweepOnce(yaml);
  if (sections !== null) crossCheck(yaml, sections);
  let bundle: BundleFacts | null = null;
  if (sections?.task) {
    const folder = findBundle(sections.task.bundle, path.dirname(file));
    const testSet =
      sections.task.testSet === undefined ? null : path.resolve(path.dirname(file), sections.task.testSet);
    bundle = await readBundle(yaml, folder, testSet, inspectBundle);
    if (bundle !== null) {
      if (bundle.task !== null && bundle.task !== sections.task.name)
        yaml.refuse(['task', 'name'], `${bundle.task}, the task of bundle ${bundle.name}`);
      checkAgainstBundle(yaml, sections, bundle);
    }
  }
  // What an arm makes of sections that are wrong already would be told twice.
  const arms = yaml.violations.length === 0 && sections?.arms ? readArms(yaml, sections, bundle) : [];
  const refuse = (): never => {
    const violations = [...yaml.violations].sort((a, b) => a.line - b.line);
    throw new InvalidInputError(
      violations.map((violation) => formatViolation(violation)),
      violations,
    );
  };
  if (yaml.violations.length > 0 || sections === null || bundle === null) return refuse();
  const { arms: _, ...complete } = sections as Sections;
  const base: { -readonly [K in keyof ArmExperiment]: ArmExperiment[K] } = {
    ...complete,
    file: path.resolve(file),
    task: {
      ...complete.task,
      bundle: findBundle(complete.task.bundle, path.dirname(file)),
      ...(complete.task.testSet !== undefined && {
        testSet: path.resolve(path.dirname(file), complete.task.testSet),
      }),
    },
  };
  if (complete.allocation !== undefined || arms.some(({ allocation }) => allocation !== undefined)) {
    // There is nothing to compare with: SNR and lengths differ from trial to trial.
    base.questions = { ...base.questions, awgnDraws: 0 };
  }
  const views = arms.map((arm): ArmExperiment => ({ ...base, ...arm }));
  const first = views[0] ?? base;
  const seen = views.map((arm, index) => ({ yaml: yaml.overlay(['arms', index], arm), arm }));
  checkChannelUses(seen.length > 0 ? seen : [{ yaml, arm: base }], bundle);
  if (yaml.violations.length > 0) return refuse();
  return { bundle, experiment: { ...first, arms: [first, ...views.slice(1)] } };
}

type ArmSections = Pick<Sections, 'arm' | (typeof ARM_SECTIONS)[number]>;

/** Every arm's sections: those of the file, with what the arm changes merged into them (lists are replaced). */
function readArms(yaml: YamlFile, sections: ReadableSections, bundle: BundleFacts | null): ArmSections[] {
  if (yaml.valueAt(['arm']) !== undefined) yaml.add(['arm'], 'beside arms; allowed one of the two');
  const names = new Set<string>();
  const views = (sections.arms ?? []).flatMap((arm, index) => {
    if (names.has(arm.name)) yaml.refuse(['arms', index, 'name'], 'every name once');
    names.add(arm.name);
    const written = yaml.value as Record<string, unknown>;
    const merged: Record<string, unknown> = { ...written };
    for (const name of ARM_SECTIONS)
      if (arm[name] !== undefined) merged[name] = mergeMappings(written[name], arm[name]);
    const view = yaml.overlay(['arms', index], merged);
    const own: Partial<Record<SectionName, unknown>> = {};
    for (const name of ARM_SECTIONS) own[name] = view.parse(sectionSchemas[name] as z.ZodType, [name], keysAllowedAt);
    checkSweepOnce(view);
    if (ARM_SECTIONS.some((name) => own[name] === null)) return [];
    const seen = { ...sections, ...own } as ReadableSections;
    crossCheck(view, seen);
    if (bundle !== null) checkAgainstBundle(view, seen, bundle);
    return [{ ...own, arm: arm.name } as ArmSections];
  });
  checkLoops(yaml, views);
  return views;
}

/** Arms of a closed loop meet the same channel at the same places of the sweep. */
function checkLoops(yaml: YamlFile, views: readonly ArmSections[]): void {
  const [first] = views;
  if (first === undefined || views.every(({ allocation }) => allocation === undefined)) return;
  views.forEach((view, index) => {
    const refuse = (field: string, allowed: string): void => yaml.add(['arms', index, field], allowed);
    if (view.allocation === undefined) refuse('allocation', 'missing; allowed the section in every arm or in none');
    if (JSON.stringify(view.air) !== JSON.stringify(first.air))
      refuse('air', "another than the first arm's; allowed one air for all arms with allocation");
    if (JSON.stringify(view.sweep) !== JSON.stringify(first.sweep))
      refuse('sweep', "another than the first arm's; allowed one sweep for all arms with allocation");
    if (JSON.stringify(view.allocation?.resound) !== JSON.stringify(first.allocation?.resound))
      refuse('allocation', "another resound than the first arm's; allowed one for all arms: they share the soundings");
    if (view.allocation?.referenceGainDb !== first.allocation?.referenceGainDb)
      refuse('allocation', "another referenceGainDb than the first arm's; allowed one for all arms");
  });
}

/** `changes` over `base`, mapping by mapping; anything that is no mapping is replaced. */
function mergeMappings(base: unknown, changes: unknown): unknown {
  const isMapping = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMapping(base) || !isMapping(changes)) return changes;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(changes)) merged[key] = mergeMappings(base[key], value);
  return merged;
}

/** Null when the file is no mapping at all. */
function readSections(yaml: YamlFile): ReadableSections | null {
  if (yaml.violations.length > 0) return null;
  if (typeof yaml.value !== 'object' || yaml.value === null || Array.isArray(yaml.value)) {
    yaml.refuse([], `a mapping with ${SECTION_NAMES.join(', ')}`);
    return null;
  }
  for (const key of Object.keys(yaml.value))
    if (!SECTION_NAMES.includes(key as SectionName)) {
      const meant = closestWord(key, SECTION_NAMES);
      const hint = meant === null ? '' : `did you mean "${meant}"? `;
      yaml.add([key], `unknown field; ${hint}allowed ${SECTION_NAMES.join(', ')}`);
    }
  const sections: Partial<Record<SectionName, unknown>> = {};
  for (const name of SECTION_NAMES)
    sections[name] = yaml.parse(sectionSchemas[name] as z.ZodType, [name], keysAllowedAt);
  return sections as ReadableSections;
}

async function readBundle(
  yaml: YamlFile,
  folder: string,
  testSet: string | null,
  inspectBundle: InspectBundle,
): Promise<BundleFacts | null> {
  if (!existsSync(path.join(folder, MANIFEST_NAME))) {
    yaml.refuse(
      ['task', 'bundle'],
      `a bundle's folder, relative to this file, or the name of one that otabench bundles lists (no ${MANIFEST_NAME} in ${folder})`,
    );
    return null;
  }
  try {
    return await inspectBundle(folder, testSet);
  } catch (error) {
    if (error instanceof InspectionDeferred) return null;
    if (error instanceof TestSetRefused)
      yaml.refuse(['task', 'testSet'], `a test set that can be used (${error.message})`);
    else yaml.refuse(['task', 'bundle'], `a bundle that can be used (${(error as Error).message})`);
    return null;
  }
}
