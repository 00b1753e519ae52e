/**
 * Messages between Electron's main process and its window: what is about the application itself. What is about
 * radios and runs goes between host and window (host-messages.ts). Both ends parse what they receive.
 */
// A namespace import: bundled with the preload, `{ z }` brings all of zod along (764 kB instead of 97).
import * as z from 'zod';
import { hostEventSchema, MOST_FILE_CHARACTERS } from './host-messages';
import { exportRequestSchema, runNameSchema } from './results-messages';

/** Names of the channels; the live channel's port arrives on `livePort`. */
export const desktopChannels = {
  command: 'otabench:command',
  hostState: 'otabench:host-state',
  refusal: 'otabench:refusal',
  livePort: 'otabench:live-port',
} as const;

/**
 * Main to window: the supervised host as main sees it. `silent` is alive but not heard; `ended` is gone and about to
 * be started again; `failed` is gone and stays so until the user asks for it.
 */
export const hostStateSchema = z.object({
  phase: z.enum(['starting', 'ready', 'busy', 'silent', 'ended', 'failed', 'stopping']),
  pid: z.int().nullable(),
  /** What happened, for the user; null where nothing needs to be said. */
  message: z.string().nullable(),
  /** Automatic restarts since the host was last well. */
  restarts: z.int().nonnegative(),
});
export type HostState = z.infer<typeof hostStateSchema>;

/** A file as it was read or written last. */
const textFileSchema = z.object({
  /** Absolute. */
  file: z.string().min(1),
  text: z.string().max(MOST_FILE_CHARACTERS),
});
export type TextFile = z.infer<typeof textFileSchema>;

/** What the experiment editor holds. */
export const experimentDocumentSchema = textFileSchema.extend({
  /** Shipped with the application: saved under another name only. */
  preset: z.boolean(),
});
export type ExperimentDocument = z.infer<typeof experimentDocumentSchema>;

export const presetsSchema = z.array(
  z.object({
    /** Of its file, without folder. */
    name: z.string().min(1),
    /** Its first comment. */
    about: z.string(),
  }),
);
export type Preset = z.infer<typeof presetsSchema>[number];

/** Window to main. */
export const desktopCommandSchema = z.discriminatedUnion('type', [
  /** The page has loaded and listens: main answers with the settings and delivers the live port. */
  z.object({ type: z.literal('window-ready') }),
  z.object({ type: z.literal('restart-host') }),
  /** Ends the run and silences every transmitter, also when the host does not listen. */
  z.object({ type: z.literal('stop-everything') }),
  /** Opens the report that the host announced for this run. The window never names a file. */
  z.object({ type: z.literal('open-report'), run: z.string().min(1) }),
  /** Has the report of any run in the runs folder made where it is missing or old, and opens it. */
  z.object({ type: z.literal('open-run-report'), run: runNameSchema }),
  /** Asks the user for a file and has the host write it; answered with `exportOutcomeSchema`. */
  z.object({ type: z.literal('export-results'), request: exportRequestSchema }),
  z.object({ type: z.literal('list-presets') }),
  /** The next three answer with a document, or null where the user has thought better of it. */
  z.object({ type: z.literal('open-preset'), name: z.string().min(1) }),
  z.object({ type: z.literal('open-experiment') }),
  /** `as`: under a name that the user is asked for, as a preset always is. */
  z.object({ type: z.literal('save-experiment'), text: z.string().max(MOST_FILE_CHARACTERS), as: z.boolean() }),
  /** Whether the editor holds what no file has: closing then asks. */
  z.object({ type: z.literal('set-edited'), edited: z.boolean() }),
  /** Answered with a text file, or null. */
  z.object({ type: z.literal('open-problem') }),
]);
export type DesktopCommand = z.infer<typeof desktopCommandSchema>;

export const documentAnswerSchema = experimentDocumentSchema.nullable();
export const textFileAnswerSchema = textFileSchema.nullable();

/** Main's answer to `window-ready`. */
export const desktopSettingsSchema = z.object({
  applicationVersion: z.string(),
  experimentFile: z.string().min(1),
  /** A run starts by itself as soon as the host is ready. */
  autorun: z.boolean(),
  /** What `experimentFile` holds; null where it cannot be read. */
  document: experimentDocumentSchema.nullable(),
  /** Nothing was ever run from this desktop. */
  firstStart: z.boolean(),
  hostState: hostStateSchema,
});
export type DesktopSettings = z.infer<typeof desktopSettingsSchema>;

/** Main's answer to `export-results`: the file that was written; null when the user chose none. */
export const exportOutcomeSchema = z.object({ file: z.string().nullable() });
export type ExportOutcome = z.infer<typeof exportOutcomeSchema>;

/** What the preload hands to the page, already checked. */
export const windowUpdateSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('host-event'), event: hostEventSchema }),
  z.object({ kind: z.literal('host-state'), state: hostStateSchema }),
  /** Something arrived that is not of the agreed form; it was dropped. */
  z.object({ kind: z.literal('refused'), source: z.enum(['host', 'main']), reason: z.string() }),
]);
export type WindowUpdate = z.infer<typeof windowUpdateSchema>;

/** Why a value was refused, on one line: the first two violations with their place. */
export function describeRefusal(error: z.ZodError): string {
  const lines = error.issues.map((issue) => `${issue.path.join('.') || 'message'}: ${issue.message}`);
  const more = lines.length > 2 ? ` (and ${lines.length - 2} more)` : '';
  return lines.slice(0, 2).join('; ') + more;
}
