/** What is wrong with a file, as data: every violation is found before anything is said. */

export interface Violation {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** Dotted path of the field; empty for the file as a whole. */
  readonly field: string;
  /** What is there, and what may be there. */
  readonly detail: string;
}

/** `file:line: field: detail`, one line. */
export function formatViolation(violation: Violation): string {
  const field = violation.field === '' ? '' : `${violation.field}: `;
  return `${violation.file}:${violation.line}: ${field}${violation.detail}`.replaceAll('\n', ' ');
}

/** Input that cannot be used, with every reason. Exit code 2. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
  readonly lines: readonly string[];
  /** @param violations the same as data, where the input is a file with lines */
  constructor(
    lines: readonly string[],
    readonly violations: readonly Violation[] = [],
  ) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** Edits between two words (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++)
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[to.length] as number;
}

/** The known word that was probably meant; null when none is close. */
export function closestWord(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best !== null && bestDistance <= Math.max(1, Math.floor(best.length / 3)) ? best : null;
}
