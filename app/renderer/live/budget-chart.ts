/** Error budgets of the users: stacked shares of each one's token error. */
import type * as ChartLibrary from 'chart.js' with { 'resolution-mode': 'import' };
import { BUDGET_PARTS } from '../../units/error-budget';
import type { UserCourse } from './hub';
import { canvasTheme } from './theme';

export class BudgetChart {
  private readonly chart: ChartLibrary.Chart<'bar', number[], string>;

  constructor(library: typeof ChartLibrary, canvas: HTMLCanvasElement) {
    const { BarController, BarElement, CategoryScale, LinearScale } = library;
    library.Chart.register(BarController, BarElement, CategoryScale, LinearScale);
    this.chart = new library.Chart(canvas, {
      type: 'bar',
      data: { labels: [], datasets: [] },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        events: [],
        indexAxis: 'y',
        scales: { x: { stacked: true, min: 0, max: 100 }, y: { stacked: true } },
        plugins: { legend: { display: false }, tooltip: { enabled: false } },
      },
    });
    this.paintTheme();
  }

  destroy(): void {
    this.chart.destroy();
  }

  paintTheme(): void {
    const theme = canvasTheme();
    const before = this.chart.data.datasets;
    this.chart.data.datasets = BUDGET_PARTS.map((part, index) => ({
      label: part,
      data: before[index]?.data ?? [],
      backgroundColor: theme.color(`--budget-${part}`),
      borderColor: theme.surface,
      borderWidth: 1,
      barPercentage: 0.85,
      categoryPercentage: 0.9,
    }));
    const { x, y } = this.chart.options.scales ?? {};
    for (const scale of [x, y])
      if (scale)
        Object.assign(scale, {
          grid: { color: theme.grid, display: scale === x },
          border: { color: theme.muted },
          ticks: { color: theme.muted, font: { size: 10 } },
        });
    if (x && 'title' in x)
      x.title = { display: true, text: 'Share of the token error, %', color: theme.text, font: { size: 11 } };
    this.chart.update('none');
  }

  draw(users: readonly UserCourse[]): void {
    this.chart.data.labels = users.map(({ user }) => user);
    BUDGET_PARTS.forEach((part, index) => {
      const dataset = this.chart.data.datasets[index];
      if (dataset === undefined) return;
      dataset.data = users.map(({ errorBudget }) => budgetShares(errorBudget?.parts ?? null)?.[part] ?? 0);
    });
    this.chart.update('none');
  }
}

type Parts = NonNullable<UserCourse['errorBudget']>['parts'];

/** Percent of the measured error by part; null without an error. Parts may exceed it, and the rest then is below zero. */
export function budgetShares(parts: Parts | null): Record<(typeof BUDGET_PARTS)[number], number> | null {
  if (parts === null || parts.measured <= 0) return null;
  const share = (part: (typeof BUDGET_PARTS)[number]): number => (100 * parts[part]) / parts.measured;
  return Object.fromEntries(BUDGET_PARTS.map((part) => [part, share(part)])) as ReturnType<typeof budgetShares>;
}
