/**
 * Rows of tables (CSV, Parquet) as the messages that the `json` preset reads, so that a row becomes the same record as the same facts on a
 * Kafka topic would. The rules are docs/design/protocol.md's, section Values.
 */
import type { SourceRole } from '../core/summarize/messages.ts';

/** Where the value of a column goes: a field of the record, or a name inside one. */
interface Place {
  readonly field: string;
  readonly name: string | null;
}

/** Makes the message of one row from its values, in the order of the columns. `undefined` and `null` are missing. */
export type RowMessage = (values: readonly unknown[]) => Uint8Array;

const fieldsOf: Readonly<Record<SourceRole, readonly string[]>> = {
  predictions: ['id', 'ts', 'model', 'version', 'features', 'prediction', 'score', 'segments', 'label'],
  feedback: ['id', 'ts', 'model', 'label'],
};
const nestedFields = ['features', 'segments', 'score'];
const encoder = new TextEncoder();

/**
 * Reads the header of a table. A dotted header is a path (`features.amount`, `segments.country`, `score.yes`). Where none begins with
 * `features.` and there is no column `features`, every column of a predictions table that is no field of a record is a feature. Other
 * columns are left out.
 */
export function rowMessages(columns: readonly string[], role: SourceRole): RowMessage {
  const places = placesOf(columns, role);
  return (values) => {
    const fields: [string, unknown][] = [];
    const nested = new Map<string, [string, unknown][]>();
    for (const [index, place] of places.entries()) {
      const value = values[index];
      if (place === null || value === undefined || value === null) continue;
      if (place.name === null) {
        fields.push([place.field, value]);
      } else {
        const inner = quantity(value);
        const entries = nested.get(place.field);
        if (entries === undefined) nested.set(place.field, [[place.name, inner]]);
        else entries.push([place.name, inner]);
      }
    }
    for (const [field, entries] of nested) fields.push([field, Object.fromEntries(entries)]);
    // fromEntries makes own properties, so that a column named __proto__ is a feature like any other.
    return encoder.encode(JSON.stringify(Object.fromEntries(fields), jsonValue));
  };
}

function placesOf(columns: readonly string[], role: SourceRole): (Place | null)[] {
  const fields = fieldsOf[role];
  const areFeaturesNamed = columns.some((column) => column === 'features' || column.startsWith('features.'));
  return columns.map((column) => {
    if (fields.includes(column)) return { field: column, name: null };
    const dot = column.indexOf('.');
    const field = column.slice(0, Math.max(0, dot));
    if (nestedFields.includes(field) && fields.includes(field)) return { field, name: column.slice(dot + 1) };
    return role === 'predictions' && !areFeaturesNamed ? { field: 'features', name: column } : null;
  });
}

/** A time as a feature is a quantity (epoch milliseconds; as `ts` it is ISO 8601 text), a 64-bit integer need not be exact (as an id it must). */
function quantity(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'bigint' ? Number(value) : value;
}

/**
 * What JSON has no word for: whole numbers of 64 bits stay exact (as text beyond 2^53, as ids are), NaN and Infinity become the texts that
 * count as non-finite.
 */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}
