/** What a model predicts, where the settings do not say. */
import type { ModelSettings } from '../settings.ts';
import type { PredictionPane } from './predictionPane.ts';
import type { PerformanceMetric } from './types.ts';

/** Numbers with more distinct values than this are a regression (docs/design/protocol.md, Values). */
const mostClasses = 20;

/**
 * The metric of a model: by its declared task; else the mean absolute error where most predictions are numbers with more than 20 distinct
 * values, accuracy in all other cases. Depends on the predictions as a set, not on their order.
 */
export function metricOf(task: ModelSettings['task'], panes: readonly PredictionPane[]): PerformanceMetric {
  if (task !== null) return task === 'regression' ? 'mae' : 'accuracy';
  const distinct = new Set<number>();
  let numbers = 0;
  let texts = 0;
  for (const pane of panes) {
    for (let row = 0; row < pane.length; row += 1) {
      if (!pane.counts(row)) continue;
      const prediction = pane.prediction(row);
      if (typeof prediction === 'string') texts += 1;
      else if (prediction !== null) {
        numbers += 1;
        if (distinct.size <= mostClasses) distinct.add(prediction);
      }
    }
  }
  return numbers > texts && distinct.size > mostClasses ? 'mae' : 'accuracy';
}
