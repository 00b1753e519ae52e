/** The Results view's model for its components. It outlives the view: one comes back to what one left. */
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { ResultsModel, ResultsState } from './results-model';

const missing: ResultsModel | null = null;
export const ResultsContext = createContext<ResultsModel | null>(missing);

export function useResultsModel(): ResultsModel {
  const model = useContext(ResultsContext);
  if (model === null) throw new Error('no results model around this component');
  return model;
}

export function useResults(): { readonly model: ResultsModel; readonly state: ResultsState } {
  const model = useResultsModel();
  return { model, state: useSyncExternalStore(model.subscribe, model.snapshot) };
}
