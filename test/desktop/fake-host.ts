/**
 * A host without radios or models that speaks the typed channel and can misbehave. The name of the experiment file
 * chooses what it does, so a test says it with `--experiment=crash`; OTABENCH_FAKE_START=crash makes it end at once.
 * OTABENCH_FAKE_LOG names a file to which it adds a line for its start and for every command.
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MessagePortMain } from 'electron';
import { LiveFeed, type LiveWindow } from '../../app/host/live-feed';
import { hostCommandSchema, type HostEvent, type Point } from '../../app/ipc/host-messages';
import { VIEW_INTERVAL_MS } from '../../app/ipc/live-messages';
import { fakeBench, fakeDetails, fakeHealth } from './fake-views';

const HEARTBEAT_MS = 500;
const SNRS_DB = [0, 5, 10, 15, 20];
const QUESTIONS_PER_POINT = 1500;
const STEPS_PER_POINT = 4;

const control = process.parentPort;
let window: MessagePortMain | null = null;
let heartbeat: NodeJS.Timeout | null = null;
let runNumber = 0;
let paused = false;
let current: { run: string; events: Map<string, HostEvent>; timer: NodeJS.Timeout } | null = null;
const liveWindow: LiveWindow = { post: (event) => window?.postMessage(event) };
const live = new LiveFeed((event) => window?.postMessage(event));
let bench: ReturnType<typeof fakeBench> | null = null;

function log(line: string): void {
  const file = process.env['OTABENCH_FAKE_LOG'];
  if (file) appendFileSync(file, `${line}\n`);
}

function tell(event: HostEvent): void {
  const ofWindowOnly = event.type === 'point' || event.type === 'progress';
  const ofControlOnly = event.type === 'heartbeat' || event.type === 'busy';
  if (!ofWindowOnly) control.postMessage(event);
  if (!ofControlOnly) window?.postMessage(event);
  if (current && 'run' in event)
    current.events.set(event.type === 'point' ? `${event.point.arm} ${event.point.requestedSnrDb}` : event.type, event);
}

/** A point after a share of its questions, with the figures of a plausible link. */
function pointAt(snrDb: number, share: number): Point {
  const questions = Math.round(QUESTIONS_PER_POINT * share);
  const awgnAccuracy = 0.52 + 0.33 / (1 + Math.exp(-(snrDb - 6) / 3.2));
  const accuracy = awgnAccuracy - 0.006 + 0.01 * Math.sin(snrDb);
  const halfWidth = 1.96 * Math.sqrt((accuracy * (1 - accuracy)) / questions);
  const burstsDetected = 3 * questions - (snrDb < 2 ? 4 : 0);
  return {
    arm: 'pooled L=16',
    requestedSnrDb: snrDb,
    measuredSnrDb: snrDb + 0.08,
    measuredSnrSdDb: 0.21,
    trueSnrDb: snrDb + 0.02,
    burstsSent: 3 * questions,
    burstsDetected,
    headersOk: burstsDetected,
    questions,
    accuracy,
    accuracyLow: accuracy - halfWidth,
    accuracyHigh: accuracy + halfWidth,
    awgnAccuracy: share === 1 ? awgnAccuracy : null,
    blindAccuracy: 0.434,
  };
}

/** A second arm, of which nothing is received at its lowest SNR. */
function shortArm(point: Point): Point {
  const arm = 'pooled L=4, repeated twice over the band';
  if ((point.requestedSnrDb ?? 0) > -5)
    return {
      ...point,
      arm,
      accuracy: (point.accuracy ?? 0) - 0.08,
      accuracyLow: (point.accuracyLow ?? 0) - 0.08,
      accuracyHigh: (point.accuracyHigh ?? 0) - 0.08,
    };
  return {
    ...point,
    arm,
    measuredSnrDb: null,
    measuredSnrSdDb: null,
    burstsDetected: 0,
    headersOk: 0,
    awgnAccuracy: null,
    accuracy: 0.43,
    accuracyLow: 0.4,
    accuracyHigh: 0.46,
  };
}

function finish(run: string, outcome: 'done' | 'stopped' | 'failed', message: string | null): void {
  const reportFile =
    outcome === 'failed' ? null : path.join(process.env['OTABENCH_FAKE_REPORTS'] ?? '.', `${run}.html`);
  if (reportFile) writeFileSync(reportFile, '<!doctype html><title>Report of the fake host</title>');
  tell({ type: 'run-finished', run, outcome, message, reportFile, wallS: 12.3 });
  if (current) clearInterval(current.timer);
  current = null;
  void bench?.close();
}

function misbehave(scenario: string, step: number, run: string): void {
  if (step !== 6) return;
  if (scenario === 'crash') process.exit(9);
  if (scenario === 'fail') finish(run, 'failed', 'radio process ended: TWIN-BS does not answer');
  if (scenario === 'silent' && heartbeat) clearInterval(heartbeat);
  if (scenario === 'hang') for (;;);
  if (scenario === 'malformed') {
    window?.postMessage({ type: 'point', run, complete: true, point: { ...pointAt(0, 1), accuracy: 83, snr: 'high' } });
    window?.postMessage('<b>not even an object</b>');
    control.postMessage({ type: 'run-finished', run, reportFile: '/etc/passwd' });
  }
}

