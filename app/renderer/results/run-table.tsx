/** All runs, a page at a time: filter, order, choose for the chart. */
import type { ReactElement, ReactNode } from 'react';
import type { RunSummary } from '../../ipc/results-messages';
import { RUN_STATES, type RunOrder, type RunState } from '../../ipc/results-words';
import { count, percent, percentInterval } from '../format';
import { PAGE_ROWS } from './results-model';
import { clockText, dateText, STATE_TEXTS, sweptText, timeText } from './text';
import { useResults } from './use-results';

export function RunTable(): ReactElement {
  const { model, state } = useResults();
  const { list, listQuery, chosen } = state;
  const { value } = list;
  return (
    <section className="panel runs-panel" aria-labelledby="runs-title" aria-busy={list.loading}>
      <div className="panel-head">
        <h2 id="runs-title">Runs</h2>
        <Filters />
      </div>
      {list.error === null ? null : (
        <p className="panel-error" role="alert">
          The runs could not be read: {list.error}
        </p>
      )}
      <div className="scroll" tabIndex={0} role="group" aria-labelledby="runs-title">
        <table id="runs">
          <thead>
            <tr>
              <th scope="col">
                <span className="unseen">In the chart</span>
              </th>
              <Heading order="name">Run</Heading>
              <Heading order="state">State</Heading>
              <Heading order="started">Started</Heading>
              <Heading order="trials">Trials</Heading>
              <Heading order="accuracy">Accuracy, top of the sweep, %</Heading>
            </tr>
          </thead>
          <tbody>
            {value?.rows.map((summary) => (
              <Row key={summary.run} summary={summary} chosen={chosen.indexOf(summary.run)} />
            ))}
          </tbody>
        </table>
        <Placeholder />
      </div>
      <p className="caption table-note">
        Accuracy: 95 % interval, count and blind prior of the answered point with the highest SNR.
      </p>
      <Pager
        label="runs"
        offset={listQuery.offset}
        matching={value?.matching ?? 0}
        all={value?.runs ?? 0}
        go={(offset) => void model.filter({ offset })}
      >
        <button type="button" id="refresh-runs" onClick={() => void model.refresh()}>
          Refresh
        </button>
        {value === null ? null : (
          <span className="folder" title={value.folder}>
            {value.folder}
          </span>
        )}
      </Pager>
    </section>
  );
}

function Filters(): ReactElement {
  const { model, state } = useResults();
  const { listQuery, list } = state;
  return (
    <>
      <label>
        Words{' '}
        <input
          id="run-words"
          type="search"
          maxLength={200}
          value={listQuery.words}
          onChange={(event) => void model.filter({ words: event.target.value })}
        />
      </label>
      <label>
        State{' '}
        <select
          id="run-state"
          value={listQuery.state ?? ''}
          onChange={(event) => void model.filter({ state: (event.target.value || null) as RunState | null })}
        >
          <option value="">all</option>
          {RUN_STATES.map((name) => (
            <option key={name} value={name}>
              {STATE_TEXTS[name]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Tag{' '}
        <select
          id="run-tag"
          value={listQuery.tag ?? ''}
          onChange={(event) => void model.filter({ tag: event.target.value || null })}
        >
          <option value="">all</option>
          {list.value?.tags.map(({ tag, runs }) => (
            <option key={tag} value={tag}>
              {tag} ({runs})
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

function Heading({ order, children }: { order: RunOrder; children: ReactNode }): ReactElement {
  const { model, state } = useResults();
  const { listQuery } = state;
  const own = listQuery.order === order;
  // What is asked for first: newest, most, best; names from A.
  const first = order !== 'name' && order !== 'state';
  return (
    <th scope="col" aria-sort={own ? (listQuery.descending ? 'descending' : 'ascending') : undefined}>
      <button
        type="button"
        className="heading"
        onClick={() => void model.filter({ order, descending: own ? !listQuery.descending : first })}
      >
        {children}
        <span aria-hidden="true">{own ? (listQuery.descending ? ' ▼' : ' ▲') : ''}</span>
      </button>
    </th>
  );
}

function Row({ summary, chosen }: { summary: RunSummary; chosen: number }): ReactElement {
  const { model } = useResults();
  const { run, name, state, message, top, tags, note, simulated } = summary;
  const shown = name ?? run;
  const readable = state !== 'unreadable';
  return (
    <tr data-run={run} data-state={state} className={chosen === -1 ? undefined : 'chosen'}>
      <td>
        <input
          type="checkbox"
          aria-label={`Show ${shown} of ${timeText(summary.startedAt)} in the chart`}
          checked={chosen !== -1}
          disabled={!readable}
          onChange={() => void model.toggle(run)}
        />
      </td>
      <th scope="row">
        <button
          type="button"
          className="link"
          title={run}
          disabled={!readable}
          onClick={() => void model.chooseOnly(run)}
        >
          {shown}
        </button>
        {simulated === null ? null : <span className="badge">{simulated ? 'simulated' : 'measured'}</span>}
        {tags.map((tag) => (
          <span key={tag} className="badge tag">
            {tag}
          </span>
        ))}
        {note === '' ? null : <span className="sub">{note}</span>}
        {message === null ? null : (
          <span className="sub message" title={message}>
            {message}
          </span>
        )}
      </th>
      <td className="state">
        <span className="dot" aria-hidden="true" /> {STATE_TEXTS[state]}
      </td>
      <td>
        {dateText(summary.startedAt)}
        <span className="sub">{clockText(summary.startedAt)}</span>
      </td>
      <td>
        {summary.trialsDone === null ? '–' : count(summary.trialsDone)}
        {summary.trialsTotal === null || summary.trialsTotal === summary.trialsDone ? null : (
          <span className="sub">of {count(summary.trialsTotal)}</span>
        )}
      </td>
      <td className="result">
        {top === null ? '–' : `${percent(top.accuracy)} (${percentInterval(top.low, top.high)})`}
        {top === null ? null : (
          <span className="sub">
            n = {count(top.questions)}, blind {percent(top.blind)}, {sweptText(top)}
          </span>
        )}
      </td>
    </tr>
  );
}

function Placeholder(): ReactElement | null {
  const { state } = useResults();
  const { list } = state;
  if (list.value === null) return list.loading ? <p className="placeholder">The runs are being read.</p> : null;
  if (list.value.rows.length > 0) return null;
  return (
    <p className="placeholder">
      {list.value.runs === 0
        ? `No run yet in ${list.value.folder}. Each run leaves a folder there, and this table fills by itself: start one in the Experiment view.`
        : 'No run is of this state and tag and holds these words.'}
    </p>
  );
}

export function Pager({
  label,
  offset,
  matching,
  all,
  go,
  children,
}: {
  label: string;
  offset: number;
  matching: number;
  all: number;
  go: (offset: number) => void;
  children?: ReactNode;
}): ReactElement {
  const last = Math.min(offset + PAGE_ROWS, matching);
  return (
    <div className="pager">
      <span role="status">
        {matching === 0 ? `0 ${label}` : `${count(offset + 1)}–${count(last)} of ${count(matching)} ${label}`}
        {matching < all ? ` (${count(all)} in all)` : ''}
      </span>
      {children}
      <span className="turn">
        <button type="button" disabled={offset === 0} onClick={() => go(Math.max(0, offset - PAGE_ROWS))}>
          Previous
        </button>
        <button type="button" disabled={last >= matching} onClick={() => go(offset + PAGE_ROWS)}>
          Next
        </button>
      </span>
    </div>
  );
}
