/** What the base station hears, as it hears it. */
import { useContext, useEffect, useRef, useState, type ReactElement, type RefObject } from 'react';
import { useActions } from '../actions';
import { count, decibels } from '../format';
import { LiveHubContext, type LiveHub, type UserCourse } from '../live/hub';
import { BUDGET_PARTS } from '../../units/error-budget';
import { budgetShares } from '../live/budget-chart';
import { ESTIMATORS, Panels, userSeries, type PanelCanvases } from '../live/panels';
import { WATERFALL_GRADIENT } from '../live/waterfall';
import { hostAnswers, isRunning, type ViewState } from '../state';

/** Figures are read, not watched: four times a second. */
const FIGURES_INTERVAL_MS = 250;
/** No view for so long while a run goes on is worth a word. */
const QUIET_MS = 1500;

const PANELS = {
  spectrum: 'Spectrum at the base station',
  waterfall: 'Waterfall, newest on top',
  before: 'Before the equaliser',
  after: 'After the equaliser',
  channel: '|H(f)| and phase',
  carrierSnr: 'SNR per subcarrier',
  estimators: 'SNR estimators over time',
  budget: 'Burst error budget',
} as const;

export function LiveView({ state }: { state: ViewState }): ReactElement {
  const hub = useContext(LiveHubContext);
  if (hub === null) throw new Error('no hub around the Live view');
  const [user, setUser] = useState<string | null>(null);
  const [held, setHeld] = useState(false);
  useWatching(hub, held);
  useFigures();
  const canvases = useCanvases();
  const panels = usePanels(hub, canvases, user);
  const users = [...hub.users.values()];
  const chosen = users.find((own) => own.user === user) ?? users[0] ?? null;
  const empty = hub.newestMs === null;
  return (
    <main className="live" data-empty={empty}>
      <section className="panel live-users" aria-labelledby="live-users-title">
        <div className="panel-head">
          <h2 id="live-users-title">Users</h2>
          <p className="caption" role="status" id="live-state">
            {stateText(state, hub, held)}
          </p>
          <LatencyText hub={hub} />
          <button type="button" id="live-hold" aria-pressed={held} disabled={empty} onClick={() => setHeld(!held)}>
            {held ? 'Go on' : 'Hold'}
          </button>
        </div>
        {empty ? <EmptyText state={state} /> : <UserTable users={users} chosen={chosen} onChoose={setUser} />}
      </section>
      <Panel name="spectrum" canvas={canvases.spectrum}>
        <Legend
          entries={[
            ['mean', '--series-1', []],
            ['largest', '--muted', []],
          ]}
        />
      </Panel>
      <Panel name="waterfall" canvas={canvases.waterfall}>
        <p className="key">
          <span>{decibels(panels?.densityRange.min ?? null, 0)}</span>
          <span className="gradient" style={{ backgroundImage: WATERFALL_GRADIENT }} />
          <span>{decibels(panels?.densityRange.max ?? null, 0)} dBFS/Hz</span>
        </p>
      </Panel>
      <Panel name="before" canvas={canvases.before} user={chosen} />
      <Panel name="after" canvas={canvases.after} user={chosen} />
      <Panel name="channel" canvas={canvases.channel} user={chosen}>
        <Legend
          entries={[
            ['|H|', '--series-1', []],
            [phaseText(panels?.delayS ?? null), '--series-2', [4, 3]],
          ]}
        />
      </Panel>
      <Panel name="carrierSnr" canvas={canvases.carrierSnr}>
        <Legend
          entries={users.map((own, index) => {
            const { label, color, dash = [] } = userSeries(own.user, index, own === chosen);
            return [label, color, dash];
          })}
        />
      </Panel>
      <Panel name="estimators" canvas={canvases.estimators} user={chosen}>
        <Legend entries={ESTIMATORS.map(({ label, color, dash }) => [label, color, dash])} />
      </Panel>
      <Panel name="budget" canvas={canvases.budget}>
        <BudgetLegend user={chosen} />
      </Panel>
    </main>
  );
}

/** Views are asked for while this view is there, the page is visible and the user does not hold it. */
function useWatching(hub: LiveHub, held: boolean): void {
  useEffect(() => {
    const ask = (): void => hub.watch(!held && document.visibilityState === 'visible');
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      document.removeEventListener('visibilitychange', ask);
      hub.watch(false);
    };
  }, [hub, held]);
}

