/** The radios at hand: what they are and how they are, what each of them does in the run, and what may radiate. */
import { useState, type ReactElement } from 'react';
import { useActions } from '../actions';
import { lightsOf, radioKey, type Light } from '../radio-state';
import { hostAnswers, isRunning, type RunView, type ViewState } from '../state';
import { RadioPanel } from './radio-panel';

const isTwin = (driver: string): boolean => driver === 'twin';

/** One line of the table: found by a driver, in a run, or opened for a look. */
interface BenchRadio {
  readonly driver: string;
  readonly serial: string;
  readonly label: string;
  readonly role: string | null;
}

function radiosOf({ search, run, radios }: ViewState): BenchRadio[] {
  const all = new Map<string, BenchRadio>();
  const add = (driver: string, serial: string, label: string, role: string | null): void => {
    const key = radioKey({ driver, serial });
    const before = all.get(key);
    const roles = [before?.role, role].filter((name) => name !== null && name !== undefined).join(', ');
    all.set(key, { driver, serial, label: before?.label || label, role: roles === '' ? null : roles });
  };
  for (const { driver, serial, label } of search.radios) add(driver, serial, label, null);
  for (const { driver, serial, role } of run?.radios ?? []) add(driver, serial, '', role);
  for (const { driver, serial, hardware } of Object.values(radios.details)) add(driver, serial, hardware, null);
  return [...all.values()];
}

export function BenchView({ state }: { state: ViewState }): ReactElement {
  const { findRadios, start } = useActions();
  const [chosenKey, choose] = useState<string | null>(null);
  const { search } = state;
  const running = isRunning(state);
  const radios = radiosOf(state);
  const chosen = radios.find((radio) => radioKey(radio) === chosenKey) ?? radios[0] ?? null;
  return (
    <main className="bench">
      <section className="panel" aria-labelledby="bench-title">
        <div className="panel-head">
          <h2 id="bench-title">Radios</h2>
          <p className="caption">{healthCaption(state)}</p>
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
          {radios.length > 0 ? <RadioTable radios={radios} state={state} chosen={chosen} onChoose={choose} /> : null}
          {search.failures.length > 0 ? (
            <ul className="failures" aria-label="Drivers that could not be asked">
              {search.failures.map((failure) => (
                <li key={failure}>{failure}</li>
              ))}
            </ul>
          ) : null}
          <BenchPlaceholder state={state} any={radios.length > 0} onStart={start} />
        </div>
      </section>
      <section className="panel" aria-labelledby="radiates-title">
        <h2 id="radiates-title">What may radiate</h2>
        <div className="scroll prose" tabIndex={0} role="group" aria-labelledby="radiates-title">
          <RadiatesText run={state.run} />
        </div>
      </section>
      {chosen === null ? null : <RadioPanel key={radioKey(chosen)} radio={chosen} state={state} />}
    </main>
  );
}

function healthCaption(state: ViewState): string {
  if (Object.keys(state.radios.health).length === 0) return 'Health is known once a radio was opened.';
  return isRunning(state) ? 'Faults are counted since the run opened the radios.' : 'Health as last told: closed now.';
}

function RadioTable({
  radios,
  state,
  chosen,
  onChoose,
}: {
  radios: readonly BenchRadio[];
  state: ViewState;
  chosen: BenchRadio | null;
  onChoose: (key: string) => void;
}): ReactElement {
  const names = lightsOf(null).map(({ name }) => name);
  return (
    <table id="radio-table">
      <thead>
        <tr>
          <th scope="col">Radio</th>
          <th scope="col">Role in the newest run</th>
          <th scope="col">Twin or real</th>
          {names.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {radios.map((radio) => {
          const { driver, serial, role } = radio;
          const key = radioKey(radio);
          return (
            <tr key={key} data-serial={serial} data-chosen={radio === chosen}>
              <th scope="row">
                <button
                  type="button"
                  className="link"
                  aria-pressed={radio === chosen}
                  title={`Show what ${serial} is and can do`}
                  onClick={() => onChoose(key)}
                >
                  {serial}
                </button>
              </th>
              <td>{role ?? '–'}</td>
              <td>{isTwin(driver) ? 'twin (simulated)' : `real (${driver}), may not transmit`}</td>
              {lightsOf(state.radios.health[key] ?? null).map((light) => (
                <td key={light.name}>
                  <HealthLight light={light} />
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** A level has a shape of its own: disc, triangle, square, ring. */
const SHAPES: Readonly<Record<Light['level'], string>> = {
  ok: 'M6 1a5 5 0 1 0 .01 0z',
  warning: 'M6 0.5 11.5 11H0.5z',
  bad: 'M1 1h10v10H1z',
  unknown: 'M6 1a5 5 0 1 0 .01 0zM6 3a3 3 0 1 1-.01 0z',
};

function HealthLight({ light: { name, level, text, detail } }: { light: Light }): ReactElement {
  return (
    <span className="light" data-light={name} data-level={level} title={detail}>
      <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[level]} fillRule="evenodd" />
      </svg>
      {text}
    </span>
  );
}

function RadiatesText({ run }: { run: RunView | null }): ReactElement {
  const transmitters = run?.radios.filter(({ role }) => role !== 'base') ?? [];
  const base = run?.radios[0];
  return (
    <>
      <dl className="bench-facts">
        <Fact name="Allowed">Twins only: simulated air inside this machine, nothing leaves it.</Fact>
        <Fact name="Real radios">Refused until there are power ceilings and a band plan.</Fact>
        <Fact name="Newest plan">
          {run === null || base === undefined
            ? 'No run yet.'
            : `${transmitters.map(({ role }) => role).join(', ')} at ${megahertz(base.centerFrequencyHz)} MHz, ${megahertz(base.sampleRateHz)} MHz wide${run.simulated ? ', simulated' : ''}.`}
        </Fact>
        <Fact name="Band plan">None.</Fact>
        <Fact name="Interlock">None.</Fact>
        <Fact name="Instruments">None.</Fact>
      </dl>
      <p>Every radio stops by itself 0.5 s after the host falls silent, and nothing ever resumes by itself.</p>
    </>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const megahertz = (hz: number): string => (hz / 1e6).toFixed(3).replace(/\.?0+$/, '');

function BenchPlaceholder({
  state,
  any,
  onStart,
}: {
  state: ViewState;
  any: boolean;
  onStart: () => void;
}): ReactElement | null {
  const { search, run } = state;
  if (search.phase === 'searching')
    return <p className="placeholder">Every driver is being asked. This takes seconds.</p>;
  if (any) return null;
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
