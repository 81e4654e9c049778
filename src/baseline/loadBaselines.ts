/** The baselines that the settings name files for, ready for the detector: read once, at the start. */
import { completeSpan, type FileBaseline, type FileBaselines, fitFile } from '../core/detect/fileBaseline.ts';
import { ConfigError, InputError } from '../core/errors.ts';
import { type CoreSettings, settingsOf, type TopicSource } from '../core/settings.ts';
import { type BaselineReading, type BaselineRows, readBaselineRows } from './baselineRows.ts';

export interface LoadedBaselines {
  readonly baselines: FileBaselines;
  /** One sentence for a person about each baseline: what was read, what was left out. */
  readonly notes: readonly string[];
}

/**
 * Reads all baseline files of the settings. A file under `baseline` serves every model that its rows name; one under `models.NAME` that model,
 * whose name its rows may leave out.
 * @throws ConfigError, or InputError naming the key, the file and what was expected: where a file cannot be read or has no usable row of a
 * model that it was named for.
 */
export async function loadBaselines(settings: CoreSettings): Promise<LoadedBaselines> {
  const [topic] = settings.predictions;
  const baselines = new Map<string, FileBaseline>();
  const notes: string[] = [];
  if (topic === undefined) return { baselines, notes };
  const readings = new Map<string, BaselineRows>();
  const shared = async (key: string, path: string): Promise<BaselineRows> => {
    const known = readings.get(path);
    if (known !== undefined) return known;
    const isWanted = (model: string) => pathOf(settings, model) === path;
    const rows = await read(key, { path, source: topic, modelOfNone: null, isWanted, settings });
    readings.set(path, rows);
    return rows;
  };
  const take = (model: string, key: string, path: string, rows: BaselineRows) => {
    const { baseline, note } = fitted(model, key, path, rows, settings);
    baselines.set(model, baseline);
    notes.push(note);
  };
  for (const name of [...settings.models.keys()].sort()) {
    const path = pathOf(settings, name);
    if (path === null) continue;
    const key = `models.${name}.baseline.path`;
    let rows = await shared(key, path);
    if (!rows.models.has(name)) {
      // Its rows name no model, or the first topic's entry names another one for all of them.
      const source = sourceOf(settings, topic, name);
      rows = await read(key, { path, source, modelOfNone: name, isWanted: (model) => model === name, settings });
    }
    take(name, key, path, rows);
  }
  const { baseline } = settings.defaults;
  if (baseline.kind === 'file') {
    const key = 'baseline.path';
    const rows = await shared(key, baseline.path);
    const others = [...rows.models.keys()].filter((model) => !baselines.has(model)).sort();
    for (const model of others) take(model, key, baseline.path, rows);
    if (baselines.size === 0) throw withoutRows(key, baseline.path, null, rows);
  }
  return { baselines, notes };
}

function pathOf(settings: CoreSettings, model: string): string | null {
  const { baseline } = settingsOf(settings, model);
  return baseline.kind === 'file' ? baseline.path : null;
}

/** The entry that gives its records this model, else the first one without a model of its own. */
function sourceOf({ predictions }: CoreSettings, first: TopicSource, model: string): TopicSource {
  return predictions.find((source) => source.model === model) ?? { ...first, model: null };
}

async function read(key: string, reading: BaselineReading): Promise<BaselineRows> {
  if (reading.path === '-') throw new ConfigError(`${key}: is "-"; expected the name of a file, which every start can read again`);
  try {
    return await readBaselineRows(reading);
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new InputError(`${key}: ${cause.message}`, { cause });
  }
}

function fitted(
  model: string,
  key: string,
  path: string,
  rows: BaselineRows,
  settings: CoreSettings,
): { readonly baseline: FileBaseline; readonly note: string } {
  const own = rows.models.get(model);
  if (own === undefined) throw withoutRows(key, path, model, rows);
  const baseline = fitFile(model, own.partials, own.span, rows.hash, settings);
  if (baseline === null) {
    const { startMs, endMs } = completeSpan(own.span ?? { firstMs: 0, lastMs: 0 }, settings);
    throw new InputError(
      `${key}: ${path}: the ${own.rows} rows of model ${model} go from ${iso(startMs)} (first complete hour) to ${iso(endMs)}; ` +
        'expected whole days of 24 h, at least one, or rows without ts',
    );
  }
  const times =
    own.span === null
      ? 'without times: their variation is learned from the first 3 live days'
      : `from ${iso(own.span.firstMs)} to ${iso(own.span.lastMs)}`;
  const left = [
    ...(rows.otherRows > 0 ? [`${rows.otherRows} rows of other models are left out`] : []),
    ...(rows.invalidRows > 0 ? [`${rows.invalidRows} rows are invalid (${rows.firstProblem})`] : []),
  ];
  return { baseline, note: `baseline of ${model}: ${own.rows} rows of ${path}, ${[times, ...left].join('; ')}` };
}

function withoutRows(key: string, path: string, model: string | null, rows: BaselineRows): InputError {
  const found = [
    `${rows.otherRows + [...rows.models.values()].reduce((sum, one) => sum + one.rows, 0)} usable rows of other models`,
    `${rows.invalidRows} invalid rows${rows.firstProblem === null ? '' : ` (${rows.firstProblem})`}`,
  ];
  return new InputError(
    `${key}: ${path}: has no usable row${model === null ? '' : ` of model ${model}`}, but ${found.join(' and ')}; ` +
      'expected the format of predictions, with the model under "model"; or set baseline.kind to first',
  );
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
