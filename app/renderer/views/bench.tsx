/** The radios at hand, what each of them does in the run, and what may radiate. */
import type { ReactElement } from 'react';
import { useActions } from '../actions';
import { hostAnswers, isRunning, type FoundRadio, type ViewState } from '../state';

const isTwin = (driver: string): boolean => driver === 'twin';

export function BenchView({ state }: { state: ViewState }): ReactElement {
  const { findRadios, start } = useActions();
  const { search, run } = state;
  const running = isRunning(state);
  const roles = new Map(run?.radios.map(({ role, driver, serial }) => [`${driver} ${serial}`, role]));
  return (
    <main className="bench">
      <section className="panel" aria-labelledby="bench-title">
        <div className="panel-head">
          <h2 id="bench-title">Radios</h2>
          <button
            type="button"
            id="find-radios"
            disabled={!hostAnswers(state) || search.phase === 'searching' || running}
            title={running ? 'A run has the radios' : 'Asks every driver; opens nothing'}
            onClick={findRadios}
          >
            {search.phase === 'searching' ? 'Searching' : 'Find radios'}
          </button>
        </div>
        <div className="scroll" tabIndex={0} role="group" aria-labelledby="bench-title">
          {search.radios.length > 0 ? <RadioTable radios={search.radios} roles={roles} /> : null}
          {search.failures.length > 0 ? (
            <ul className="failures" aria-label="Drivers that could not be asked">
              {search.failures.map((failure) => (
                <li key={failure}>{failure}</li>
              ))}
            </ul>
          ) : null}
          <BenchPlaceholder state={state} onStart={start} />
        </div>
      </section>
      <section className="panel" aria-labelledby="radiates-title">
        <h2 id="radiates-title">What may radiate</h2>
        <div className="scroll prose">
          <p>
            Twins only. They share a simulated air inside this machine, and nothing leaves it. Plans that transmit on
            real radios are refused until there are power ceilings and a band plan.
          </p>
          <p>Every radio stops by itself 0.5 s after the host falls silent, and nothing ever resumes by itself.</p>
        </div>
      </section>
    </main>
  );
}

function RadioTable({
  radios,
  roles,
}: {
  radios: readonly FoundRadio[];
  roles: ReadonlyMap<string, string>;
}): ReactElement {
  return (
    <table id="radio-table">
      <thead>
        <tr>
          <th scope="col">Serial</th>
          <th scope="col">Driver</th>
          <th scope="col">Twin or real</th>
          <th scope="col">Description</th>
          <th scope="col">Role in the newest run</th>
        </tr>
      </thead>
      <tbody>
        {radios.map(({ driver, serial, label }) => (
          <tr key={`${driver} ${serial}`}>
            <th scope="row">{serial}</th>
            <td>{driver}</td>
            <td>{isTwin(driver) ? 'twin (simulated)' : 'real, may not transmit'}</td>
            <td>{label}</td>
            <td>{roles.get(`${driver} ${serial}`) ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function BenchPlaceholder({ state, onStart }: { state: ViewState; onStart: () => void }): ReactElement | null {
  const { search, run } = state;
  if (search.phase === 'searching')
    return <p className="placeholder">Every driver is being asked. This takes seconds.</p>;
  if (search.radios.length > 0) return null;
  if (search.phase === 'done') return <p className="placeholder">No radio was found.</p>;
  if (!hostAnswers(state))
    return <p className="placeholder">The host does not answer. Without it no radio can be found.</p>;
  return (
    <div className="placeholder">
      <p>Not searched yet. A bench of four twins is always there: three users and a base station over simulated air.</p>
      {run === null && !state.startPending ? (
        <button type="button" className="primary" onClick={onStart}>
          Start first-light on the twins
        </button>
      ) : null}
    </div>
  );
}
