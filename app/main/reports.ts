/** Which report files may be opened: those that the host itself announced, by the run they belong to. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const RUNS_REMEMBERED = 200;

export class ReportRegister {
  private readonly files = new Map<string, string>();

  announce(run: string, reportFile: string): void {
    this.files.set(run, path.resolve(reportFile));
    const oldest = this.files.keys().next();
    if (this.files.size > RUNS_REMEMBERED && !oldest.done) this.files.delete(oldest.value);
  }

  /** @throws Error when no report was announced for the run, or it is not an HTML file that is there. */
  find(run: string): string {
    const file = this.files.get(run);
    if (!file) throw new Error('the host announced no report for this run');
    if (path.extname(file) !== '.html') throw new Error(`not an HTML report: ${file}`);
    if (!existsSync(file)) throw new Error(`the report is not there any more: ${file}`);
    return file;
  }
}
