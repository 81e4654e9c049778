/** One configuration from files, environment and flags. Later wins: defaults, files in their order, environment, `--set`. */
import type { CoreSettings, ModelSettings, TopicSource } from '../core/settings.ts';
import type { SourceRole } from '../core/summarize/messages.ts';
import type { Config } from './config.ts';
import { contradictions } from './contradictions.ts';
import { type Environment, environmentLayer, flagsLayer } from './environment.ts';
import { type Problem, raiseProblems, shownValue } from './problems.ts';
import { isRawList, isRawMap, lookUp, mergeRaw, plainOf, type RawMap, type RawNode } from './rawTree.ts';
import { entryKeys, modelKeys, perModel, rootKeys, type Section, type ValuesOf } from './schema.ts';
import { readSection } from './section.ts';
import { kafkaSettings, limitSettings, modelSettings, sentrySettings, sinkSettings, topicSettings, windowSettings } from './settings.ts';
import { valueFormats } from './valueFormats.ts';
import { readYamlFile } from './yamlFile.ts';

export interface ConfigSources {
  /** YAML files, later ones over earlier ones. */
  readonly files: readonly string[];
  readonly env: Environment;
  /** `key=value` of `--set`. */
  readonly sets: readonly string[];
  /** For runs that read files, not Kafka: topics that are not configured are called `predictions` and `feedback`. */
  readonly assumeTopics?: boolean;
}

/** Keys of the root whose inside is not fixed: read by functions of this file. */
const freeKeys = ['predictions', 'feedback', 'models', 'links'];
const empty: RawNode = { value: new Map(), origin: 'nowhere' };

/** Loads and validates. `ConfigError` with every problem found, each with its key, what was found, what is allowed and where it was written. */
export function loadConfig(sources: ConfigSources): Config {
  const environment = environmentLayer(sources.env);
  const flags = flagsLayer(sources.sets);
  const written = [...sources.files.map(readYamlFile), environment.tree, flags.tree].reduce(mergeRaw, empty);
  const problems: Problem[] = [...environment.problems, ...flags.problems];

  const values = readSection(rootKeys, written, [], problems, freeKeys);
  const assumed = sources.assumeTopics === true;
  const predictions = readEntries('predictions', entryKeys.predictions, written, assumed, problems).map(predictionSource);
  const feedback = readEntries('feedback', entryKeys.feedback, written, assumed, problems).map(feedbackSource);
  const models = readModels(written, problems);
  const links = readLinks(written, problems);
  if (predictions.length === 0 && !problems.some(({ key }) => key.startsWith('predictions'))) {
    problems.push({
      key: 'predictions.topic',
      message: 'is missing, must name the topic that carries predictions; set it in the file, or TIDEMARK_PREDICTIONS_TOPIC',
      origin: null,
    });
  }
  raiseProblems(problems);

  const core: CoreSettings = {
    group: values.kafka.group,
    predictions,
    feedback,
    window: windowSettings(values.window),
    digest: values.digest,
    limits: limitSettings(values.limits),
    defaults: modelSettings(readSection(entryOfModel, inherited(written), [], [])),
    models: new Map([...models].map(([name, read]) => [name, read()])),
  };
  const kafka = kafkaSettings(values.kafka);
  const sentry = sentrySettings(values.sentry);
  const sinks = sinkSettings(values.sinks);
  raiseProblems(contradictions(core, kafka, sentry, sinks, (key) => lookUp(written, key)?.origin ?? null));
  return {
    files: sources.files,
    core,
    kafka,
    topics: topicSettings(values.topics),
    deadLetters: values.deadLetters,
    sentry,
    sinks,
    privacy: values.privacy,
    http: values.http,
    log: values.log,
    links,
    warnings: environment.warnings,
  };
}

/** The entries of `predictions` or `feedback`: one section, or a list of them. */
function readEntries<S extends Section>(role: SourceRole, keys: S, written: RawNode, assumed: boolean, problems: Problem[]): ValuesOf<S>[] {
  const node = lookUp(written, [role]);
  if (node === undefined || node.value === null) {
    const topic: RawNode = { value: new Map([['topic', { value: role, origin: 'assumed' }]]), origin: 'assumed' };
    return assumed ? [readSection(keys, topic, [role], problems)] : [];
  }
  if (isRawMap(node.value)) return [readSection(keys, node, [role], problems)];
  if (isRawList(node.value)) return node.value.map((entry, index) => readSection(keys, entry, [role, String(index)], problems));
  problems.push({
    key: role,
    message: `is ${shownValue(node.value, false)}, must be { topic: NAME, format: json } or a list of such entries`,
    origin: node.origin,
  });
  return [];
}

function predictionSource(values: ValuesOf<typeof entryKeys.predictions>): TopicSource {
  return { ...feedbackSource(values), feedback: values.feedback.length === 0 ? null : values.feedback };
}

function feedbackSource(values: ValuesOf<typeof entryKeys.feedback>): TopicSource {
  return { topic: values.topic, format: values.format, model: values.model === '' ? null : values.model, feedback: null };
}

/** What an entry under `models` may hold. */
const entryOfModel = { ...modelKeys, ...perModel };

/**
 * Checks every entry under `models` on its own, so that its problems carry its name, and gives for each how to read it over the
 * sections of the root; to be called once the whole configuration has no problem.
 */
function readModels(written: RawNode, problems: Problem[]): ReadonlyMap<string, () => ModelSettings> {
  const models = new Map<string, () => ModelSettings>();
  for (const [name, entry] of namedEntries('models', 'sections by model name, such as fraud: { owner: ml-risk }', written, problems)) {
    readSection(entryOfModel, entry, ['models', name], problems);
    models.set(name, () => modelSettings(readSection(entryOfModel, mergeRaw(inherited(written), entry), ['models', name], [])));
  }
  return models;
}

/** The sections of the root that hold for models too. */
function inherited(written: RawNode): RawNode {
  const sections = Object.keys(perModel).flatMap((name) => {
    const node = lookUp(written, [name]);
    return node === undefined ? [] : [[name, node] as const];
  });
  return { value: new Map(sections), origin: written.origin };
}

function readLinks(written: RawNode, problems: Problem[]): ReadonlyMap<string, string> {
  const links = new Map<string, string>();
  for (const [name, node] of namedEntries('links', 'URL templates by name, such as runbook: https://...', written, problems)) {
    if (typeof node.value === 'string' && valueFormats.url.accepts(node.value)) links.set(name, node.value);
    else
      problems.push({
        key: `links.${name}`,
        message: `is ${shownValue(plainOf(node), false)}, must be ${valueFormats.url.allowed}`,
        origin: node.origin,
      });
  }
  return links;
}

function namedEntries(key: string, expected: string, written: RawNode, problems: Problem[]): RawMap {
  const node = lookUp(written, [key]);
  if (node === undefined || node.value === null) return new Map();
  if (isRawMap(node.value)) return node.value;
  problems.push({ key, message: `is ${shownValue(plainOf(node), false)}, must be ${expected}`, origin: node.origin });
  return new Map();
}
