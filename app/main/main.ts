/** Electron's main process: one window, one supervised host. No samples, no models, no live data pass here. */
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { app, dialog, Menu, Notification, shell, type MessagePortMain } from 'electron';
import type { HostState } from '../ipc/desktop-messages';
import type { HostEvent } from '../ipc/host-messages';
import { CLOSE_ANSWERS, closeQuestion, TrayMark, type RunInBackground } from './background';
import { ExperimentFiles } from './experiment-files';
import { utilityHostLauncher } from './host-launcher';
import { HostSupervisor } from './host-supervisor';
import { HostTasks } from './host-tasks';
import { applicationMenu } from './menu';
import { parseOptions, type DesktopOptions } from './options';
import { ReportRegister } from './reports';
import { lockDownContents, lockDownSession, registerApplicationScheme } from './security';
import { SmokeRun } from './smoke-run';
import { StopEverything, terminateProcess } from './stop-everything';
import { DesktopWindow, type WindowCommand } from './window';

type Progress = Extract<HostEvent, { type: 'progress' }>;

class Desktop {
  private readonly reports = new ReportRegister();
  private readonly supervisor: HostSupervisor<MessagePortMain>;
  private readonly window: DesktopWindow;
  private readonly stopEverything = new StopEverything(() => {
    // What has not begun yet shall not begin either.
    this.autorunPending = false;
    this.supervisor.post({ type: 'stop-run' });
  }, terminateProcess);
  private readonly tasks = new HostTasks(
    (command) => this.supervisor.post(command),
    (title, name, format) => this.window.askForFile(title, name, format),
  );
  private readonly smokeRun: SmokeRun | null;
  private readonly experimentFile: string;
  private readonly files: ExperimentFiles;
  private readonly tray = new TrayMark({
    show: () => this.show(),
    stopEverything: () => this.stopEverything.stop(),
    quit: () => void this.quit(0),
  });
  /** What goes on, as the host said last. */
  private run: RunInBackground | null = null;
  private asking = false;
  private autorunPending: boolean;
  private quitting = false;

  constructor(options: DesktopOptions, applicationFolder: string, hostFile: string) {
    this.experimentFile = path.resolve(filesFolder(applicationFolder), options.experimentFile);
    this.autorunPending = options.autorun;
    this.window = new DesktopWindow(applicationFolder, {
      onReady: () => {
        const autorun = this.autorunPending;
        this.attachWindow();
        this.startFirstRun();
        return {
          applicationVersion: app.getVersion(),
          experimentFile: this.experimentFile,
          autorun,
          document: this.files.openFirst(this.experimentFile),
          firstStart: !existsSync(startedMark()),
          hostState: this.supervisor.state,
        };
      },
      onCommand: (command) => this.obey(command),
      onCloseRequested: () => {
        if (this.smokeRun === null) void this.closeAsked();
        else void this.quit(0);
      },
    });
    this.files = new ExperimentFiles(
      path.join(filesFolder(applicationFolder), 'experiments'),
      workFolder(),
      this.window.fileDialogs,
    );
    this.smokeRun = options.smokeRun
      ? new SmokeRun(
          () => this.window.countShownRows(),
          (exitCode) => void this.quit(exitCode),
        )
      : null;
    this.supervisor = new HostSupervisor(utilityHostLauncher(hostFile, workFolder()), {
      onSpawn: () => {
        this.attachWindow();
      },
      onState: (state) => {
        this.hostChanged(state);
      },
      onEvent: (event) => {
        this.hostSaid(event);
      },
      onRefused: (reason) => {
        console.error(`otabench: refused a message of the host: ${reason}`);
        this.window.showRefusal(reason);
      },
    });
  }

  async open(): Promise<void> {
    this.supervisor.start();
    await this.window.load();
  }

  /** Also out of the background. */
  show(): void {
    this.tray.remove();
    this.window.focus();
  }

  private async obey(command: WindowCommand): Promise<unknown> {
    switch (command.type) {
      case 'restart-host':
        return this.supervisor.restart();
      case 'stop-everything':
        return this.stopEverything.stop();
      case 'open-report':
        return openFile(this.reports.find(command.run));
      case 'open-run-report':
        return openFile(await this.tasks.makeReport(command.run));
      case 'export-results':
        return this.tasks.exportResults(command.request);
      case 'list-presets':
        return this.files.presets();
      case 'open-preset':
        return this.files.openPreset(command.name);
      case 'open-experiment':
        return this.files.open();
      case 'save-experiment':
        return this.files.save(command.text, command.as);
      case 'open-problem':
        return this.files.openProblem();
      case 'set-edited':
        this.files.edited = command.edited;
        return null;
    }
  }

