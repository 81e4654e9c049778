import { canonicalJson } from './canonicalJson.ts';
import { sha256Hex } from './hashText.ts';
import { type CoreSettings, type ModelSettings, settingsOf, type TopicSource } from './settings.ts';
import { chunkSize } from './summarize/messages.ts';

/** Release of what a cell means: raise it when the same records would give other partials (digest, hash of ids, wire form). */
const cellRelease = 1;

/**
 * Hash of everything in the settings that decides what a cell of a partial means: hop, lateness, sources and their formats, segments, ignored features, caps,
 * the digest engine, and the release. Partials carry it, so that a reader never merges what was summarized under different meanings. What only
 * decides about incidents (alerts, performance thresholds, owners) is left out: changing it keeps all partials valid.
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
  return sha256Hex(canonicalJson(meaning));
}

function sourceMeaning(source: TopicSource): unknown {
  return { topic: source.topic, format: source.format, model: source.model };
}

/** What `shapeOf` reads: declared features keep their place under a cap, the task says whether numbers are classes, the horizon sizes the samples. */
function modelMeaning({ task, ignore, important, sensitive, segments, performance }: ModelSettings): unknown {
  return { task, ignore: [...ignore].sort(), declared: [...important, ...sensitive].sort(), segments, horizonMs: performance.horizonMs };
}
