/**
 * From radio processes to windows: views, faults, sensors, identities. A window says when it has drawn a view and gets
 * the newest one then, so a slow window costs views and nothing else; radios make views only while a window wants them.
 */
import type { HostEvent } from '../ipc/host-messages';
import type { Health, LiveView, RadioDetails, RadioHealth } from '../ipc/live-messages';
import type { Bench } from '../link/types';

export interface LiveWindow {
  post(event: HostEvent): void;
}

interface Watcher {
  /** Sent and not drawn yet. */
  outstanding: boolean;
  waiting: LiveView | null;
}

const keyOf = ({ driver, serial }: { driver: string; serial: string }): string => `${driver} ${serial}`;

export class LiveFeed {
  private readonly windows = new Set<LiveWindow>();
  private readonly watchers = new Map<LiveWindow, Watcher>();
  private benches: { readonly bench: Bench; radios: readonly RadioHealth[] }[] = [];
  private details = new Map<string, RadioDetails>();
  private sequence = 0;

  /** @param tell sends an event to every window */
  constructor(
    private readonly tell: (event: HostEvent) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** A run begins: what was known of the last one's radios is forgotten, of others it stays. */
  begin(): void {
    this.benches = [];
  }

  add(bench: Bench): void {
    const own: (typeof this.benches)[number] = { bench, radios: [] };
    this.benches.push(own);
    bench.observe?.({
      view: (view) => this.takeView(view),
      health: (health) => {
        own.radios = health.radios;
        this.takeHealth(health);
      },
    });
    bench.watch?.(this.wanted());
    this.addDetails(bench.details ?? []);
  }

  addDetails(details: readonly RadioDetails[]): void {
    for (const one of details) this.details.set(keyOf(one), one);
    if (details.length > 0) this.tell({ type: 'radio-details', radios: [...details] });
  }

  /** A window wants sensors from now on, and hears what it has missed. */
  attach(window: LiveWindow): void {
    this.change(() => this.windows.add(window));
    if (this.details.size > 0) window.post({ type: 'radio-details', radios: [...this.details.values()] });
    const radios = this.radios();
    if (radios.length > 0) window.post({ type: 'health', radios, events: [], eventsLeftOut: 0 });
  }

  detach(window: LiveWindow): void {
    this.change(() => {
      this.windows.delete(window);
      this.watchers.delete(window);
    });
  }

  watch(window: LiveWindow, on: boolean): void {
    this.change(() => {
      if (on) this.watchers.set(window, { outstanding: false, waiting: null });
      else this.watchers.delete(window);
    });
  }

  private wanted(): { views: boolean; sensors: boolean } {
    return { views: this.watchers.size > 0, sensors: this.windows.size > 0 };
  }

  private change(alter: () => void): void {
    const before = this.wanted();
    alter();
    const after = this.wanted();
    if (before.views === after.views && before.sensors === after.sensors) return;
    for (const { bench } of this.benches) bench.watch?.(after);
  }

  drawn(window: LiveWindow): void {
    const watcher = this.watchers.get(window);
    if (watcher === undefined) return;
    watcher.outstanding = false;
    if (watcher.waiting !== null) this.send(window, watcher, watcher.waiting);
  }

  private takeView(view: LiveView): void {
    for (const [window, watcher] of this.watchers)
      if (watcher.outstanding) watcher.waiting = view;
      else this.send(window, watcher, view);
  }

  private send(window: LiveWindow, watcher: Watcher, view: LiveView): void {
    watcher.outstanding = true;
    watcher.waiting = null;
    window.post({ type: 'live', sequence: ++this.sequence, sentAtMs: this.now(), view });
  }

  private takeHealth({ events, eventsLeftOut }: Health): void {
    this.tell({ type: 'health', radios: this.radios(), events, eventsLeftOut });
  }

  /** Each radio once: several radio processes of a run may have one of the same name, each with an air of its own. */
  private radios(): RadioHealth[] {
    const merged = new Map<string, RadioHealth>();
    for (const { radios } of this.benches)
      for (const radio of radios) {
        const before = merged.get(keyOf(radio));
        const faults = { ...radio.faults };
        for (const kind of Object.keys(before?.faults ?? {}) as (keyof typeof faults)[])
          faults[kind] = (faults[kind] ?? 0) + (before?.faults[kind] ?? 0);
        merged.set(keyOf(radio), { ...radio, faults, sensors: radio.sensors ?? before?.sensors ?? null });
      }
    return [...merged.values()];
  }
}
