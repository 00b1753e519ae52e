/** What the host says of the plan as it stands: what is wrong, by line, or what it would do. */
import type { ReactElement } from 'react';
import type { PlanChecked } from '../../ipc/host-messages';
import { useActions } from '../actions';
import { count, duration } from '../format';
import { hostAnswers, isRunning, type ViewState } from '../state';

/** Width of the first column of what `otabench check` prints. */
const TOPIC_CHARACTERS = 10;

type Summary = NonNullable<PlanChecked['summary']>;

export function CheckPanel({
  state,
  check,
  onGoToLine,
}: {
  state: ViewState;
  /** Null while it is being made. */
  check: PlanChecked | null;
  onGoToLine: (line: number) => void;
}): ReactElement {
  return (
    <section className="panel plan-check" aria-labelledby="check-title">
      <h2 id="check-title">Check</h2>
      <p className="check-verdict" id="verdict" role="status" data-verdict={verdict(state, check)}>
        {verdictText(state, check)}
      </p>
      <div className="scroll" tabIndex={0} role="group" aria-labelledby="check-title">
        {check?.summary ? <Plan summary={check.summary} /> : null}
        {check?.unfinished && !isRunning(state) ? <Unfinished unfinished={check.unfinished} state={state} /> : null}
        {check && check.violations.length > 0 ? (
          <ol className="violations" id="violations">
            {check.violations.map(({ line, field, detail }) => (
              <li key={`${line} ${field} ${detail}`}>
                <button type="button" className="quiet" onClick={() => onGoToLine(line)}>
                  line {line}
                </button>
                <span>
                  {field === '' ? null : <strong>{field}: </strong>}
                  {detail}
                </span>
              </li>
            ))}
          </ol>
        ) : null}
      </div>
    </section>
  );
}

function verdict(state: ViewState, check: PlanChecked | null): 'none' | 'good' | 'bad' {
  if (!hostAnswers(state) || check === null || check.deferred !== null) return 'none';
  return check.violations.length > 0 ? 'bad' : 'good';
}

function verdictText(state: ViewState, check: PlanChecked | null): string {
  if (!hostAnswers(state)) return 'Not checked: the host does not answer.';
  if (check === null) return 'Checking';
  if (check.deferred !== null) return `Fields are right. ${check.deferred}`;
  const { length } = check.violations;
  return length === 0 ? 'Usable' : `${length} ${length === 1 ? 'violation' : 'violations'}: it cannot be run`;
}

function Plan({ summary }: { summary: Summary }): ReactElement {
  const rows = summary.lines
    .slice(1)
    .map((line) => ({ topic: line.slice(0, TOPIC_CHARACTERS).trim(), text: line.slice(TOPIC_CHARACTERS) }))
    .filter(({ topic }) => topic !== 'duration');
  return (
    <>
      <dl className="check-figures">
        <div>
          <dt>Duration, about</dt>
          <dd>{duration(summary.durationS)}</dd>
        </div>
        <div>
          <dt>On the air, about</dt>
          <dd>{duration(summary.airTimeS)}</dd>
        </div>
        <div>
          <dt>Trials</dt>
          <dd>{count(summary.trials)}</dd>
        </div>
        <div>
          <dt>{summary.simulated ? 'Transmit power, simulated' : 'Transmit power'}</dt>
          <dd>{powerText(summary)}</dd>
        </div>
      </dl>
      <dl className="check-rows">
        {rows.map(({ topic, text }, index) => (
          <div key={`${index} ${topic}`}>
            <dt>{topic === rows[index - 1]?.topic ? '' : topic}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function powerText({ transmitters }: Summary): string {
  const limits = [...new Set(transmitters.map(({ maxPowerDbm }) => maxPowerDbm))];
  if (limits.includes(null)) return 'limit not known';
  return `at most ${Math.max(...limits.map(Number))} dBm${limits.length > 1 ? ' (differs)' : ''}`.replace('-', '−');
}

function Unfinished({
  unfinished: { run, trialsDone },
  state,
}: {
  unfinished: NonNullable<PlanChecked['unfinished']>;
  state: ViewState;
}): ReactElement {
  const { resumeUnfinished } = useActions();
  return (
    <div className="unfinished">
      <p>
        <strong>{run}</strong> is a run of this very plan that did not finish
        {trialsDone === null ? '' : ` (${count(trialsDone)} trials done)`}. Resumed, it does what is missing.
      </p>
      <button type="button" id="resume-unfinished" disabled={state.startPending} onClick={resumeUnfinished}>
        Resume it
      </button>
    </div>
  );
}
