/** Words and limits of results-messages.ts that the page needs as well; apart, so that it takes no schemas along. */
export const MOST_ROWS = 200;
export const MOST_RUNS_IN_CHART = 12;
export const TAG_PATTERN = /^[^\s,]{1,40}$/;
export const MOST_TAGS = 20;
export const NOTE_LENGTH = 4000;
export const RUN_STATES = ['done', 'stopped', 'failed', 'running', 'unfinished', 'unreadable'] as const;
export type RunState = (typeof RUN_STATES)[number];
export const RUN_ORDERS = ['started', 'name', 'state', 'trials', 'accuracy'] as const;
export type RunOrder = (typeof RUN_ORDERS)[number];
export const CHART_KINDS = ['accuracy', 'loss'] as const;
export type ChartKind = (typeof CHART_KINDS)[number];
export const ANSWER_FILTERS = ['all', 'right', 'wrong', 'invalid'] as const;
export type AnswerFilter = (typeof ANSWER_FILTERS)[number];