function useFigures(): void {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((before) => before + 1), FIGURES_INTERVAL_MS);
    return () => clearInterval(timer);
  }, []);
}

type CanvasRefs = { readonly [Name in keyof PanelCanvases]: RefObject<HTMLCanvasElement | null> };

function useCanvases(): CanvasRefs {
  return {
    spectrum: useRef<HTMLCanvasElement>(null),
    waterfall: useRef<HTMLCanvasElement>(null),
    before: useRef<HTMLCanvasElement>(null),
    after: useRef<HTMLCanvasElement>(null),
    channel: useRef<HTMLCanvasElement>(null),
    carrierSnr: useRef<HTMLCanvasElement>(null),
    estimators: useRef<HTMLCanvasElement>(null),
    budget: useRef<HTMLCanvasElement>(null),
  };
}

function usePanels(hub: LiveHub, refs: CanvasRefs, user: string | null): Panels | null {
  const [panels, setPanels] = useState<Panels | null>(null);
  const held = useRef(refs);
  useEffect(() => {
    let made: Panels | null = null;
    let left = false;
    void import('chart.js').then((library) => {
      const canvases = Object.fromEntries(Object.entries(held.current).map(([name, ref]) => [name, ref.current]));
      if (left || Object.values(canvases).some((canvas) => canvas === null)) return;
      made = new Panels(library, canvases as unknown as PanelCanvases);
      made.paint(hub, null);
      hub.setPainter(made);
      setPanels(made);
    });
    return () => {
      left = true;
      hub.setPainter(null);
      made?.destroy();
      setPanels(null);
    };
  }, [hub]);
  useEffect(() => {
    if (user !== null) panels?.choose(user, hub);
  }, [hub, panels, user]);
  return panels;
}

function Panel({
  name,
  canvas,
  user,
  children,
}: {
  name: keyof typeof PANELS;
  canvas: RefObject<HTMLCanvasElement | null>;
  /** Whose burst it shows; absent where it shows all. */
  user?: UserCourse | null;
  children?: React.ReactNode;
}): ReactElement {
  const title = `${PANELS[name]}${user ? `: ${user.user}` : ''}`;
  return (
    <section className="panel live-panel" aria-labelledby={`live-${name}-title`}>
      <h2 id={`live-${name}-title`}>{title}</h2>
      {children}
      <div className="live-canvas">
        <canvas ref={canvas} id={`live-${name}`} role="img" aria-label={canvasText(name, user ?? null)} />
      </div>
    </section>
  );
}

/** What a picture shows, for those who do not see it; figures are in the table of users. */
function canvasText(name: keyof typeof PANELS, user: UserCourse | null): string {
  const burst = user?.burst ?? null;
  const whole = `${PANELS[name]}${user ? ` of ${user.user}` : ''}`;
  if (burst === null) return whole;
  if (name === 'before' || name === 'after')
    return `Constellation. ${whole}, ${burst.equalised.length / 2} symbols of one burst`;
  if (name !== 'estimators') return whole;
  const now = ESTIMATORS.map(({ key, label }) => `${label} ${decibels(burst.estimatesDb[key], 1)} dB`).join(', ');
  return `${whole}. Newest: ${now}`;
}

