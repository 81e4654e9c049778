import type { DecodedRecord } from '../core/record/record.ts';

/**
 * From the bytes of one message to a record: what every format provides. Never throws, whatever the bytes are: what cannot be used is
 * an `invalid` record with its reason. `timestampMs` is the Kafka timestamp, for formats whose records have no time of their own.
 */
export type Decoder = (value: Uint8Array | null, timestampMs: number) => DecodedRecord;
