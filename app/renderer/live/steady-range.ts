/** An axis that follows its data without trembling: it widens at once and narrows only when much of it is empty. */
export class SteadyRange {
  private range: { min: number; max: number } | null = null;

  /** @param step bounds are multiples of it; @param leastSpan at least this much is shown */
  constructor(
    private readonly step: number,
    private readonly leastSpan: number,
  ) {}

  /** @returns bounds that hold everything from low to high */
  follow(low: number, high: number): { readonly min: number; readonly max: number } {
    if (!Number.isFinite(low) || !Number.isFinite(high)) return this.range ?? { min: 0, max: this.leastSpan };
    const fitted = this.fit(low, high);
    const before = this.range;
    const holds = before !== null && before.min <= low && before.max >= high;
    const tooWide = before !== null && before.max - before.min > fitted.max - fitted.min + 2 * this.step;
    if (!holds || tooWide) this.range = fitted;
    return this.range ?? fitted;
  }

  private fit(low: number, high: number): { min: number; max: number } {
    const min = Math.floor(low / this.step) * this.step;
    const max = Math.ceil(high / this.step) * this.step;
    // What is missing to the least span goes half below, half above.
    const missing = Math.max(0, Math.ceil((this.leastSpan - (max - min)) / this.step));
    const below = Math.floor(missing / 2);
    return { min: min - below * this.step, max: max + (missing - below) * this.step };
  }
}
