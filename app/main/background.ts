/** A run without a window: the question when the window is closed, and the mark in the tray. */
import { Menu, nativeImage, Tray, type NativeImage } from 'electron';

/** A run that main knows of. */
export interface RunInBackground {
  readonly name: string;
  readonly simulated: boolean;
}

export const CLOSE_ANSWERS = ['Leave it running', 'Stop it and quit', 'Cancel'] as const;

/** What the user is asked who closes the window while a run goes on. The last answer is that of Escape. */
export function closeQuestion({ name, simulated }: RunInBackground): Electron.MessageBoxOptions {
  const air = simulated ? 'twins go on sending over simulated air' : 'the radios go on TRANSMITTING';
  return {
    type: 'question',
    title: 'otabench',
    message: `${name} is still running.`,
    detail:
      `Left running, ${air}, without a window. Starting otabench again brings the window back, and so does the mark in ` +
      'the tray, which can also stop everything. A radio still stops by itself 0.5 s after the host falls silent, and ' +
      'nothing that has stopped resumes by itself.\n\nStopped, the run can be resumed later.',
    buttons: [...CLOSE_ANSWERS],
    defaultId: 0,
    cancelId: CLOSE_ANSWERS.length - 1,
    noLink: true,
  };
}

export interface BackgroundActions {
  show(): void;
  stopEverything(): void;
  quit(): void;
}

/** Shown while the window is not. Where a desktop has no tray, a second start brings the window back. */
export class TrayMark {
  private tray: Tray | null = null;
  private text = '';

  constructor(private readonly actions: BackgroundActions) {}

  show(text: string, running: boolean): void {
    try {
      if (this.tray === null) {
        this.tray = new Tray(disc(running));
        this.tray.on('click', () => this.actions.show());
      }
      if (text === this.text) return;
      this.text = text;
      this.tray.setImage(disc(running));
      this.tray.setToolTip(`otabench: ${text}`);
      this.tray.setContextMenu(
        Menu.buildFromTemplate([
          { label: text, enabled: false },
          { type: 'separator' },
          { label: 'Show the window', click: () => this.actions.show() },
          { label: 'Stop everything', enabled: running, click: () => this.actions.stopEverything() },
          { label: 'Quit', click: () => this.actions.quit() },
        ]),
      );
    } catch (error) {
      console.error(`otabench: no mark in the tray: ${String(error)}`);
    }
  }

  remove(): void {
    this.tray?.destroy();
    this.tray = null;
    this.text = '';
  }
}

const ICON_PX = 32;
const RUNNING_BGRA = [0x1c, 0x28, 0xc4, 0xff] as const;
const IDLE_BGRA = [0x8c, 0x80, 0x78, 0xff] as const;

function disc(running: boolean): NativeImage {
  const pixels = Buffer.alloc(ICON_PX * ICON_PX * 4);
  const center = (ICON_PX - 1) / 2;
  for (let y = 0; y < ICON_PX; y++)
    for (let x = 0; x < ICON_PX; x++)
      if (Math.hypot(x - center, y - center) < ICON_PX * 0.42)
        pixels.set(running ? RUNNING_BGRA : IDLE_BGRA, (y * ICON_PX + x) * 4);
  return nativeImage.createFromBitmap(pixels, { width: ICON_PX, height: ICON_PX });
}
