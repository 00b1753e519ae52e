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
const GROUP_STARTS = new Set([0, 3, 6]);
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
    while (this.body.rows.length > state.points.length) this.body.deleteRow(-1);
    state.points.forEach((view, index) => {
      const row = this.body.rows[index] ?? this.body.appendChild(newRow());
      fillRow(row, view, state.points[index - 1]?.point.arm);
    });
    const text = state.points.length > 0 ? '' : placeholderText(state);
    setText(this.placeholder, text);
    this.placeholder.hidden = text === '';
  }
}

function newRow(): HTMLTableRowElement {
  const row = create('tr');
  row.dataset['point'] = '';
  const arm = create('th', 'text arm');
  arm.scope = 'row';
  row.append(arm);
  for (let column = 0; column <= 10; column += 1) {
    const classes = [GROUP_STARTS.has(column) ? 'first' : '', column === ACCURACY_COLUMN ? 'result' : ''];
    row.append(create('td', classes.filter(Boolean).join(' ')));
  }
  return row;
}

function fillRow(row: HTMLTableRowElement, view: PointView, armAbove: string | undefined): void {
  const { point, complete } = view;
  const armCell = row.cells[0];
  if (armCell) {
    setText(armCell, point.arm);
    // Said once per group for the eye; every row keeps it for screen readers.
    armCell.classList.toggle('repeated', point.arm === armAbove);
  }
  row.classList.toggle('growing', !complete);
  row.title = complete ? '' : 'This point is still growing';
  cellTexts(point).forEach((text, index) => {
    const cell = row.cells[index + 1];
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
      return state.startPending
        ? 'The host is preparing the run: models, radios, plan.'
        : 'No results yet. Start first-light sends tokens of pictures, sounds and texts from three twin radios to a ' +
            'fourth over simulated air, and fills this table with measured SNR and task accuracy.';
  }
}
