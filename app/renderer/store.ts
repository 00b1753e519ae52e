/** The one state of the page. However many changes come between two frames, the newest state alone is shown. */
import { createContext, useContext, useSyncExternalStore } from 'react';
import { initialState, type ViewState } from './state';

export class Store {
  private state = initialState;
  private shown = initialState;
  private pending = false;
  private readonly listeners = new Set<() => void>();

  change(transform: (before: ViewState) => ViewState): void {
    this.state = transform(this.state);
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.shown = this.state;
      for (const listener of this.listeners) listener();
    });
  }

  /** With every change so far, shown or not. */
  get newest(): ViewState {
    return this.state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): ViewState => this.shown;
}

export const StoreContext = createContext<Store>(new Store());

export function useViewState(): ViewState {
  const store = useContext(StoreContext);
  return useSyncExternalStore(store.subscribe, store.snapshot);
}
