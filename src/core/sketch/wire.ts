/** The door of the wire format: bytes, series summaries, samples. */
export { ByteReader, ByteWriter, joinBytes } from './bytes.ts';
export { readFeedbackSample, readPredictionSample, writeFeedbackSample, writePredictionSample } from './sampleWire.ts';
export { readSeriesSummary, writeSeriesSummary } from './seriesWire.ts';
export { sketchWireVersion } from './wireVersion.ts';
