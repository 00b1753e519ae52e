/**
 * The one bridge between the page and the rest: a few functions, every value checked in both directions. It holds the
 * live port, because a port cannot cross the context bridge and the page needs no more of it than these functions.
 */
import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import * as z from 'zod';
import {
  describeRefusal,
  desktopChannels,
  desktopCommandSchema,
  desktopSettingsSchema,
  documentAnswerSchema,
  exportOutcomeSchema,
  hostStateSchema,
  presetsSchema,
  textFileAnswerSchema,
  type DesktopCommand,
  type WindowUpdate,
} from '../ipc/desktop-messages';
import { hostCommandSchema, hostEventSchema, type HostCommand } from '../ipc/host-messages';
import { resultsMessageSchema, type ResultsReply } from '../ipc/results-messages';
import type { OtabenchApi } from '../ipc/desktop-api';

// The page's content security policy forbids eval, which zod would use for speed.
z.config({ jitless: true });

let livePort: MessagePort | null = null;
let listener: ((update: WindowUpdate) => void) | null = null;
/** What arrives before the page listens. The page listens at once, so this stays short. */
const early: WindowUpdate[] = [];

function deliver(update: WindowUpdate): void {
  if (listener) listener(update);
  else early.push(update);
}

interface Asked {
  readonly resolve: (reply: ResultsReply) => void;
  readonly reject: (reason: Error) => void;
}
/** Questions of the Results view that the host has not answered yet, by number. */
const asked = new Map<number, Asked>();
let lastQuestion = 0;

function receiveResults(message: unknown): void {
  const parsed = resultsMessageSchema.safeParse(message);
  if (parsed.success) {
    const { id, reply } = parsed.data;
    asked.get(id)?.resolve(reply);
    asked.delete(id);
    return;
  }
  const reason = describeRefusal(parsed.error);
  deliver({ kind: 'refused', source: 'host', reason });
  const { id } = message as { id?: unknown };
  if (typeof id !== 'number') return;
  asked.get(id)?.reject(new Error(`The answer was refused: ${reason}`));
  asked.delete(id);
}

function receiveFromHost(message: unknown): void {
  if ((message as { type?: unknown } | null)?.type === 'results') {
    receiveResults(message);
    return;
  }
  const parsed = hostEventSchema.safeParse(message);
  if (parsed.success) deliver({ kind: 'host-event', event: parsed.data });
  else deliver({ kind: 'refused', source: 'host', reason: describeRefusal(parsed.error) });
}

ipcRenderer.on(desktopChannels.livePort, (event: IpcRendererEvent) => {
  livePort?.close();
  livePort = event.ports[0] ?? null;
  // What another host was asked is not answered by this one.
  for (const { reject } of asked.values()) reject(new Error('The host went away before it answered.'));
  asked.clear();
  if (livePort)
    livePort.onmessage = ({ data }: MessageEvent<unknown>) => {
      receiveFromHost(data);
    };
});

ipcRenderer.on(desktopChannels.hostState, (_event: IpcRendererEvent, message: unknown) => {
  const parsed = hostStateSchema.safeParse(message);
  if (parsed.success) deliver({ kind: 'host-state', state: parsed.data });
  else deliver({ kind: 'refused', source: 'main', reason: describeRefusal(parsed.error) });
});

ipcRenderer.on(desktopChannels.refusal, (_event: IpcRendererEvent, reason: unknown) => {
  deliver({ kind: 'refused', source: 'host', reason: String(reason) });
});

function sendToHost(command: HostCommand): void {
  const checked = hostCommandSchema.parse(command);
  if (!livePort) throw new Error('There is no host to take the command.');
  livePort.postMessage(checked);
}

function sendToMain(command: DesktopCommand): Promise<unknown> {
  return ipcRenderer.invoke(desktopChannels.command, desktopCommandSchema.parse(command));
}

const api: OtabenchApi = {
  onUpdate: (newListener) => {
    listener = newListener;
    for (const update of early.splice(0)) newListener(update);
  },
  ready: async () => desktopSettingsSchema.parse(await sendToMain({ type: 'window-ready' })),
  startRun: (run) => {
    sendToHost({ type: 'start-run', ...run });
  },
  stopRun: () => {
    sendToHost({ type: 'stop-run' });
  },
  pauseRun: () => {
    sendToHost({ type: 'pause-run' });
  },
  continueRun: () => {
    sendToHost({ type: 'continue-run' });
  },
  checkPlan: (plan) => {
    sendToHost({ type: 'check-plan', ...plan });
  },
  describeForm: () => {
    sendToHost({ type: 'describe-form' });
  },
  findRadios: () => {
    sendToHost({ type: 'find-radios' });
  },
  inspectRadio: (driver, serial) => {
    sendToHost({ type: 'inspect-radio', driver, serial });
  },
  watchLive: (on) => {
    if (livePort) sendToHost({ type: 'watch-live', on });
  },
  liveDrawn: (sequence) => {
    if (livePort) sendToHost({ type: 'live-drawn', sequence });
  },
  stopEverything: async () => {
    await sendToMain({ type: 'stop-everything' });
  },
  restartHost: async () => {
    await sendToMain({ type: 'restart-host' });
  },
  openReport: async (run) => {
    await sendToMain({ type: 'open-report', run });
  },
  openRunReport: async (run) => {
    await sendToMain({ type: 'open-run-report', run });
  },
  queryResults: (query) =>
    new Promise((resolve, reject) => {
      const id = ++lastQuestion;
      sendToHost({ type: 'query-results', id, query });
      asked.set(id, { resolve, reject });
    }),
  exportResults: async (request) => exportOutcomeSchema.parse(await sendToMain({ type: 'export-results', request })),
  listPresets: async () => presetsSchema.parse(await sendToMain({ type: 'list-presets' })),
  openPreset: async (name) => documentAnswerSchema.parse(await sendToMain({ type: 'open-preset', name })),
  openExperiment: async () => documentAnswerSchema.parse(await sendToMain({ type: 'open-experiment' })),
  saveExperiment: async (text, as) =>
    documentAnswerSchema.parse(await sendToMain({ type: 'save-experiment', text, as })),
  openProblem: async () => textFileAnswerSchema.parse(await sendToMain({ type: 'open-problem' })),
  setEdited: async (edited) => {
    await sendToMain({ type: 'set-edited', edited });
  },
};
contextBridge.exposeInMainWorld('otabench', api);
