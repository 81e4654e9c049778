import { canonicalJson } from './canonicalJson.ts';
import { formatDuration } from './duration.ts';
import { ConfigError } from './errors.ts';
import { sha256Hex } from './hashText.ts';
import { type CoreSettings, type ModelSettings, settingsOf, type TopicSource } from './settings.ts';
import { chunkSize } from './summarize/messages.ts';

/** Release of what a cell means: raise it when the same records would give other partials (digest, hash of ids, wire form). */
const cellRelease = 2;

/**
 * Hash of everything in the settings that decides what a cell of a partial means: hop, lateness, sources and their formats, segments, ignored features, caps,
 * the digest engine, and the release. Partials carry it, so that a reader never merges what was summarized under different meanings. What only
 * decides about incidents (alerts, performance thresholds, owners) is left out: changing it keeps all partials valid. The hop stands before it in milliseconds
 * (`300000-1f3a...`): cells of different hops cannot be compared at all, so a reader must know which it has (docs/decisions/0048-one-hop-per-group.md).
 */
export function cellConfigHash(core: CoreSettings): string {
  const meaning = {
    release: cellRelease,
    chunkSize,
    hopMs: core.window.hopMs,
    latenessMs: core.window.latenessMs,
    maxAheadMs: core.window.maxAheadMs,
    predictions: core.predictions.map(sourceMeaning),
    feedback: core.feedback.map(sourceMeaning),
    digest: { engine: core.digest.engine, delta: core.digest.delta },
    limits: { ...core.limits },
    defaults: modelMeaning(core.defaults),
    models: [...core.models.keys()].sort().map((name) => [name, modelMeaning(settingsOf(core, name))]),
  };
  return `${core.window.hopMs}-${sha256Hex(canonicalJson(meaning))}`;
}

/** The hop of cells with this hash, in milliseconds; null where the hash does not say (of a release before hops stood in it, of files). */
export function hopOfCells(configHash: string): number | null {
  const hopMs = Number(/^(\d+)-/.exec(configHash)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(hopMs) && hopMs > 0 ? hopMs : null;
}

/** `ConfigError` where a group has cells of another hop than these settings. */
export function requireHop(core: CoreSettings, configHash: string | null): void {
  const { hopMs } = core.window;
  const foundMs = configHash === null ? null : hopOfCells(configHash);
  if (foundMs === null || foundMs === hopMs) return;
  throw new ConfigError(
    `window.hop: is ${formatDuration(hopMs)}, but the panes of group "${core.group}" are ${formatDuration(foundMs)} long, and panes of two lengths cannot be merged. ` +
      `Put it back to ${formatDuration(foundMs)}, or begin anew under another kafka.group (baselines are then learned anew)`,
  );
}

function sourceMeaning(source: TopicSource): unknown {
  return { topic: source.topic, format: source.format, model: source.model };
}

/** What `shapeOf` reads: declared features keep their place under a cap, the task says whether numbers are classes, the horizon sizes the samples. */
function modelMeaning({ task, ignore, important, sensitive, segments, performance }: ModelSettings): unknown {
  return { task, ignore: [...ignore].sort(), declared: [...important, ...sensitive].sort(), segments, horizonMs: performance.horizonMs };
}
