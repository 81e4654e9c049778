import { type CoreSettings, settingsOf } from '../settings.ts';
import type { CellSettings } from './cellBuilder.ts';
import { seriesOfFeature } from './seriesNames.ts';

/** What the cells of a model look like: a function of the settings alone. */
export interface ModelShape {
  readonly cell: CellSettings;
  /** Names of the watched segments, in the order of the settings. */
  readonly segments: readonly string[];
  readonly valuesPerSegment: number;
  readonly versionsPerModel: number;
  /** Most entries of a prediction sample of one version. */
  readonly sampleSize: number;
  /** Most entries of a feedback sample: four times as many, so that a prediction in the sample finds its label there. */
  readonly feedbackSampleSize: number;
}

/** Bytes of one entry of a prediction sample: what the budget is divided by. A constant of the wire format. */
const bytesPerSampleEntry = 48;
const largestSample = 65_536;
const feedbackSampleFactor = 4;

/** Shape of the cells of one model. */
export function shapeOf(settings: CoreSettings, model: string): ModelShape {
  const { task, ignore, important, sensitive, segments, performance } = settingsOf(settings, model);
  const { limits, digest, window } = settings;
  const panesInHorizon = Math.max(1, performance.horizonMs / window.hopMs);
  const affordableEntries = Math.floor(limits.bytesPerModel / 2 / panesInHorizon / bytesPerSampleEntry);
  const sampleSize = Math.min(largestSample, Math.max(1, affordableEntries));
  return {
    cell: {
      digest,
      seriesPerModel: limits.seriesPerModel,
      categoriesPerSeries: limits.categoriesPerSeries,
      declared: new Set([...important, ...sensitive].map(seriesOfFeature)),
      ignored: new Set(ignore),
      areNumbersClasses: task === 'binary' || task === 'multiclass',
    },
    segments,
    valuesPerSegment: limits.valuesPerSegment,
    versionsPerModel: limits.versionsPerModel,
    sampleSize,
    feedbackSampleSize: sampleSize * feedbackSampleFactor,
  };
}

/** The shapes of models by name, each made once. Model names come from records: what is remembered stays bounded. */
export function rememberedShapes(settings: CoreSettings): (model: string) => ModelShape {
  const shapes = new Map<string, ModelShape>();
  return (model) => {
    const known = shapes.get(model);
    if (known !== undefined) return known;
    const shape = shapeOf(settings, model);
    if (shapes.size >= 10_000) shapes.clear();
    shapes.set(model, shape);
    return shape;
  };
}
