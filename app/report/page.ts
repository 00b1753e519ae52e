/** The page: words, tables and pictures of one run. */
import type { ArmComparison, PointSummary } from '../config/run-documents';
import { digitalPoints } from '../store/digital';
import { armsOf, type FamilyAccuracy } from '../store/points';
import type { RunContents } from '../store/run-reader';
import { sharedBandUsers, trialAirTimes } from '../store/shared-band';
import {
  formatDecibels,
  formatDuration,
  formatPercent,
  formatPoints,
  formatPValue,
  formatShare,
} from '../units/format';
import type { Picture } from './chart-canvas';
import { READINGS, type ArmGaps } from './burst-groups';
import { closedLoopSection } from './closed-loop-section';
import { digitalSection } from './digital-section';
import { html, Html, table } from './html';
import { pointKey, pointName } from '../units/place';

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1280px; margin: 2em auto; padding: 0 1em; }
  h1 { font-size: 1.7em; margin-bottom: 0.2em; } h2 { font-size: 1.2em; margin-top: 2em; }
  .simulated { background: #fff4d6; border: 1px solid #e6c565; padding: 0.4em 0.8em; border-radius: 4px; display: inline-block; }
  .failed { background: #fde4e1; border: 1px solid #d98c82; padding: 0.4em 0.8em; border-radius: 4px; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
  th, td { padding: 0.3em 0.6em; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
  th { background: #f5f5f5; white-space: normal; vertical-align: bottom; } th:first-child, td:first-child { text-align: left; } small { color: #555; }
  figure { margin: 1.5em 0; } figure img { max-width: min(100%, 900px); height: auto; border: 1px solid #eee; }
  figcaption, .note { color: #555; font-size: 14px; } code { font-size: 0.9em; overflow-wrap: anywhere; }
`;

/** What the tables show. */
export interface Figures {
  readonly points: readonly PointSummary[];
  readonly comparisons: readonly ArmComparison[];
  readonly families: readonly FamilyAccuracy[];
  readonly gaps: readonly ArmGaps[];
}

export function reportPage(
  run: RunContents,
  { points, comparisons, families, gaps }: Figures,
  pictures: readonly Picture[],
): string {
  const { document, stop } = run;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>otabench: ${document.name}</title>
        <style>
          ${STYLE_ELEMENT}
        </style>
      </head>
      <body>
        <h1>${document.name}</h1>
        <p class="note">${runLine(run)}</p>
        ${
          document.simulated
            ? html`<p class="simulated">All figures on this page come from simulated twins, not from radios.</p>`
            : html``
        }
        ${stop !== null && stop.outcome !== 'done' ? html`<p class="failed">${stop.outcome}: ${stop.message ?? ''}</p>` : html``}
        <h2>Result${where(document.simulated)}</h2>
        ${pointTable(points, document.simulated)}
        <p class="note">
          SNR is mean Es/N0 over the payload carriers, averaged over the bursts of all users; ± is the standard
          deviation of single bursts. The interval is Wilson's, 95 %. AWGN: the same questions, each user's tokens over
          an ideal AWGN channel at that user's mean measured SNR, mean of ${document.plan.awgnDraws} draws; the
          difference is paired, with its 95 % interval. Blind prior: accuracy of the best answer to each question
          template without any input.
        </p>
        ${comparisons.length > 0 ? comparisonSection(comparisons, document.simulated) : html``}
        ${closedLoopSection(run, where(document.simulated))} ${sharedBandSection(run)}
        ${digitalSection(digitalPoints(run.trials), where(document.simulated))}
        ${gaps.length > 0 ? gapSection(gaps, document.simulated) : html``} ${pictures.map(figure)}
        <h2>SNR by user and estimator${where(document.simulated)}</h2>
        ${userTable(points, document.simulated)}
        <p class="note">
          Reported is the SNR that all other tables use. The four estimators stand side by side; genie knows the payload
          that this bench sent itself.${document.simulated ? ' True is the ground truth of the simulated medium.' : ''}
        </p>
        <h2>Accuracy by question family${where(document.simulated)}</h2>
        ${familyTable(families)}
        <h2>Radio events</h2>
        ${eventTable(run)}
        <h2>Provenance</h2>
        ${provenance(run)}
      </body>
    </html> `;
  return page.text;
}

/** The style is ours, so it is not escaped. */
const STYLE_ELEMENT = new Html(STYLE);

function where(simulated: boolean): string {
  return simulated ? ' (on simulated twins)' : '';
}

function runLine(run: RunContents): string {
  const { document, stop } = run;
  const done = `${run.trials.length} of ${document.plan.trialsTotal} trials`;
  if (stop === null) return `Started ${document.startedAt}; ${done} so far (running, or ended without a word).`;
  const rate = stop.questionsPerSecond.toFixed(0);
  return `Started ${document.startedAt}; ${done} in ${formatDuration(stop.wallS)}, ${rate} questions a second over the air.`;
}

function pointTable(points: readonly PointSummary[], simulated: boolean): Html {
  const arms = severalArms(points);
  const head = [...(arms ? ['Arm'] : []), 'Requested', 'Measured (dB)'];
  if (arms) head.push('SNDR (dB)', 'Token error (dB)');
  if (simulated) head.push('True, of the twins (dB)', 'Measured − true (dB)');
  head.push('Bursts sent', 'Detected', 'Header ok', 'Accuracy', '95 % interval', 'Questions', 'AWGN accuracy');
  head.push('Difference (points)', 'Blind prior');
  const rows = points.map((point) => [
    ...(arms ? [point.arm] : []),
    pointName(point),
    `${formatDecibels(point.measuredSnrDb)} ± ${formatDecibels(point.measuredSnrSdDb)}`,
    ...(arms
      ? [
          `${formatDecibels(point.sndrDb)} ± ${formatDecibels(point.sndrHalfWidthDb)}`,
          `${formatDecibels(point.tokenErrorDb)} [${formatDecibels(point.tokenErrorLowDb)}, ${formatDecibels(point.tokenErrorHighDb)}]`,
        ]
      : []),
    ...(simulated ? [formatDecibels(point.trueSnrDb), formatDecibels(point.snrErrorDb)] : []),
    String(point.burstsSent),
    String(point.burstsDetected),
    String(point.headersOk),
    formatPercent(point.accuracy),
    `${formatPercent(point.accuracyLow)} – ${formatPercent(point.accuracyHigh)}`,
    String(point.questions),
    formatPercent(point.awgnAccuracy),
    point.difference === null
      ? '–'
      : `${formatPoints(point.difference)} ± ${formatPoints(point.differenceHalfWidth).replace('+', '')}`,
    formatPercent(point.blindAccuracy),
  ]);
  return html`<div class="wide">${table(head, rows)}</div>`;
}

function severalArms(items: readonly { readonly arm: string }[]): boolean {
  return new Set(items.map(({ arm }) => arm)).size > 1;
}

function comparisonSection(comparisons: readonly ArmComparison[], simulated: boolean): Html {
  const rows = comparisons.map((one) => [
    `${one.firstArm}, ${pointName({ ...one, requestedSnrDb: one.firstSnrDb })}`,
    `${one.secondArm}, ${one.secondSnrDb} dB`,
    String(one.questions),
    String(one.onlyFirstCorrect),
    String(one.onlySecondCorrect),
    `${formatPoints(one.difference)} ± ${formatPoints(one.differenceHalfWidth).replace('+', '')}`,
    formatPValue(one.pValue),
  ]);
  const head = [
    'First',
    'Second',
    'Questions',
    'Only first right',
    'Only second right',
    'Second − first (points)',
    'p',
  ];
  return html`<h2>Arms on the same questions${where(simulated)}</h2>
    <div class="wide">${table(head, rows)}</div>
    <p class="note">Paired differences with 95 % intervals; p is McNemar's test, exact, two-sided.</p>`;
}

/** Nothing where users did not send at once. */
function sharedBandSection({ trials, soundings, document }: RunContents): Html {
  const users = sharedBandUsers(trials, soundings);
  if (users.length === 0) return html``;
  const head = [
    'Arm, user',
    'Grid carriers',
    'Burst (ms)',
    'Residual CFO, rms',
    'Residual CFO, at most',
    'Leakage (dB)',
    'Leakage, at most (dB)',
  ];
  const rows = users.map((one) => [
    `${one.arm}, ${one.user}`,
    one.carriers.toFixed(1),
    one.burstAirTimeS === null ? '–' : (one.burstAirTimeS * 1e3).toFixed(2),
    formatShare(one.residualCfoRms),
    formatShare(one.residualCfoMost),
    formatDecibels(one.leakageDb),
    formatDecibels(one.leakageHighDb),
  ]);
  const times = trialAirTimes(trials).map(({ arm, airTimeS }) => `${arm} ${(airTimeS * 1e3).toFixed(2)} ms`);
  return html`<h2>Users at once${where(document.simulated)}</h2>
    <div class="wide">${table(head, rows)}</div>
    <p class="note">
      Residual CFO: what is left after the user took out that of its last sounding, over its own carrier spacing.
      Leakage: noise over the user's own power with the others on, minus that with the others muted, by sounding at the
      highest point; – where it is not above zero; at most: upper end of the 95 % interval. Air time of a trial,
      silences included: ${times.join(', ')}.
    </p>`;
}

/** Token error over what each SNR reading promises. */
function gapSection(gaps: readonly ArmGaps[], simulated: boolean): Html {
  const head = ['Arm', 'Requested', 'Bursts', 'Token error (dB)'];
  for (const { name } of READINGS) head.push(`SNR, ${name} (dB)`, 'Error over 1/(1+SNR) (dB)');
  const rows = gaps.map((one) => [
    one.arm,
    pointName(one),
    String(one.bursts),
    formatDecibels(one.errorDb),
    ...READINGS.flatMap(({ name }) => {
      const gap = one.gaps.find(({ reading }) => reading === name);
      if (gap === undefined) return ['–', '–'];
      return [formatDecibels(gap.snrDb), `${formatDecibels(gap.gapDb)} ± ${formatDecibels(gap.halfWidthDb)}`];
    }),
  ]);
  return html`<h2>What each SNR reading promises${where(simulated)}</h2>
    <div class="wide">${table(head, rows)}</div>
    <p class="note">
      Token error over 1/(1+SNR) of the reading, all users, with 95 % intervals. 0 dB: the reading predicts the quality.
    </p>`;
}

function userTable(points: readonly PointSummary[], simulated: boolean): Html {
  const head = ['User', 'Requested', 'Gain (dB)', 'Reported (dB)', 'Preamble', 'Empty carriers', 'Pilot EVM', 'Genie'];
  if (simulated) head.push('True, of the twins', 'Reported − true');
  head.push('Bursts', 'Header ok');
  const rows = points.flatMap((point) =>
    point.users.map((user) => [
      severalArms(points) ? `${point.arm}, ${user.user}` : user.user,
      pointName(point),
      formatDecibels(user.txGainDb),
      `${formatDecibels(user.measuredSnrDb)} ± ${formatDecibels(user.measuredSnrSdDb)}`,
      formatDecibels(user.preambleSnrDb),
      formatDecibels(user.emptyCarriersSnrDb),
      formatDecibels(user.pilotEvmSnrDb),
      formatDecibels(user.genieSnrDb),
      ...(simulated
        ? [formatDecibels(user.trueSnrDb), formatDecibels(difference(user.measuredSnrDb, user.trueSnrDb))]
        : []),
      String(user.burstsSent),
      String(user.headersOk),
    ]),
  );
  return html`<div class="wide">${table(head, rows)}</div>`;
}

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

/** A row for each family, a column for each point; over the air on top, its interval and the AWGN reference below. */
function familyTable(families: readonly FamilyAccuracy[]): Html {
  const arms = severalArms(families);
  const points = [...new Map(families.map((item) => [pointKey(item.arm, item.place), item])).values()];
  const names = [...new Set(families.map((item) => item.family))].sort();
  const figure = (fraction: number | null): string => formatPercent(fraction).replace(' %', '');
  const cell = (family: string, { arm, place }: FamilyAccuracy): Html => {
    const item = families.find((one) => one.family === family && pointKey(one.arm, one.place) === pointKey(arm, place));
    if (item === undefined) return html`<td>–</td>`;
    return html`<td>
      ${figure(item.accuracy)}<br /><small>[${figure(item.accuracyLow)}, ${figure(item.accuracyHigh)}]</small><br />
      <small>AWGN ${figure(item.awgnAccuracy)}</small>
    </td>`;
  };
  const row = (family: string): Html => {
    const own = families.filter((item) => item.family === family);
    return html`<tr>
      <td>${family}</td>
      <td>${Math.max(...own.map((item) => item.questions))}</td>
      <td>${figure(own[0]?.blindAccuracy ?? null)}</td>
      ${points.map((point) => cell(family, point))}
    </tr> `;
  };
  return html`<div class="wide">
    <table>
      <thead>
        <tr>
          <th>Family</th>
          <th>Questions a point</th>
          <th>Blind prior (%)</th>
          ${points.map(
            ({ arm, place }) => html`<th>Accuracy${arms ? ` of ${arm}` : ''} at ${pointName(place)} (%)</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${names.map(row)}
      </tbody>
    </table>
  </div>`;
}

function eventTable(run: RunContents): Html {
  const counts = new Map<string, number>();
  for (const { events } of [...run.trials, ...run.soundings, ...run.spoilt])
    for (const { kind, direction, serial, count } of events) {
      const key = `${kind}\t${direction}\t${serial}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  const lost = run.trials.filter((trial) => !trial.valid).length;
  const spoilt = html`<p>
    ${run.spoilt.length} attempts were spoilt by radio events and repeated; ${lost} trials stayed spoilt and count
    nowhere. ${run.soundings.length} sounding trials found the gains.
  </p>`;
  if (counts.size === 0) return html`${spoilt}`;
  const rows = [...counts].map(([key, count]) => [...key.split('\t'), String(count)]);
  return html`${spoilt}${table(['Event', 'Direction', 'Radio', 'Count'], rows)}`;
}

function ownTestSet({ bundle: { testSet } }: RunContents['document']): [string, string][] {
  return testSet === null ? [] : [['Own test set', `${testSet.file}, sha256 ${testSet.hash}`]];
}

function provenance(run: RunContents): Html {
  const { document } = run;
  const state = document.git.modified === true ? ', with changes' : '';
  const rows: [string, string][] = [
    ['Experiment', document.name],
    [
      'Arms',
      armsOf(document)
        .map(({ name }) => name)
        .join(', '),
    ],
    ['Native build', document.nativeBuild === null ? 'unknown' : `sha256 ${document.nativeBuild}`],
    ['Seed', String(document.seed)],
    ['Bundle', `${document.bundle.name}, sha256 ${document.bundle.hash}`],
    ...ownTestSet(document),
    ['Commit', `${document.git.commit ?? 'not in a git checkout'}${state}`],
    ['Plan', `sha256 ${document.planHash}`],
    ...Object.entries(document.versions).map(([name, version]): [string, string] => [name, version]),
    ...document.radios.map((radio): [string, string] => [
      `Radio ${radio.role}`,
      `${radio.driver} ${radio.serial}, ${radio.hardware}${radio.simulated ? ' (simulated)' : ''}, ` +
        `${(radio.centerFrequencyHz.actual / 1e6).toFixed(6)} MHz, ${(radio.sampleRateHz.actual / 1e6).toFixed(3)} MS/s`,
    ]),
    ['Run folder', run.folder],
  ];
  return html`<table>
    <tbody>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <td>${name}</td>
            <td style="text-align: left; white-space: normal"><code>${value}</code></td>
          </tr> `,
      )}
    </tbody>
  </table>`;
}

function figure({ name, caption, png }: Picture): Html {
  return html`<figure>
    <img alt="${name}" src="data:image/png;base64,${png.toString('base64')}" />
    <figcaption>${caption}</figcaption>
  </figure> `;
}
