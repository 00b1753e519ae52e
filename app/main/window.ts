/** The window and the messages between it and the main process. */
import path from 'node:path';
import {
  BrowserWindow,
  dialog,
  ipcMain,
  MessageChannelMain,
  type FileFilter,
  type IpcMainInvokeEvent,
  type MessageBoxOptions,
  type MessagePortMain,
} from 'electron';
import {
  describeRefusal,
  desktopChannels,
  desktopCommandSchema,
  type DesktopCommand,
  type DesktopSettings,
  type HostState,
} from '../ipc/desktop-messages';
import type { FileDialogs } from './experiment-files';
import { APPLICATION_ORIGIN, APPLICATION_PAGE } from './security';

const RELOADS_PER_MINUTE = 3;

const FILE_KINDS: Readonly<Record<'experiment' | 'problem', FileFilter>> = {
  experiment: { name: 'Experiments', extensions: ['yml', 'yaml'] },
  problem: { name: 'Allocation problems', extensions: ['json'] },
};

export type WindowCommand = Exclude<DesktopCommand, { type: 'window-ready' }>;

export interface WindowCallbacks {
  /** @returns the answer to `window-ready`. */
  onReady(): DesktopSettings;
  /** @returns what the page is answered; it checks the form */
  onCommand(command: WindowCommand): Promise<unknown>;
  /** The user closes the window; nothing has been closed yet. */
  onCloseRequested(): void;
}

export class DesktopWindow {
  private readonly window: BrowserWindow;
  private mayClose = false;
  private loaded = false;
  private reloadTimesMs: number[] = [];

  constructor(
    applicationFolder: string,
    private readonly callbacks: WindowCallbacks,
  ) {
    this.window = new BrowserWindow({
      width: 1440,
      height: 900,
      minWidth: 960,
      minHeight: 600,
      show: false,
      title: 'otabench',
      backgroundColor: '#10151c',
      autoHideMenuBar: true,
      webPreferences: {
        preload: path.join(applicationFolder, 'dist/app/preload/preload.js'),
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        nodeIntegrationInSubFrames: false,
        webviewTag: false,
        webSecurity: true,
        spellcheck: false,
        navigateOnDragDrop: false,
      },
    });
    this.window.once('ready-to-show', () => {
      this.window.show();
    });
    this.window.on('close', (event) => {
      if (this.mayClose) return;
      event.preventDefault();
      this.callbacks.onCloseRequested();
    });
    this.window.webContents.on('did-start-loading', () => {
      this.loaded = false;
    });
    this.window.webContents.on('render-process-gone', (_event, details) => {
      this.reloadAfterCrash(details.reason);
    });
    ipcMain.handle(desktopChannels.command, (event, message: unknown) => this.receive(event, message));
  }

  async load(): Promise<void> {
    await this.window.loadURL(APPLICATION_PAGE);
  }

  get isLoaded(): boolean {
    return this.loaded;
  }

  focus(): void {
    if (this.window.isMinimized()) this.window.restore();
    this.window.show();
    this.window.focus();
  }

  /** The page stays as it is, out of sight. */
  hide(): void {
    this.window.hide();
  }

  get isHidden(): boolean {
    return !this.window.isDestroyed() && !this.window.isVisible();
  }

  /** @returns the number of the button */
  async ask(question: MessageBoxOptions): Promise<number> {
    return (await dialog.showMessageBox(this.window, question)).response;
  }

  readonly fileDialogs: FileDialogs = {
    openFile: async (what, defaultPath) => {
      const { filePaths } = await dialog.showOpenDialog(this.window, {
        title: `Open ${what === 'experiment' ? 'an experiment' : 'an allocation problem'}`,
        defaultPath,
        properties: ['openFile'],
        filters: [FILE_KINDS[what], { name: 'All files', extensions: ['*'] }],
      });
      return filePaths[0] ?? null;
    },
    saveFile: async (defaultPath) => {
      const { filePath } = await dialog.showSaveDialog(this.window, {
        title: 'Save the experiment',
        defaultPath,
        filters: [FILE_KINDS.experiment],
      });
      return filePath ? filePath : null;
    },
    confirm: async (message, detail, yes) =>
      (await this.ask({
        type: 'warning',
        title: 'otabench',
        message,
        detail,
        buttons: [yes, 'Cancel'],
        defaultId: 1,
        cancelId: 1,
        noLink: true,
      })) === 0,
  };

  /** Makes a channel and gives its one end to the page. Null while no page listens. */
  offerLivePort(): MessagePortMain | null {
    if (!this.loaded || this.window.isDestroyed()) return null;
    const { port1, port2 } = new MessageChannelMain();
    this.window.webContents.postMessage(desktopChannels.livePort, null, [port2]);
    return port1;
  }

  showHostState(state: HostState): void {
    if (this.loaded && !this.window.isDestroyed()) this.window.webContents.send(desktopChannels.hostState, state);
  }

  /** A message of the host that main refused. */
  showRefusal(reason: string): void {
    if (this.loaded && !this.window.isDestroyed()) this.window.webContents.send(desktopChannels.refusal, reason);
  }

  /** Asks for a file to write; null when the user thinks better of it. */
  async askForFile(title: string, name: string, format: string): Promise<string | null> {
    const { canceled, filePath } = await dialog.showSaveDialog(this.window, {
      title,
      defaultPath: name,
      filters: [{ name: format.toUpperCase(), extensions: [format] }],
      properties: ['createDirectory', 'showOverwriteConfirmation'],
    });
    return canceled || !filePath ? null : filePath;
  }

  /** Result rows the page shows now, as counted in the page itself. */
  async countShownRows(): Promise<number> {
    const count: unknown = await this.window.webContents.executeJavaScript(
      "document.querySelectorAll('#results tbody tr[data-point]').length",
    );
    return typeof count === 'number' ? count : 0;
  }

  destroy(): void {
    this.mayClose = true;
    if (!this.window.isDestroyed()) this.window.destroy();
  }

  private async receive(event: IpcMainInvokeEvent, message: unknown): Promise<unknown> {
    const frame = event.senderFrame;
    if (event.sender !== this.window.webContents || !frame?.url.startsWith(`${APPLICATION_ORIGIN}/`))
      throw new Error('refused: not the application window');
    const parsed = desktopCommandSchema.safeParse(message);
    if (!parsed.success) throw new Error(`refused: ${describeRefusal(parsed.error)}`);
    const command = parsed.data;
    if (command.type === 'window-ready') {
      this.loaded = true;
      return this.callbacks.onReady();
    }
    return this.callbacks.onCommand(command);
  }

  private reloadAfterCrash(reason: string): void {
    if (this.mayClose || reason === 'clean-exit') return;
    const now = Date.now();
    this.reloadTimesMs = this.reloadTimesMs.filter((atMs) => now - atMs < 60_000);
    this.reloadTimesMs.push(now);
    console.error(`otabench: the window's process is gone (${reason})`);
    if (this.reloadTimesMs.length <= RELOADS_PER_MINUTE) this.window.reload();
    else this.callbacks.onCloseRequested();
  }
}
