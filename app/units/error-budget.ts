/** Parts of a burst's error budget (docs/link.md), in the order in which pictures stack them. */
export const BUDGET_PARTS = ['noise', 'interference', 'nonlinearity', 'phase', 'channel', 'unexplained'] as const;
