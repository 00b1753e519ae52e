/** Two runs, or the arms of one, on the same questions. */
import type { ReactElement } from 'react';
import type { CompareReply } from '../../ipc/results-messages';
import { count, percent } from '../format';
import { differenceText, pValueText, sweptText } from './text';
import { useResults } from './use-results';

export function ComparePanel(): ReactElement {
  const { model, state } = useResults();
  const { compare, chosen, pair, list } = state;
  const [first, second] = pair ?? [chosen[0] ?? '', chosen[1] ?? chosen[0] ?? ''];
  const nameOf = (run: string): string => {
    const name = list.value?.rows.find((row) => row.run === run)?.name;
    return name ? `${name} (${run})` : run;
  };
  if (chosen.length === 0) return <p className="placeholder">Tick two runs on the left to compare them.</p>;
  const choice = (id: string, label: string, value: string, set: (run: string) => void): ReactElement => (
    <label>
      {label}{' '}
      <select id={id} value={value} onChange={(event) => set(event.target.value)}>
        {chosen.map((run) => (
          <option key={run} value={run}>
            {nameOf(run)}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      <div className="pane-tools wrap">
        {choice('compare-first', 'First', first, (run) => void model.comparePair(run, second))}
        {choice('compare-second', 'Second', second, (run) => void model.comparePair(first, run))}
      </div>
      {compare.error === null ? null : (
        <p className="panel-error" role="alert">
          The runs could not be compared: {compare.error}
        </p>
      )}
      {compare.value === null ? (
        <p className="placeholder">{compare.loading ? 'The questions are being paired.' : ''}</p>
      ) : (
        <Pairs reply={compare.value} same={first === second} />
      )}
    </>
  );
}

const SOURCES: Readonly<Record<CompareReply['simulated'], string>> = {
  simulated: 'All on simulated twins.',
  measured: 'All measured on radios.',
  both: 'One run is simulated, the other measured on radios.',
};

function Pairs({ reply, same }: { reply: CompareReply; same: boolean }): ReactElement {
  if (reply.problems.length > 0)
    return (
      <div className="placeholder">
        {reply.problems.map((line) => (
          <p key={line}>{line}</p>
        ))}
      </div>
    );
  return (
    <>
      <div className="scroll" tabIndex={0} role="group" aria-label="Comparison">
        <table id="comparison">
          <thead>
            <tr>
              <th scope="col">Point</th>
              <th scope="col">{same ? 'Arms' : 'Arm'}</th>
              <th scope="col">First, %</th>
              <th scope="col">Second, %</th>
              <th scope="col">Second − first, points</th>
              <th scope="col">Only first right</th>
              <th scope="col">Only second right</th>
              <th scope="col">Pairs</th>
              <th scope="col">p (McNemar)</th>
            </tr>
          </thead>
          <tbody>
            {reply.rows.map((row) => (
              <tr key={`${row.first.arm} ${row.second.arm} ${sweptText(row)}`}>
                <th scope="row">{sweptText(row)}</th>
                <td>{row.first.arm === row.second.arm ? row.first.arm : `${row.first.arm} / ${row.second.arm}`}</td>
                <td>{percent(row.firstAccuracy)}</td>
                <td>{percent(row.secondAccuracy)}</td>
                <td className="result">{differenceText(row.difference, row.differenceHalfWidth)}</td>
                <td>{count(row.onlyFirstCorrect)}</td>
                <td>{count(row.onlySecondCorrect)}</td>
                <td>{count(row.questions)}</td>
                <td>{pValueText(row.pValue)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="caption">
        {SOURCES[reply.simulated]} Paired over the questions and repeats that both answered; ± is the 95 % interval of
        the difference; p is McNemar’s exact test, not corrected for the number of rows. Blind prior{' '}
        {percent(reply.blind)} %.
      </p>
    </>
  );
}
