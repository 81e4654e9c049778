/**
 * What the picture of a drifting series shows: both distributions, and the effect over time. Computed from the nodes that the detector keeps
 * anyway, when an event is written; nothing is remembered for it, so that a restart draws the same.
 */
import { formatDuration } from '../duration.ts';
import type { Distribution, Picture, PicturePoint } from '../incident/picture.ts';
import { type AlertSettings, stepsPerWindow } from '../settings.ts';
import type { SeriesReference } from './cellFit.ts';
import { categoricalDistribution, numericDistribution, short } from './distributionOf.ts';
import type { Node } from './node.ts';
import { type CellWindow, cellWindow, type WindowEvaluator } from './windowEvaluation.ts';

/** Fewer earlier windows than this tell no story: then spans shorter than the window do. */
const fewestWindows = 4;
/** More than this make no better picture. */
const mostWindows = 24;
/** The spans of the longest scale are thirds of its window: what a decision looks at beside the whole. */
const stepsPerThird = stepsPerWindow / 3;

/** A series of a cell at a moment. `nodes` gives those of one step that end in a stretch of time. */
export interface PicturedSeries {
  readonly nowMs: number;
  readonly series: string;
  readonly version: string | null;
  readonly statistic: string;
  readonly reference: SeriesReference;
  readonly nodes: (stepMs: number, afterMs: number, untilMs: number) => Node[];
}

/** What decided. */
export interface PictureScale {
  readonly scaleMs: number;
  /** All scales: the steps of the longer ones remember the windows before. */
  readonly scalesMs: readonly number[];
  readonly minimumEffect: AlertSettings['minimumEffect'];
  readonly alpha: number;
}

/** The picture of the newest window of a scale. */
export function dataPicture(pictured: PicturedSeries, scale: PictureScale, evaluator: WindowEvaluator): Picture {
  const { nowMs, series, version, statistic, reference, nodes } = pictured;
  const { scaleMs, scalesMs, minimumEffect, alpha } = scale;
  const stepMs = scaleMs / stepsPerWindow;
  const window = cellWindow(scaleMs, Math.floor(nowMs / stepMs) * stepMs, nodes);
  const isRate = statistic === 'miss';
  const seen = evaluator.sighting(window.nodes, series, reference, statistic);
  const tested = evaluator.evaluate(window, series, reference, minimumEffect, alpha);
  // Another statistic may win by now: its limit would be that of another quantity.
  const reach = tested?.statistic === statistic ? Math.sign(seen.effect || 1) * tested.detectable : null;
  const { spanMs, spans } = trail(nowMs, scaleMs, scalesMs);
  return {
    series,
    version,
    statistic,
    measure: isRate ? 'rate' : 'effect',
    span: formatDuration(spanMs),
    points: spans.map(({ endMs, step }): PicturePoint => {
      const end = new Date(endMs).toISOString();
      const { n, effect, expected, observed } = evaluator.sighting(nodes(step, endMs - spanMs, endMs), series, reference, statistic);
      if (n === 0) return { end, value: null, n: 0 };
      return isRate ? { end, value: short(observed), n, expected: short(expected) } : { end, value: short(effect), n };
    }),
    limit: reach === null ? null : short(isRate ? Math.min(1, seen.expected + reach) : reach),
    distribution: isRate ? null : distributionOf(window, series, statistic, reference, evaluator),
    n: seen.n,
    baselineN: isRate ? reference.fitted.rows : reference.fitted.n,
  };
}

interface Span {
  readonly endMs: number;
  /** Step of the nodes that make it up. */
  readonly step: number;
}

/**
 * Spans of equal length up to now whose nodes are all there, ascending: windows of the scale, the earlier ones from the nodes of longer
 * scales; for the longest scale, which nothing remembers longer, thirds of its newest window. Of every step the newest 12 nodes are kept
 * (`CellHistory.expire`), and not one more is looked at here, so that it makes no difference whether an older one is still there.
 */
function trail(nowMs: number, scaleMs: number, scalesMs: readonly number[]): { readonly spanMs: number; readonly spans: readonly Span[] } {
  const own = scaleMs / stepsPerWindow;
  const newestMs = Math.floor(nowMs / own) * own;
  const windows = new Map<number, Span>();
  for (const step of scalesMs.map((longer) => longer / stepsPerWindow)) {
    if (step <= own || scaleMs % step !== 0) continue;
    const lastMs = Math.floor(nowMs / step) * step;
    for (let endMs = lastMs; endMs - scaleMs >= lastMs - stepsPerWindow * step; endMs -= step)
      if (newestMs - endMs >= step / 2 && !windows.has(endMs)) windows.set(endMs, { endMs, step });
  }
  windows.set(newestMs, { endMs: newestMs, step: own });
  const spans = [...windows.values()].sort((left, right) => left.endMs - right.endMs).slice(-mostWindows);
  if (spans.length >= fewestWindows) return { spanMs: scaleMs, spans };
  const thirds: Span[] = [];
  for (let steps = stepsPerWindow - stepsPerThird; steps >= 0; steps--) thirds.push({ endMs: newestMs - steps * own, step: own });
  return { spanMs: stepsPerThird * own, spans: thirds };
}

function distributionOf(
  window: CellWindow,
  series: string,
  statistic: string,
  { fitted, summary: baseline }: SeriesReference,
  evaluator: WindowEvaluator,
): Distribution | null {
  const { numeric, categories } = evaluator.summary(window, series);
  if (fitted.scores.kind === 'numeric') return baseline?.numeric && numeric ? numericDistribution(baseline.numeric, numeric) : null;
  if (!baseline?.categories || !categories) return null;
  const deciding = statistic.startsWith('category:') ? statistic.slice('category:'.length) : null;
  return categoricalDistribution(baseline.categories, categories, deciding);
}
