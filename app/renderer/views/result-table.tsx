/** The result table: one row per arm and place of the sweep. */
import { Fragment, memo, type ReactElement } from 'react';
import type { Point } from '../../ipc/host-messages';
import { count, decibels, decibelsWithSpread, percent, percentInterval } from '../format';
import { pointKey, pointName } from '../../units/place';
import type { PointView, ViewState } from '../state';

const cellTexts = (point: Point): readonly string[] => [
  point.requestedSnrDb === null ? pointName(point) : decibels(point.requestedSnrDb, 1),
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

export function ResultTable({ state }: { state: ViewState }): ReactElement {
  const { run, points } = state;
  return (
    <div className="scroll" tabIndex={0} role="group" aria-labelledby="results-title">
      <table id="results">
        <thead>
          <tr>
            <th scope="colgroup" colSpan={3}>
              SNR (Es/N0), dB
            </th>
            <th scope="colgroup" colSpan={3} className="first">
              Bursts
            </th>
            <th scope="colgroup" colSpan={5} className="first">
              Task accuracy, %
            </th>
          </tr>
          <tr>
            <th scope="col">Requested</th>
            <th scope="col">Measured ±&nbsp;sd</th>
            <th scope="col">{run && !run.simulated ? 'True' : 'True (twins)'}</th>
            <th scope="col" className="first">
              Sent
            </th>
            <th scope="col">Detected</th>
            <th scope="col">Header ok</th>
            <th scope="col" className="first">
              Over the air
            </th>
            <th scope="col">95 % interval</th>
            <th scope="col">Questions</th>
            <th scope="col">AWGN</th>
            <th scope="col">Blind prior</th>
          </tr>
        </thead>
        <tbody>
          {points.map((view, index) => (
            <Fragment key={pointKey(view.point.arm, view.point)}>
              {view.point.arm === points[index - 1]?.point.arm ? null : (
                <tr className="arm" data-arm="">
                  <th scope="rowgroup" colSpan={COLUMNS}>
                    {view.point.arm}
                  </th>
                </tr>
              )}
              <PointRow view={view} />
            </Fragment>
          ))}
        </tbody>
      </table>
      {points.length === 0 ? <p className="placeholder">{placeholderText(state)}</p> : null}
    </div>
  );
}

const PointRow = memo(function PointRow({ view: { point, complete } }: { view: PointView }): ReactElement {
  return (
    <tr
      data-point=""
      className={complete ? undefined : 'growing'}
      title={complete ? undefined : 'This point is still growing'}
    >
      {cellTexts(point).map((text, column) => {
        const className =
          [GROUP_STARTS.has(column) ? 'first' : '', column === ACCURACY_COLUMN ? 'result' : ''].join(' ').trim() ||
          undefined;
        return column === 0 ? (
          <th key={column} scope="row">
            {text}
          </th>
        ) : (
          <td key={column} className={className}>
            {text}
          </td>
        );
      })}
    </tr>
  );
});

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
