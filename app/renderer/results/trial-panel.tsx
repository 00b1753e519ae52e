/** One trial: what was seen, heard and asked, what was answered, and what the air did to it. */
import type { ReactElement } from 'react';
import type { BurstRow, TrialReply } from '../../ipc/results-messages';
import { decibels, percent } from '../format';
import { CarrierPlot, Picture, Sound, Symbols } from './sample';
import { sweptText } from './text';
import { useResults } from './use-results';

export function TrialPanel(): ReactElement {
  const { model, state } = useResults();
  const { trial, trialId } = state;
  if (trialId === null)
    return <p className="placeholder">Choose a point of the chart, then one of its trials on the left.</p>;
  const [before, after] = [model.neighbour(-1), model.neighbour(1)];
  return (
    <>
      <div className="pane-tools">
        <span className="muted trial-id">{trialId}</span>
        <span className="turn">
          <button
            type="button"
            className="small"
            disabled={before === null}
            onClick={() => before !== null && void model.openTrial(before)}
          >
            Previous
          </button>
          <button
            type="button"
            className="small"
            disabled={after === null}
            onClick={() => after !== null && void model.openTrial(after)}
          >
            Next
          </button>
        </span>
      </div>
      {trial.error === null ? null : (
        <p className="panel-error" role="alert">
          The trial could not be read: {trial.error}
        </p>
      )}
      {trial.value === null ? (
        <p className="placeholder">{trial.loading ? 'The trial is being read.' : ''}</p>
      ) : (
        <Shown reply={trial.value} />
      )}
    </>
  );
}

function Shown({ reply }: { reply: TrialReply }): ReactElement {
  const { trial, blindAnswer, picture, sound, sampleProblem, symbols, channel, events } = reply;
  const verdict = !trial.valid ? 'spoilt' : trial.correct === true ? 'right' : 'wrong';
  return (
    <div className="scroll details" tabIndex={0} role="group" aria-label="The trial">
      <div className="sample">
        {picture === null ? null : <Picture {...picture} />}
        <div className="words">
          <h3 id="trial-question">{trial.words === null ? `Question ${trial.question}` : `${trial.words}?`}</h3>
          <dl className="answer" data-verdict={verdict}>
            <dt>Answered</dt>
            <dd id="trial-answer">
              {trial.answer ?? 'nothing'} <span className="badge verdict">{verdict}</span>
            </dd>
            <dt>Expected</dt>
            <dd>
              {trial.expected} <span className="muted">(the model gave it {percent(trial.probability)} %)</span>
            </dd>
            {blindAnswer === null ? null : (
              <>
                <dt>Blind prior says</dt>
                <dd>{blindAnswer}</dd>
              </>
            )}
            <dt>Point</dt>
            <dd>
              {reply.point.arm}, {sweptText(reply.point)}
              {reply.simulated ? ', simulated twins' : ''}
            </dd>
          </dl>
          {sound === null ? null : <Sound {...sound} />}
          {sampleProblem === null ? null : (
            <p className="muted">Picture, sound and question are not at hand: {sampleProblem}.</p>
          )}
        </div>
      </div>
      {events.length === 0 ? null : (
        <ul className="failures" aria-label="Radio events">
          {events.map((line, index) => (
            <li key={index}>{line}</li>
          ))}
        </ul>
      )}
      <h4>Bursts{reply.simulated ? ' (simulated)' : ''}</h4>
      <BurstTable bursts={reply.bursts} simulated={reply.simulated} />
      <h4>Received symbols, equalised</h4>
      {symbols.users.length === 0 ? (
        <p className="muted">The run kept no symbols of this point.</p>
      ) : (
        <>
          <div className="plots">
            {symbols.users.map(({ user, iq }) => (
              <Symbols key={user} user={user} iq={iq} />
            ))}
          </div>
          {symbols.trial === trial.id ? null : (
            <p className="muted">A run keeps the symbols of a few trials of a point; these are of {symbols.trial}.</p>
          )}
        </>
      )}
      <h4>Channel by carrier</h4>
      {channel.length === 0 ? (
        <p className="muted">The run kept no CSI of this trial (output.csiEveryNthTrial in its experiment file).</p>
      ) : (
        <div className="plots">
          {channel.map((one) => (
            <CarrierPlot key={one.user} {...one} />
          ))}
        </div>
      )}
    </div>
  );
}

/** The estimators stand side by side; which of them is reported is said. */
function BurstTable({ bursts, simulated }: { bursts: readonly BurstRow[]; simulated: boolean }): ReactElement {
  const rows: readonly (readonly [string, (burst: BurstRow) => string])[] = [
    ['Outcome', ({ outcome }) => outcome],
    ['Tokens × values', ({ tokens, dimension }) => `${tokens} × ${dimension}`],
    ['SNR reported, dB', ({ snrDb }) => decibels(snrDb)],
    [
      '95 % interval, dB',
      ({ snrLowDb, snrHighDb }) =>
        snrLowDb === null || snrHighDb === null ? '–' : `${decibels(snrLowDb)} to ${decibels(snrHighDb)}`,
    ],
    ['by estimator', ({ estimator }) => estimator ?? '–'],
    ['Repeated preamble, dB', ({ preambleSnrDb }) => decibels(preambleSnrDb)],
    ['Empty subcarriers, dB', ({ emptyCarriersSnrDb }) => decibels(emptyCarriersSnrDb)],
    ['Pilot EVM, dB', ({ pilotEvmSnrDb }) => decibels(pilotEvmSnrDb)],
    ['Genie, dB', ({ genieSnrDb }) => decibels(genieSnrDb)],
    ...(simulated ? [['True, of the twins, dB', ({ trueSnrDb }: BurstRow) => decibels(trueSnrDb)] as const] : []),
    ['Token error, dB', ({ tokenErrorDb }) => decibels(tokenErrorDb)],
    ['Carrier offset, Hz', ({ cfoHz }) => (cfoHz === null ? '–' : cfoHz.toFixed(1).replace('-', '−'))],
    ['Transmit gain, dB', ({ txGainDb }) => decibels(txGainDb)],
    ['Air time, ms', ({ airTimeS }) => (airTimeS === null ? '–' : (1e3 * airTimeS).toFixed(3))],
  ];
  return (
    <table id="bursts">
      <thead>
        <tr>
          <th scope="col">User</th>
          {bursts.map(({ user }) => (
            <th key={user} scope="col">
              {user}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, text]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {bursts.map((burst) => (
              <td key={burst.user}>{text(burst)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
