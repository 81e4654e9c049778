/** Names of the topics that Tidemark keeps for itself. One group, one set: two deployments on one cluster never share them. */
export interface InternalTopics {
  /** Summaries of source partitions, watermark and idle records; keyed by model. */
  readonly partials: string;
  /** Immutable facts of the detect stage; compacted, same partition count as `partials`. */
  readonly history: string;
  /** Steps of incidents, JSON of `EventRecord`; keyed by chain: incidents that share an issue keep their order. */
  readonly events: string;
  /** Last delivered ordinal per sink and incident; compacted, in the partition of the event, same partition count as `events`. */
  readonly deliveries: string;
  /** What cannot be used, with its reason and position. */
  readonly deadLetters: string;
}

/** The internal topics of a group (`kafka.group` of the settings). */
export function internalTopics(group: string): InternalTopics {
  return {
    partials: `${group}.partials`,
    history: `${group}.history`,
    events: `${group}.events`,
    deliveries: `${group}.deliveries`,
    deadLetters: `${group}.dead-letters`,
  };
}
