/** A key that acts when it is held, not when it is tapped. */

/** Long enough that a tap (closing a menu, leaving a field) is none, short enough for an emergency. */
export const HOLD_MS = 400;

/**
 * From any view and any field.
 * @param showHeld true while the key is down and has not acted yet
 * @returns the function that ends it
 */
export function onHeldKey(key: string, act: () => void, showHeld: (held: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const release = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    showHeld(false);
  };
  const down = (event: KeyboardEvent): void => {
    if (event.key !== key || event.repeat || timer !== null) return;
    showHeld(true);
    timer = setTimeout(() => {
      release();
      act();
    }, HOLD_MS);
  };
  const up = (event: KeyboardEvent): void => {
    if (event.key === key) release();
  };
  window.addEventListener('keydown', down, true);
  window.addEventListener('keyup', up, true);
  // A key that is let go over another window is not heard here.
  window.addEventListener('blur', release);
  return () => {
    release();
    window.removeEventListener('keydown', down, true);
    window.removeEventListener('keyup', up, true);
    window.removeEventListener('blur', release);
  };
}