function Legend({
  entries,
}: {
  entries: readonly (readonly [text: string, color: string, dash: readonly number[]])[];
}): ReactElement {
  return (
    <ul className="legend">
      {entries.map(([text, color, dash]) => (
        <li key={text}>
          <svg className="swatch" width="22" height="4" aria-hidden="true">
            <line x1="0" y1="2" x2="22" y2="2" style={{ stroke: `var(${color})` }} strokeDasharray={dash.join(' ')} />
          </svg>
          <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}

function BudgetLegend({ user }: { user: UserCourse | null }): ReactElement {
  const shares = budgetShares(user?.errorBudget?.parts ?? null);
  return (
    <ul className="legend" title={user?.errorBudget ? `of trial ${user.errorBudget.trialId}` : undefined}>
      {BUDGET_PARTS.map((part) => (
        <li key={part}>
          <span className="mark square" style={{ color: `var(--budget-${part})` }} />
          <span>
            {part}
            {shares === null ? '' : ` ${decibels(shares[part], 0)} %`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function UserTable({
  users,
  chosen,
  onChoose,
}: {
  users: readonly UserCourse[];
  chosen: UserCourse | null;
  onChoose: (user: string) => void;
}): ReactElement {
  return (
    <table id="live-table">
      <thead>
        <tr>
          <th scope="col">Shown</th>
          <th scope="col">Received of sent</th>
          <th scope="col">SNR, dB</th>
          {ESTIMATORS.map(({ key, label }) => (
            <th key={key} scope="col">{`${label[0]?.toUpperCase()}${label.slice(1)}, dB`}</th>
          ))}
          <th scope="col">True, dB</th>
          <th scope="col">CFO, Hz</th>
          <th scope="col">PAPR, dB</th>
          <th scope="col">0.1 % beyond, dB</th>
          <th scope="col">Token error, dB</th>
        </tr>
      </thead>
      <tbody>
        {users.map((own) => (
          <UserRow key={own.user} own={own} chosen={own === chosen} onChoose={onChoose} />
        ))}
      </tbody>
    </table>
  );
}

/** Of `ccdfDb`: exceeded by 0.1 % of the samples. */
const RAREST = 2;

function UserRow({
  own: { user, burst, errorBudget, burstsSent, burstsReceived },
  chosen,
  onChoose,
}: {
  own: UserCourse;
  chosen: boolean;
  onChoose: (user: string) => void;
}): ReactElement {
  const measured = errorBudget?.parts.measured ?? 0;
  return (
    <tr data-user={user}>
      <th scope="row">
        <label>
          <input type="radio" name="live-user" checked={chosen} onChange={() => onChoose(user)} /> {user}
        </label>
      </th>
      <td className={burstsReceived < burstsSent ? 'lost' : undefined}>
        {count(burstsReceived)} of {count(burstsSent)}
      </td>
      <td className="result">{decibels(burst?.snrDb ?? null)}</td>
      {ESTIMATORS.map(({ key }) => (
        <td key={key}>{decibels(burst?.estimatesDb[key] ?? null)}</td>
      ))}
      <td>{decibels(burst?.trueSnrDb ?? null)}</td>
      <td>{burst === null ? '–' : decibels(burst.cfoHz, 0)}</td>
      <td>{decibels(burst?.paprDb ?? null, 1)}</td>
      <td>{decibels(burst?.ccdfDb[RAREST] ?? null, 1)}</td>
      <td>{measured > 0 ? decibels(10 * Math.log10(measured), 1) : '–'}</td>
    </tr>
  );
}

function phaseText(delayS: number | null): string {
  return delayS === null ? 'phase' : `phase, ${decibels(delayS * 1e9, 0)} ns of delay taken out`;
}

function stateText(state: ViewState, hub: LiveHub, held: boolean): string {
  if (held) return 'Held: the pictures stand still, the run goes on.';
  if (hub.newestMs === null) return '';
  if (!isRunning(state)) return 'The run has ended: the pictures show its last bursts.';
  if (!hostAnswers(state)) return 'The host does not answer: the pictures are old.';
  const quietMs = Date.now() - hub.newestMs;
  if (quietMs < QUIET_MS) return 'Every picture shows the newest burst of its user.';
  const why = state.run?.transmitting ? '' : ': the transmitters are silent while answers are computed';
  return `Nothing new for ${(quietMs / 1000).toFixed(0)} s${why}.`;
}

function LatencyText({ hub }: { hub: LiveHub }): ReactElement {
  const latency = hub.latencyMs();
  return (
    <p
      className="caption"
      id="live-latency"
      data-views={hub.viewsShown}
      data-median-ms={latency?.median}
      data-p95-ms={latency?.p95}
    >
      {latency === null ? '' : `on screen ${latency.median} ms after the host (95 %: ${latency.p95} ms)`}
    </p>
  );
}

function EmptyText({ state }: { state: ViewState }): ReactElement {
  const { start } = useActions();
  if (!hostAnswers(state))
    return <p className="placeholder">The host does not answer. Without it nothing can be received.</p>;
  if (isRunning(state) || state.startPending)
    return <p className="placeholder">Waiting for the first burst of the run.</p>;
  return (
    <div className="placeholder">
      <p>Nothing is on the air. While a run goes on, this view shows what the base station receives.</p>
      <button type="button" className="primary" onClick={start}>
        Start first-light on the twins
      </button>
    </div>
  );
}
