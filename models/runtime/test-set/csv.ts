import { TestSetError } from '../errors';

/** A line of the file and its values by column. */
export interface CsvRow {
  /** 1-based line on which the row begins. */
  readonly line: number;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Rows of a CSV file (RFC 4180): a header line, commas, quotes around values that hold commas, quotes or line ends.
 * Empty lines are passed over.
 * @param file the name that messages show
 * @throws TestSetError for a row of another width than the header, and for a quote without its end
 */
export function readCsv(text: string, file: string): CsvRow[] {
  const records: { line: number; cells: string[] }[] = [];
  // A value is quoted ("" stands for a quote) or runs to the next comma or line end; the end of the text closes the last.
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  let line = 1;
  let open: { line: number; cells: string[] } | null = null;
  const body = text.replace(/^\ufeff/, '');
  while (cell.lastIndex < body.length) {
    const at = cell.lastIndex;
    const match = cell.exec(body);
    if (match === null)
      throw new TestSetError(file, `line ${line}`, JSON.stringify(body.slice(at, at + 20)), 'CSV as RFC 4180 has it');
    open ??= { line, cells: [] };
    open.cells.push(match[1] === undefined ? (match[2] ?? '').trim() : match[1].replaceAll('""', '"'));
    line += match[0].split('\n').length - 1;
    // A comma at the very end of the file has an empty value behind it.
    if (match[3] === ',' && cell.lastIndex === body.length) open.cells.push('');
    if (match[3] === ',' && cell.lastIndex < body.length) continue;
    if (open.cells.length > 1 || open.cells[0] !== '') records.push(open);
    open = null;
  }
  const [header, ...rows] = records;
  if (header === undefined) throw new TestSetError(file, 'contents', 'empty', 'a header line and rows');
  return rows.map(({ line: begin, cells }) => {
    if (cells.length !== header.cells.length)
      throw new TestSetError(file, `line ${begin}`, `${cells.length} values`, `${header.cells.length}, as the header`);
    return { line: begin, values: Object.fromEntries(header.cells.map((name, column) => [name, cells[column] ?? ''])) };
  });
}
