/** The result table: one row per arm and requested SNR, kept in place while its point grows. */
import type { Point } from '../ipc/host-messages';
import { count, decibels, decibelsWithSpread, percent, percentInterval } from './format';
import { create, part, setText } from './page';
import type { PointView, ViewState } from './state';

const cellTexts = (point: Point): readonly string[] => [
  decibels(point.requestedSnrDb, 1),
  decibelsWithSpread(point.measuredSnrDb, point.measuredSnrSdDb),
  decibels(point.trueSnrDb),
  count(point.burstsSent),
  count(point.burstsDetected),
  count(point.headersOk),
  percent(point.accuracy),
  percentInterval(point.accuracyLow, point.accuracyHigh),
  count(point.questions),
  percent(point.awgnAccuracy),
  percent(point.blindAccuracy),
];
/** First column of each group of the header, and the column the table is read for. */
const COLUMNS = 11;
const GROUP_STARTS = new Set([3, 6]);
const ACCURACY_COLUMN = 6;

export class TableView {
  private readonly body: HTMLTableSectionElement;
  private readonly placeholder = part('results-placeholder', HTMLParagraphElement);

  constructor() {
    const body = part('results', HTMLTableElement).tBodies[0];
    if (!body) throw new Error('index.html: #results has no tbody');
    this.body = body;
  }

  draw(state: ViewState): void {
    const lines = linesOf(state.points);
    while (this.body.rows.length > lines.length) this.body.deleteRow(-1);
    lines.forEach((line, index) => {
      const isArm = typeof line === 'string';
      let row = this.body.rows[index];
      if (row && 'arm' in row.dataset !== isArm) {
        // An arm's heading has moved to where a point was, or the other way round.
        row.replaceWith((row = isArm ? newArmRow() : newPointRow()));
      }
      row ??= this.body.appendChild(isArm ? newArmRow() : newPointRow());
      if (!isArm) fillRow(row, line);
      else if (row.cells[0]) setText(row.cells[0], line);
    });
    const text = state.points.length > 0 ? '' : placeholderText(state);
    setText(this.placeholder, text);
    this.placeholder.hidden = text === '';
  }
}

/** Each arm's name, then its points. */
function linesOf(points: readonly PointView[]): readonly (string | PointView)[] {
  return points.flatMap((view, index) => {
    const { arm } = view.point;
    return arm === points[index - 1]?.point.arm ? [view] : [arm, view];
  });
}

function newArmRow(): HTMLTableRowElement {
  const row = create('tr', 'arm');
  row.dataset['arm'] = '';
  const name = create('th');
  name.scope = 'rowgroup';
  name.colSpan = COLUMNS;
  row.append(name);
  return row;
}

function newPointRow(): HTMLTableRowElement {
  const row = create('tr');
  row.dataset['point'] = '';
  for (let column = 0; column < COLUMNS; column += 1) {
    const classes = [GROUP_STARTS.has(column) ? 'first' : '', column === ACCURACY_COLUMN ? 'result' : ''];
    const cell = create(column === 0 ? 'th' : 'td', classes.filter(Boolean).join(' '));
    if (column === 0) cell.scope = 'row';
    row.append(cell);
  }
  return row;
}

function fillRow(row: HTMLTableRowElement, { point, complete }: PointView): void {
  row.classList.toggle('growing', !complete);
  row.title = complete ? '' : 'This point is still growing';
  cellTexts(point).forEach((text, index) => {
    const cell = row.cells[index];
    if (cell) setText(cell, text);
  });
}

function placeholderText(state: ViewState): string {
  switch (state.run?.phase) {
    case 'running':
      return 'The first point appears as soon as its first questions are answered.';
    case 'stopping':
      return 'Stopping.';
    case 'lost':
    case 'failed':
      return 'The run ended before its first point.';
    case 'stopped':
    case 'done':
      return 'The run has no points.';
    case undefined:
      if (state.host.phase === 'failed') return 'The host is off. Without it nothing can be measured.';
      return state.startPending
        ? 'The host is preparing the run: models, radios, plan.'
        : 'No results yet. Start first-light sends tokens of pictures, sounds and texts from three twin radios to a ' +
            'fourth over simulated air, and fills this table with measured SNR and task accuracy.';
  }
}
