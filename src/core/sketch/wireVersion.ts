import type { ByteReader, ByteWriter } from './bytes.ts';

/** Version of the wire form of summaries and samples: the first byte of each. */
export const sketchWireVersion = 1;

export function writeVersion(writer: ByteWriter): void {
  writer.u8(sketchWireVersion);
}

export function readVersion(reader: ByteReader): void {
  const version = reader.u8();
  if (version !== sketchWireVersion) throw reader.wrong(`sketch version ${version}, this program reads ${sketchWireVersion}`);
}
