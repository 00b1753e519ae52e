/** One trial with all that there is of it: bursts, question, picture, sound, received symbols, channel. */
import type { RunDocument } from '../config/run-documents';
import type { TrialReply } from '../ipc/results-messages';
import { readViews } from '../store/run-reader';
import type { CarrierRow, TrialWhole } from '../store/trial-queries';
import { dbToPowerRatio, powerRatioToDb } from '../units/db';
import type { ShelvedSamples } from './sample-shelf';

export function trialReply(
  folder: string,
  document: RunDocument,
  whole: TrialWhole,
  channel: readonly CarrierRow[],
  { samples, problem }: ShelvedSamples,
): TrialReply {
  const { arm, requestedSnrDb, bandwidthHz, powerDb, burstsJson: bursts, eventsJson: events, wallMs, ...row } = whole;
  const question = samples?.question(row.question) ?? null;
  return {
    kind: 'trial',
    simulated: document.simulated,
    point: { arm, requestedSnrDb, bandwidthHz, powerDb },
    trial: { ...row, words: question?.words ?? null },
    blindAnswer: question?.blindAnswer ?? null,
    wallMs,
    bursts,
    events,
    sampleProblem: question === null ? (problem ?? `the bundle holds no question ${row.question}`) : null,
    picture: question === null || samples === null ? null : samples.picture(question.scene),
    sound: question === null || samples === null ? null : samples.sound(question.scene),
    symbols: symbolsOf(folder, { id: row.id, arm, requestedSnrDb }),
    channel: channelOf(channel),
  };
}

/** The trial's own symbols, or those of another trial of its point: a run keeps those of a few. */
function symbolsOf(
  folder: string,
  trial: { readonly id: string; readonly arm: string; readonly requestedSnrDb: number | null },
): TrialReply['symbols'] {
  let views: ReturnType<typeof readViews>;
  try {
    views = readViews(folder);
  } catch {
    return { trial: null, users: [] };
  }
  const ofPoint = views.filter((view) => view.arm === trial.arm && view.requestedSnrDb === trial.requestedSnrDb);
  const shown = ofPoint.some((view) => view.trial === trial.id) ? trial.id : (ofPoint[0]?.trial ?? null);
  return {
    trial: shown,
    users: ofPoint
      .filter((view) => view.trial === shown)
      .map(({ user, constellation }) => ({ user, iq: Float32Array.from(constellation) })),
  };
}

/** |H|² against the burst's mean, dB. */
function channelOf(rows: readonly CarrierRow[]): TrialReply['channel'] {
  return [...new Set(rows.map(({ user }) => user))].map((user) => {
    const own = rows.filter((row) => row.user === user);
    const powers = own.map(({ hRe, hIm }) => hRe ** 2 + hIm ** 2);
    const meanPower = powers.reduce((sum, power) => sum + power, 0) / powers.length;
    return {
      user,
      carriers: own.map(({ carrier }) => carrier),
      hDb: powers.map((power) => powerRatioToDb(Math.max(power / meanPower, dbToPowerRatio(-120)))),
      snrDb: own.map(({ snrDb }) => snrDb),
    };
  });
}