function startRun(experimentFile: string): void {
  const scenario = path.basename(experimentFile).replace(/\.yml$/, '');
  if (current) {
    tell({ type: 'error', message: 'A run goes on already.' });
    return;
  }
  if (scenario === 'refused') {
    tell({ type: 'error', message: 'refused.yml: line 12: sweep.snrDb: 47 is outside -5 to 35' });
    tell({ type: 'error', message: 'refused.yml: line 20: users: radar is unknown; allowed: text, visual, audio' });
    return;
  }
  runNumber += 1;
  const run = `fake-${process.pid}-${runNumber}`;
  const steps = SNRS_DB.length * STEPS_PER_POINT;
  const trialsTotal = SNRS_DB.length * QUESTIONS_PER_POINT;
  const stepMs = scenario === 'slow' ? 1_000 : scenario === 'long' ? 1_000_000 : 100;
  let step = 0;
  paused = false;
  const timer = setInterval(() => {
    if (paused) {
      const last = current?.events.get('progress');
      if (last?.type === 'progress') tell({ ...last, pause: 'paused', transmitting: false });
      return;
    }
    step += 1;
    misbehave(scenario, step, run);
    if (!current) return;
    const snrDb = SNRS_DB[Math.floor((step - 1) / STEPS_PER_POINT)] ?? 0;
    const share = (((step - 1) % STEPS_PER_POINT) + 1) / STEPS_PER_POINT;
    tell({ type: 'point', run, complete: share === 1, point: pointAt(snrDb, share) });
    if (scenario === 'arms')
      tell({ type: 'point', run, complete: share === 1, point: shortArm(pointAt(snrDb - 5, share)) });
    const remainingS = ((steps - step) * stepMs) / 1000;
    tell({
      type: 'progress',
      run,
      phase: scenario === 'answering' ? 'references' : 'trials',
      transmitting: scenario !== 'answering',
      pause: 'no',
      trialsDone: (trialsTotal * step) / steps,
      trialsTotal,
      questionsPerSecond: 214.6,
      remainingS,
    });
    if (step === steps) finish(run, 'done', null);
  }, stepMs);
  current = { run, events: new Map(), timer };
  const radios = ['text', 'visual', 'audio', 'base'].map((role) => ({
    role,
    serial: `TWIN-${role.toUpperCase()}`,
    driver: 'twin',
    centerFrequencyHz: 2.45e9,
    sampleRateHz: 5e6,
  }));
  live.begin();
  bench = fakeBench(VIEW_INTERVAL_MS);
  live.add(bench);
  tell({ type: 'run-started', run, name: 'First light', trialsTotal, radios, simulated: true, radioPids: [] });
}

function obey(message: unknown, ports: MessagePortMain[]): void {
  const command = hostCommandSchema.parse(message);
  if (command.type === 'live-drawn') return live.drawn(liveWindow);
  // What the page asks by itself is no step of a test.
  if (command.type !== 'describe-form' && command.type !== 'check-plan') log(command.type);
  if (command.type === 'describe-form') window?.postMessage({ type: 'form-described', sections: [] });
  else if (command.type === 'check-plan') return;
  else if (command.type === 'pause-run' || command.type === 'continue-run')
    paused = command.type === 'pause-run' && current !== null;
  else if (command.type === 'start-run') startRun(command.experimentFile);
  else if (command.type === 'find-radios')
    tell({
      type: 'radios-found',
      radios: ['BASE', 'TEXT', 'VISUAL', 'AUDIO'].map((role) => ({
        driver: 'twin',
        serial: `TWIN-${role}`,
        label: 'simulated radio',
      })),
      failures: ['uhd: no module of this driver is installed'],
    });
  else if (command.type === 'query-results')
    window?.postMessage({
      type: 'results',
      id: command.id,
      reply: { kind: 'error', message: 'the fake host keeps no runs' },
    });
  else if (command.type === 'stop-run') {
    if (current) finish(current.run, 'stopped', null);
  } else if (command.type === 'watch-live') live.watch(liveWindow, command.on);
  else if (command.type === 'inspect-radio') {
    live.addDetails([fakeDetails(command.serial)]);
    const radios = fakeHealth().radios.filter(({ serial }) => serial === command.serial);
    tell({ type: 'health', radios, events: [], eventsLeftOut: 0 });
  } else if (command.type === 'attach-window') attach(ports[0]);
  else {
    if (current) finish(current.run, 'stopped', 'the application was closed');
    setTimeout(() => process.exit(0), 50);
  }
}

function attach(port: MessagePortMain | undefined): void {
  window?.close();
  live.detach(liveWindow);
  window = port ?? null;
  if (!port) return;
  live.attach(liveWindow);
  port.on('message', (event) => {
    obey(event.data, event.ports);
  });
  port.start();
  port.postMessage({ type: 'ready', version: 'fake', pid: process.pid });
  for (const event of current?.events.values() ?? []) port.postMessage(event);
}

log('started');
if (process.env['OTABENCH_FAKE_START'] === 'crash') process.exit(7);
control.on('message', (event) => {
  obey(event.data, event.ports);
});
heartbeat = setInterval(() => {
  tell({ type: 'heartbeat', sentAtMs: Date.now() });
}, HEARTBEAT_MS);
tell({ type: 'ready', version: 'fake', pid: process.pid });
