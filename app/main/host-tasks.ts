/**
 * Work that the host does for a file: exports and reports. The user chooses an export's file in main's dialog, and the
 * host writes it; the page names no file, and no content comes from it.
 */
import path from 'node:path';
import type { ExportOutcome } from '../ipc/desktop-messages';
import type { HostCommand, HostEvent } from '../ipc/host-messages';
import type { ExportRequest } from '../ipc/results-messages';

interface Waiting {
  readonly resolve: (file: string) => void;
  readonly reject: (reason: Error) => void;
}

type TaskCommand = Extract<HostCommand, { type: 'export-results' | 'make-report' }>;

export class HostTasks {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  /**
   * @param post false when there is no host to take it
   * @param askForFile null when the user chose none
   */
  constructor(
    private readonly post: (command: TaskCommand) => boolean,
    private readonly askForFile: (title: string, name: string, format: string) => Promise<string | null>,
  ) {}

  /** @throws Error, one line, when it could not be written */
  async exportResults(request: ExportRequest): Promise<ExportOutcome> {
    const { format } = request;
    const name = request.what === 'trials' ? `${request.run}-trials` : `${request.runs[0] ?? 'runs'}-${request.chart}`;
    const chosen = await this.askForFile('Export results', `${name}.${format}`, format);
    if (chosen === null) return { file: null };
    const file = path.extname(chosen) === '' ? `${chosen}.${format}` : chosen;
    return { file: await this.ask((id) => ({ type: 'export-results', id, request, file })) };
  }

  /** @returns an HTML file */
  async makeReport(run: string): Promise<string> {
    const file = await this.ask((id) => ({ type: 'make-report', id, run }));
    if (path.extname(file) !== '.html') throw new Error(`not an HTML report: ${file}`);
    return file;
  }

  done({ id, file, error }: Extract<HostEvent, { type: 'task-done' }>): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (file !== null) waiting?.resolve(file);
    else waiting?.reject(new Error(error ?? 'the host gave no reason'));
  }

  hostEnded(): void {
    for (const { reject } of this.waiting.values()) reject(new Error('the host went away before it was done'));
    this.waiting.clear();
  }

  private ask(command: (id: number) => TaskCommand): Promise<string> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      if (this.post(command(id))) return;
      this.waiting.delete(id);
      reject(new Error('there is no host to do it'));
    });
  }
}
