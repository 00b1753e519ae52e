/** Colours of canvases, from the style sheet. */

export interface CanvasTheme {
  readonly text: string;
  readonly muted: string;
  readonly grid: string;
  readonly surface: string;
  readonly color: (property: string) => string;
}

export function canvasTheme(): CanvasTheme {
  const style = getComputedStyle(document.documentElement);
  const color = (property: string): string => style.getPropertyValue(property).trim();
  return {
    text: color('--text'),
    muted: color('--muted'),
    grid: color('--grid'),
    surface: color('--surface'),
    color,
  };
}

const QUERIES = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)'];

/** @returns the function that ends it */
export function onThemeChange(listener: () => void): () => void {
  const queries = QUERIES.map((query) => matchMedia(query));
  for (const query of queries) query.addEventListener('change', listener);
  return () => {
    for (const query of queries) query.removeEventListener('change', listener);
  };
}
