/** Where a run waits while it is paused: before every trial that it hands to a radio. */
export class PauseGate {
  private readonly waiting: { readonly go: () => void; readonly refuse: (reason: Error) => void }[] = [];
  private shutAtMs: number | null = null;
  private shutBeforeMs = 0;
  private ended: Error | null = null;

  /** @param now milliseconds, of the same clock as `shutMs` is asked with */
  constructor(private readonly now: () => number = Date.now) {}

  get isShut(): boolean {
    return this.shutAtMs !== null;
  }

  /** How long it has been shut in all, ms. */
  shutMs(nowMs: number): number {
    return this.shutBeforeMs + (this.shutAtMs === null ? 0 : nowMs - this.shutAtMs);
  }

  shut(): void {
    if (this.ended === null) this.shutAtMs ??= this.now();
  }

  open(): void {
    this.leaveShut();
    for (const { go } of this.waiting.splice(0)) go();
  }

  /** The run is over: nobody passes any more, and who waits is told why. */
  end(reason: Error): void {
    this.ended ??= reason;
    this.leaveShut();
    for (const { refuse } of this.waiting.splice(0)) refuse(this.ended);
  }

  /** @throws the reason given to `end` */
  async pass(): Promise<void> {
    while (this.ended === null && this.isShut)
      await new Promise<void>((go, refuse) => this.waiting.push({ go, refuse }));
    if (this.ended !== null) throw this.ended;
  }

  private leaveShut(): void {
    if (this.shutAtMs === null) return;
    this.shutBeforeMs += this.now() - this.shutAtMs;
    this.shutAtMs = null;
  }
}
