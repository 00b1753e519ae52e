/** One radio: identity, capabilities, sensors. What is not known yet can be asked for while no run has the radios. */
import type { ReactElement } from 'react';
import type { RadioDetails, RadioHealth } from '../../ipc/live-messages';
import { useActions } from '../actions';
import { radioKey } from '../radio-state';
import { hostAnswers, isRunning, type ViewState } from '../state';

type Channel = RadioDetails['capabilities']['rx'];
type Range = Channel['gainRangeDb'];

export function RadioPanel({
  radio,
  state,
}: {
  radio: { readonly driver: string; readonly serial: string; readonly label: string };
  state: ViewState;
}): ReactElement {
  const { inspectRadio } = useActions();
  const { driver, serial, label } = radio;
  const details = state.radios.details[radioKey(radio)] ?? null;
  const health = state.radios.health[radioKey(radio)] ?? null;
  const running = isRunning(state);
  return (
    <section className="panel radio-panel" aria-labelledby="radio-title">
      <div className="panel-head">
        <h2 id="radio-title">
          {serial}
          {label === '' ? '' : `: ${label}`}
        </h2>
        <button
          type="button"
          id="inspect-radio"
          disabled={!hostAnswers(state) || running}
          title={running ? 'A run has the radios' : 'Opens the radio for a moment; nothing transmits'}
          onClick={() => inspectRadio(driver, serial)}
        >
          {details === null ? 'Read capabilities' : 'Read again'}
        </button>
      </div>
      <div className="scroll" tabIndex={0} role="group" aria-labelledby="radio-title">
        {details === null ? (
          <p className="placeholder">
            Known so far: driver {driver}. What the radio is and can do is read when it is opened.
          </p>
        ) : (
          <div className="radio-facts">
            <Identity details={details} />
            <Capabilities details={details} />
            <Sensors health={health} />
          </div>
        )}
      </div>
    </section>
  );
}

function Identity({ details }: { details: RadioDetails }): ReactElement {
  const { driver, serial, hardware, simulated, mayTransmit, information, capabilities } = details;
  const facts: [string, string][] = [
    ['Driver', driver],
    ['Serial', serial],
    ['Hardware', hardware],
    ['Kind', simulated ? 'twin: no radio, simulated air' : 'real'],
    ['May transmit', mayTransmit ? 'yes' : 'no'],
    ['Hardware time', capabilities.hardwareTime ? 'yes: bursts are timed to the sample' : 'no'],
    ['Clock sources', list(capabilities.clockSources)],
    ['Time sources', list(capabilities.timeSources)],
    ...Object.entries(information).filter(([name]) => name !== 'serial'),
  ];
  return (
    <dl className="bench-facts" aria-label="Identity">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const list = (names: readonly string[]): string => (names.length === 0 ? 'none named' : names.join(', '));

function Capabilities({ details: { capabilities } }: { details: RadioDetails }): ReactElement {
  const rows: [string, (channel: Channel) => string][] = [
    ['Channels', ({ channels, fullDuplex }) => `${channels}${fullDuplex ? ', full duplex' : ', half duplex'}`],
    ['Antennas', ({ antennas }) => list(antennas)],
    ['Gain, dB', ({ gainRangeDb }) => rangeText(gainRangeDb, 1)],
    [
      'Gain elements, dB',
      ({ gainElementsDb }) =>
        gainElementsDb.map((element) => `${element.name} ${rangeText(element, 1)}`).join('; ') || 'none named',
    ],
    ['Frequency, MHz', ({ frequencyRangesHz }) => rangesText(frequencyRangesHz)],
    ['Sample rate, MS/s', ({ sampleRateRangesHz }) => rangesText(sampleRateRangesHz)],
    ['Bandwidth, MHz', ({ bandwidthRangesHz }) => rangesText(bandwidthRangesHz)],
    ['Native format', ({ nativeFormat, nativeFullScale }) => `${nativeFormat}, full scale ${nativeFullScale}`],
  ];
  const text = (channel: Channel, of: (channel: Channel) => string): string =>
    channel.channels === 0 ? 'none' : of(channel);
  return (
    <table id="capabilities">
      <thead>
        <tr>
          <th scope="col">Capability</th>
          <th scope="col">Receive</th>
          <th scope="col">Transmit</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, of]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{text(capabilities.rx, of)}</td>
            <td>{text(capabilities.tx, of)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const figure = (value: number): string => String(Math.round(value * 1000) / 1000).replace('-', '−');

function rangeText({ min, max, step }: Range, unit: number): string {
  if (min === max) return figure(min / unit);
  return `${figure(min / unit)} to ${figure(max / unit)}${step > 0 ? ` by ${figure(step / unit)}` : ''}`;
}

const MOST_RANGES = 4;

function rangesText(ranges: readonly Range[]): string {
  if (ranges.length === 0) return 'none named';
  const shown = ranges.slice(0, MOST_RANGES).map((range) => rangeText(range, 1e6));
  return shown.join(', ') + (ranges.length > MOST_RANGES ? ` and ${ranges.length - MOST_RANGES} more` : '');
}

function Sensors({ health }: { health: RadioHealth | null }): ReactElement {
  const sensors = health?.sensors ?? [];
  return (
    <dl className="bench-facts" aria-label="Sensors" id="sensors">
      {sensors.length === 0 ? (
        <div>
          <dt>Sensors</dt>
          <dd>{health === null ? 'not read' : 'none'}</dd>
        </div>
      ) : (
        sensors.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value ?? 'could not be read'}</dd>
          </div>
        ))
      )}
    </dl>
  );
}
