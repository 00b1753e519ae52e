/** What happened, newest first. */
import { useState, type ReactElement } from 'react';
import { LOG_KINDS, LOG_LENGTH, type LogEntry, type LogKind, type ViewState } from '../state';

const time = new Intl.DateTimeFormat('en-GB', { dateStyle: 'short', timeStyle: 'medium' });
/** What one look takes in; the filter reaches the rest. */
const SHOWN = 500;

const lineOf = ({ atMs, kind, text }: LogEntry): string => `${new Date(atMs).toISOString()} ${kind} ${text}`;

export function LogView({ state }: { state: ViewState }): ReactElement {
  const [kind, setKind] = useState<LogKind | 'all'>('all');
  const [words, setWords] = useState('');
  const wanted = words.trim().toLowerCase();
  const entries = state.log.filter(
    (entry) => (kind === 'all' || entry.kind === kind) && entry.text.toLowerCase().includes(wanted),
  );
  const newest = entries.slice(-SHOWN).reverse();
  return (
    <main className="single">
      <section className="panel" aria-labelledby="log-title">
        <div className="panel-head">
          <h2 id="log-title">Log</h2>
          <label>
            Kind{' '}
            <select id="log-kind" value={kind} onChange={(event) => setKind(event.target.value as LogKind | 'all')}>
              <option value="all">all</option>
              {LOG_KINDS.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label>
            Words{' '}
            <input id="log-words" type="search" value={words} onChange={(event) => setWords(event.target.value)} />
          </label>
          <p className="caption" role="status">
            {newest.length} of {state.log.length} shown
            {state.log.length >= LOG_LENGTH ? `, older than the last ${LOG_LENGTH} are dropped` : ''}
          </p>
          <button type="button" disabled={newest.length === 0} onClick={() => copyText(newest.map(lineOf).join('\n'))}>
            Copy
          </button>
        </div>
        <div className="scroll" tabIndex={0} role="group" aria-labelledby="log-title">
          <table id="log">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Kind</th>
                <th scope="col">What happened</th>
              </tr>
            </thead>
            <tbody>
              {newest.map((entry) => (
                <tr key={entry.number} data-kind={entry.kind}>
                  <td>{time.format(entry.atMs)}</td>
                  <td>{entry.kind}</td>
                  <td className="text">{entry.text}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {newest.length === 0 ? (
            <p className="placeholder">
              {state.log.length === 0 ? 'Nothing has happened yet.' : 'No entry is of this kind and holds these words.'}
            </p>
          ) : null}
        </div>
      </section>
    </main>
  );
}

/** The clipboard interface needs a permission, and pages get none here; copying a selection needs none. */
function copyText(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