  /** The window is to be closed: not before the user has said what becomes of the run, and of what is not saved. */
  private async closeAsked(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      if (this.run !== null) {
        const answer = CLOSE_ANSWERS[await this.window.ask(closeQuestion(this.run))];
        if (answer === 'Leave it running') return this.leaveRunning();
        if (answer !== 'Stop it and quit') return;
      }
      if (await this.files.mayLeave()) await this.quit(0);
    } finally {
      this.asking = false;
    }
  }

  private leaveRunning(): void {
    this.window.hide();
    this.markTray(this.run === null ? 'no run' : `${this.run.name} is running`);
  }

  private markTray(text: string): void {
    if (this.window.isHidden) this.tray.show(text, this.run !== null);
  }

  /** The host ends its run and closes its run folder, then the window goes. */
  async quit(exitCode: number): Promise<void> {
    if (this.quitting) return;
    this.quitting = true;
    await this.supervisor.shutdown();
    this.tray.remove();
    this.window.destroy();
    app.exit(exitCode);
  }

  private attachWindow(): void {
    const { phase, pid } = this.supervisor.state;
    if (pid === null || phase === 'stopping') return;
    const port = this.window.offerLivePort();
    if (port) this.supervisor.post({ type: 'attach-window' }, [port]);
  }

  private hostChanged(state: HostState): void {
    this.window.showHostState(state);
    if (state.phase === 'ended' || state.phase === 'failed') {
      this.stopEverything.hostEnded();
      this.tasks.hostEnded();
      if (this.run !== null) this.runEnded(`${this.run.name} was lost with the host; it can be resumed`);
    }
    this.smokeRun?.hostChanged(state);
  }

  private hostSaid(event: HostEvent): void {
    if (event.type === 'ready') this.startFirstRun();
    else if (event.type === 'task-done') this.tasks.done(event);
    else if (event.type === 'run-started') {
      this.autorunPending = false;
      this.run = { name: event.name, simulated: event.simulated };
      noteStarted();
    } else if (event.type === 'run-finished') {
      if (event.reportFile) this.reports.announce(event.run, event.reportFile);
      this.runEnded(`${this.run?.name ?? 'the run'}: ${event.outcome}`);
    } else if (event.type === 'progress') this.markTray(progressText(this.run?.name ?? 'run', event));
    this.stopEverything.hostSaid(event);
    this.smokeRun?.hostSaid(event);
  }

  private runEnded(text: string): void {
    this.run = null;
    this.markTray(text);
    if (this.window.isHidden && Notification.isSupported())
      new Notification({ title: 'otabench', body: `${text}. Transmitter off.` }).show();
  }

  /** Once per start of the application, when both host and window are there; never after a restart of the host. */
  private startFirstRun(): void {
    if (!this.autorunPending || this.supervisor.state.phase !== 'ready' || !this.window.isLoaded) return;
    this.autorunPending = false;
    this.supervisor.post({ type: 'start-run', experimentFile: this.experimentFile });
  }
}

async function openFile(report: string): Promise<void> {
  const failure = await shell.openPath(report);
  if (failure) throw new Error(`the report cannot be opened: ${failure}`);
}

/**
 * Where the host and all that it reads lies. In a package that is beside the archive, not in it: native code (ONNX,
 * SoapySDR's module loader) cannot read an archive.
 */
function filesFolder(applicationFolder: string): string {
  return applicationFolder.endsWith('.asar') ? `${applicationFolder}.unpacked` : applicationFolder;
}

/** Run folders land under it. A package is started from anywhere, also from where nothing may be written. */
function workFolder(): string {
  if (!app.isPackaged) return process.cwd();
  const folder = path.join(app.getPath('documents'), 'otabench');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Is there once a run has been started from this desktop. */
function startedMark(): string {
  return path.join(app.getPath('userData'), 'has-run');
}

function noteStarted(): void {
  try {
    writeFileSync(startedMark(), '');
  } catch {
    // The first start is then offered again.
  }
}

function progressText(name: string, { trialsDone, trialsTotal, pause }: Progress): string {
  const share = trialsTotal > 0 ? Math.floor((100 * trialsDone) / trialsTotal) : 0;
  return `${name} ${share} %${pause === 'no' ? '' : ', paused'}`;
}

function fail(message: string): void {
  console.error(`otabench: ${message}`);
  app.exit(2);
}

async function main(): Promise<void> {
  const applicationFolder = app.getAppPath();
  const options = parseOptions(process.argv.slice(1), app.isPackaged);
  const hostFile = path.resolve(options.hostFile ?? path.join(filesFolder(applicationFolder), 'dist/app/host/main.js'));
  if (!existsSync(hostFile)) throw new Error(`${hostFile} is not there; run: npm run build`);
  // A smoke run stands beside a desktop that is open already.
  if (options.smokeRun) app.setPath('userData', mkdtempSync(path.join(os.tmpdir(), 'otabench-smoke-')));
  if (!app.requestSingleInstanceLock()) throw new Error('already open: its window has been brought to the front');

  registerApplicationScheme();
  app.on('web-contents-created', (_event, contents) => {
    lockDownContents(contents);
  });
  await app.whenReady();
  lockDownSession(path.join(applicationFolder, 'dist/app/renderer'));
  Menu.setApplicationMenu(applicationMenu());

  const desktop = new Desktop(options, applicationFolder, hostFile);
  app.on('second-instance', () => {
    desktop.show();
  });
  // Every way out (menu, signal, session end) goes through the clean shutdown of the host.
  app.on('before-quit', (event) => {
    event.preventDefault();
    void desktop.quit(0);
  });
  await desktop.open();
}

process.on('uncaughtException', (error) => {
  console.error(error);
  const unattended = !app.isReady() || process.argv.includes('--smoke-run');
  if (unattended) app.exit(1);
  else dialog.showErrorBox('otabench: an error in the main process', error.message);
});
main().catch((error: unknown) => {
  fail(error instanceof Error ? error.message : String(error));
});
