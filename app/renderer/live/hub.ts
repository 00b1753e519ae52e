/**
 * Views from the host to whoever paints them, outside of the page's state: a view is painted in the frame after it came,
 * and the host is told once it is on the screen. What is kept is bounded, so an hour of views takes no more memory than a
 * minute.
 */
import { createContext } from 'react';
import type { OtabenchApi } from '../../ipc/desktop-api';
import type { HostEvent } from '../../ipc/host-messages';
import type { LiveBurst, LiveSpectrum, LiveUser } from '../../ipc/live-messages';

type LiveEvent = Extract<HostEvent, { type: 'live' }>;

/** One point of the course of the SNR: the newest burst of a view. */
export interface SnrMoment {
  readonly atMs: number;
  readonly estimatesDb: LiveBurst['estimatesDb'];
}

export interface UserCourse {
  readonly user: string;
  burst: LiveBurst | null;
  errorBudget: LiveUser['errorBudget'];
  /** Of the run. */
  burstsSent: number;
  burstsReceived: number;
  /** Oldest first; at most COURSE_POINTS within COURSE_S. */
  readonly course: SnrMoment[];
}

export const COURSE_S = 20;
const COURSE_POINTS = 400;
const LATENCIES = 400;

export interface Painter {
  /** Everything that is known; `spectrum` is null where the newest view had none. */
  paint(hub: LiveHub, spectrum: LiveSpectrum | null): void;
  /** What was shown belongs to a run that is not shown any more. */
  clear(): void;
}

export class LiveHub {
  readonly users = new Map<string, UserCourse>();
  viewsShown = 0;
  /** Time of day of the newest view, by the host; null before the first. */
  newestMs: number | null = null;
  private pending: { event: LiveEvent; spectrum: LiveSpectrum | null } | null = null;
  private painter: Painter | null = null;
  private readonly latenciesMs: number[] = [];
  private watching = false;

  constructor(private readonly api: OtabenchApi) {}

  /** Asks for views (or for no more of them), now and whenever a host is new. */
  watch(on: boolean): void {
    this.watching = on;
    this.api.watchLive(on);
  }

  hostIsNew(): void {
    if (this.watching) this.api.watchLive(true);
  }

  /** What was shown of a run is not the next one's. */
  runIsNew(): void {
    this.users.clear();
    this.newestMs = null;
    this.viewsShown = 0;
    this.latenciesMs.length = 0;
    this.painter?.clear();
  }

  setPainter(painter: Painter | null): void {
    this.painter = painter;
  }

  take(event: LiveEvent): void {
    this.newestMs = event.sentAtMs;
    for (const user of event.view.users) this.takeUser(user, event.sentAtMs);
    const isFirst = this.pending === null;
    // The waterfall's line comes from the newest spectrum; a view without one does not take it away.
    this.pending = { event, spectrum: event.view.spectrum ?? this.pending?.spectrum ?? null };
    if (isFirst) requestAnimationFrame(() => this.draw());
  }

  private takeUser({ user, burst, errorBudget, burstsSent, burstsReceived }: LiveUser, atMs: number): void {
    let own = this.users.get(user);
    if (own === undefined)
      this.users.set(user, (own = { user, burst, errorBudget, burstsSent: 0, burstsReceived: 0, course: [] }));
    own.burst = burst ?? own.burst;
    own.errorBudget = errorBudget ?? own.errorBudget;
    own.burstsSent += burstsSent;
    own.burstsReceived += burstsReceived;
    if (burst === null) return;
    own.course.push({ atMs, estimatesDb: burst.estimatesDb });
    const tooOld = own.course.findIndex((moment) => moment.atMs >= atMs - COURSE_S * 1000);
    own.course.splice(0, Math.max(tooOld, own.course.length - COURSE_POINTS));
  }

  private draw(): void {
    const { pending } = this;
    this.pending = null;
    if (pending === null) return;
    const { sequence, sentAtMs } = pending.event;
    this.painter?.paint(this, pending.spectrum);
    this.viewsShown++;
    // The next frame begins when this one is on the screen.
    requestAnimationFrame(() => {
      this.latenciesMs.push(Date.now() - sentAtMs);
      if (this.latenciesMs.length > LATENCIES) this.latenciesMs.shift();
      this.api.liveDrawn(sequence);
    });
  }

  /** From the host's sending to the screen, of the newest 400 views, ms; null before the first. */
  latencyMs(): { readonly median: number; readonly p95: number } | null {
    const sorted = [...this.latenciesMs].sort((a, b) => a - b);
    const at = (share: number): number | undefined =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
    const [median, p95] = [at(0.5), at(0.95)];
    return median === undefined || p95 === undefined ? null : { median, p95 };
  }
}

const missing: LiveHub | null = null;
export const LiveHubContext = createContext<LiveHub | null>(missing);
