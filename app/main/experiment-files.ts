/** Experiment files: the presets that are shipped, and the user's own. The window names a preset; files are named here. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { isScalar, parseDocument } from 'yaml';
import type { ExperimentDocument, Preset, TextFile } from '../ipc/desktop-messages';
import { MOST_FILE_CHARACTERS } from '../ipc/host-messages';

/** What the user is asked; null or false: thought better of it. */
export interface FileDialogs {
  openFile(what: 'experiment' | 'problem', folder: string): Promise<string | null>;
  saveFile(suggested: string): Promise<string | null>;
  confirm(question: string, detail: string, yes: string): Promise<boolean>;
}

export class ExperimentFiles {
  /** The editor holds what no file has. */
  edited = false;
  private current: { readonly file: string; readonly preset: boolean; readonly changedMs: number | null } | null = null;

  constructor(
    private readonly presetFolder: string,
    /** Where a preset is saved unless the user says otherwise. */
    private readonly ownFolder: string,
    private readonly dialogs: FileDialogs,
  ) {}

  presets(): Preset[] {
    return readdirSync(this.presetFolder)
      .filter((name) => name.endsWith('.yml'))
      .sort()
      .map((name) => ({ name, about: aboutOf(readText(path.join(this.presetFolder, name))) }));
  }

  /** For a page that is new: what was open, or else the given file. Null where it cannot be read: the host says why. */
  openFirst(file: string): ExperimentDocument | null {
    try {
      return this.read(this.current?.file ?? file);
    } catch {
      return null;
    }
  }

  /** @throws Error for a name that is not shipped */
  async openPreset(name: string): Promise<ExperimentDocument | null> {
    const known = this.presets().map((preset) => preset.name);
    if (!known.includes(name)) throw new Error(`preset: value "${name}"; allowed ${known.join(', ')}`);
    return (await this.mayLeave()) ? this.read(path.join(this.presetFolder, name)) : null;
  }

  async open(): Promise<ExperimentDocument | null> {
    if (!(await this.mayLeave())) return null;
    const folder = this.current === null ? this.ownFolder : path.dirname(this.current.file);
    const file = await this.dialogs.openFile('experiment', folder);
    return file === null ? null : this.read(file);
  }

  async save(text: string, as: boolean): Promise<ExperimentDocument | null> {
    const { current } = this;
    if (current !== null && !current.preset && !as) {
      if (changedMs(current.file) !== current.changedMs && !(await this.mayOverwrite(current.file))) return null;
      return this.write(current.file, text);
    }
    const name = current === null ? 'experiment.yml' : path.basename(current.file);
    const folder = current === null || current.preset ? this.ownFolder : path.dirname(current.file);
    const chosen = await this.dialogs.saveFile(path.join(folder, name));
    if (chosen === null) return null;
    const file = path.extname(chosen) === '' ? `${chosen}.yml` : chosen;
    if (this.isPreset(file)) throw new Error(`${file}: belongs to the application; allowed a file of your own`);
    return this.write(file, current === null ? text : movePaths(text, path.dirname(current.file), path.dirname(file)));
  }

  async openProblem(): Promise<TextFile | null> {
    const file = await this.dialogs.openFile('problem', this.ownFolder);
    return file === null ? null : { file, text: readText(file) };
  }

  /** Asks where something would be lost. */
  async mayLeave(): Promise<boolean> {
    if (!this.edited) return true;
    const name = this.current === null ? 'The experiment' : path.basename(this.current.file);
    return this.dialogs.confirm(
      `${name} has changes that are not saved.`,
      'Discarded, they are gone. Runs that were started keep what they were started with.',
      'Discard the changes',
    );
  }

  private mayOverwrite(file: string): Promise<boolean> {
    const detail = 'Another program changed or removed it after it was opened here.';
    return this.dialogs.confirm(`${path.basename(file)} has changed on the disk.`, detail, 'Overwrite it');
  }

  private isPreset(file: string): boolean {
    return path.dirname(path.resolve(file)) === path.resolve(this.presetFolder);
  }

  private read(file: string): ExperimentDocument {
    const text = readText(file);
    return this.settle(file, text);
  }

  private write(file: string, text: string): ExperimentDocument {
    writeWhole(file, text);
    return this.settle(file, text);
  }

  private settle(file: string, text: string): ExperimentDocument {
    this.current = { file, preset: this.isPreset(file), changedMs: changedMs(file) };
    this.edited = false;
    return { file, text, preset: this.current.preset };
  }
}

/** @throws Error, one line */
function readText(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
  if (text.length > MOST_FILE_CHARACTERS)
    throw new Error(`${file}: ${text.length} characters; allowed ${MOST_FILE_CHARACTERS}`);
  return text;
}

/** The old file or the new one, whatever happens meanwhile. @throws Error, one line */
function writeWhole(file: string, text: string): void {
  // A link stays a link.
  const target = statSync(file, { throwIfNoEntry: false }) === undefined ? file : realpathSync(file);
  const beside = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}`);
  try {
    const descriptor = openSync(beside, 'w');
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new Error(`${file}: cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}

function changedMs(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** The first comment's first sentence. */
function aboutOf(text: string): string {
  const comment = /^(?:#[^\n]*\n)+/.exec(text)?.[0] ?? '';
  const words = comment.replaceAll(/^#\s?/gm, ' ').replaceAll(/\s+/g, ' ').trim();
  return /^.*?[.](?=\s|$)/.exec(words)?.[0] ?? words;
}

/** Relative paths begin at the file: in another folder they are written so that they mean the same. */
function movePaths(text: string, from: string, to: string): string {
  if (path.resolve(from) === path.resolve(to)) return text;
  let moved = text;
  for (const key of ['testSet', 'bundle']) {
    const node = parseDocument(moved, { version: '1.2' }).getIn(['task', key], true);
    if (!isScalar(node) || typeof node.value !== 'string' || !node.range) continue;
    const meant = path.resolve(from, node.value);
    // A bundle may be named rather than placed.
    if (path.isAbsolute(node.value) || statSync(meant, { throwIfNoEntry: false }) === undefined) continue;
    const [start, end] = node.range;
    moved = moved.slice(0, start) + JSON.stringify(path.relative(to, meant)) + moved.slice(end);
  }
  return moved;
}
