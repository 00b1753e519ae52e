/** The trials of one point, in place of the table of runs. */
import type { ReactElement } from 'react';
import type { TrialRow, TrialsQuery } from '../../ipc/results-messages';
import { ANSWER_FILTERS, type AnswerFilter } from '../../ipc/results-words';
import { count, decibels, percent } from '../format';
import { Pager } from './run-table';
import { accuracyText, sweptText } from './text';
import { useResults } from './use-results';

const ANSWER_TEXTS: Readonly<Record<AnswerFilter, string>> = {
  all: 'all',
  right: 'right',
  wrong: 'wrong',
  invalid: 'spoilt by radio events',
};
const ORDER_TEXTS: Readonly<Record<TrialsQuery['order'], string>> = {
  index: 'as planned',
  'least-probable': 'least probable first',
  'lowest-snr': 'lowest SNR first',
};

export function TrialsPanel({ query }: { query: TrialsQuery }): ReactElement {
  const { model, state } = useResults();
  const { trials, trialId, list } = state;
  const { value } = trials;
  const { point } = query;
  const name = list.value?.rows.find(({ run }) => run === point.run)?.name ?? point.run;
  const summary = value?.summary ?? null;
  return (
    <section className="panel runs-panel" aria-labelledby="trials-title" aria-busy={trials.loading}>
      <div className="panel-head">
        <button type="button" id="back-to-runs" onClick={model.closePoint}>
          ← Runs
        </button>
        <h2 id="trials-title">
          {name}: {point.arm}, {sweptText(point)}
        </h2>
        {value === null ? null : <span className="badge">{value.simulated ? 'simulated' : 'measured'}</span>}
      </div>
      <p className="caption" role="status">
        {summary === null ? (value === null ? '' : 'No valid trial at this point.') : accuracyText(summary)}
        {value === null || value.invalid === 0
          ? ''
          : `; ${count(value.invalid)} more spoilt by radio events, which count nowhere`}
      </p>
      <div className="panel-head filters">
        <Choice
          id="trial-answers"
          label="Answers"
          value={query.answers}
          options={ANSWER_FILTERS.map((one) => [one, ANSWER_TEXTS[one]])}
          choose={(answers) => void model.filterTrials({ answers: answers as AnswerFilter })}
        />
        <Choice
          id="trial-family"
          label="Family"
          value={query.family ?? ''}
          options={[['', 'all'], ...(value?.families ?? []).map((one): [string, string] => [one, one])]}
          choose={(family) => void model.filterTrials({ family: family || null })}
        />
        <Choice
          id="trial-order"
          label="Order"
          value={query.order}
          options={Object.entries(ORDER_TEXTS)}
          choose={(order) => void model.filterTrials({ order: order as TrialsQuery['order'] })}
        />
      </div>
      {trials.error === null ? null : (
        <p className="panel-error" role="alert">
          The trials could not be read: {trials.error}
        </p>
      )}
      <div className="scroll" tabIndex={0} role="group" aria-labelledby="trials-title">
        <table id="trials">
          <thead>
            <tr>
              <th scope="col">Question</th>
              <th scope="col">Answer</th>
              <th scope="col">Expected</th>
              <th scope="col">P(right), %</th>
              <th scope="col">SNR, dB</th>
              <th scope="col">Bursts received</th>
            </tr>
          </thead>
          <tbody>
            {value?.rows.map((row) => (
              <Trial key={row.id} row={row} open={row.id === trialId} />
            ))}
          </tbody>
        </table>
        {value !== null && value.rows.length === 0 ? (
          <p className="placeholder">No trial of this point is of this kind.</p>
        ) : null}
        {value === null && trials.loading ? <p className="placeholder">The trials are being read.</p> : null}
      </div>
      <Pager
        label="trials"
        offset={query.offset}
        matching={value?.matching ?? 0}
        all={value?.matching ?? 0}
        go={(offset) => void model.filterTrials({ offset })}
      />
    </section>
  );
}

function Choice({
  id,
  label,
  value,
  options,
  choose,
}: {
  id: string;
  label: string;
  value: string;
  options: readonly (readonly [string, string])[];
  choose: (value: string) => void;
}): ReactElement {
  return (
    <label>
      {label}{' '}
      <select id={id} value={value} onChange={(event) => choose(event.target.value)}>
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Trial({ row, open }: { row: TrialRow; open: boolean }): ReactElement {
  const { model } = useResults();
  const verdict = !row.valid ? 'invalid' : row.correct === true ? 'right' : 'wrong';
  return (
    <tr data-trial={row.id} data-verdict={verdict} className={open ? 'chosen' : undefined}>
      <th scope="row">
        <button type="button" className="link" title={row.id} onClick={() => void model.openTrial(row.id)}>
          {row.words ?? `question ${row.question}`}
        </button>
        <span className="sub">
          {row.family}
          {row.repeat > 0 ? `, repeat ${row.repeat}` : ''}
        </span>
      </th>
      <td className="verdict">
        {row.valid ? (row.answer ?? '–') : 'none'}{' '}
        <span className="sub">{verdict === 'invalid' ? 'spoilt' : verdict}</span>
      </td>
      <td>{row.expected}</td>
      <td>{percent(row.probability)}</td>
      <td>{decibels(row.snrDb)}</td>
      <td>
        {row.headersOk} of {row.bursts}
      </td>
    </tr>
  );
}
