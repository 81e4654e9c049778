/** Client quotas of a real broker: kafkajs has no call for them, so the request is written here (AlterClientQuotas, version 0). */
import { createRequire } from 'node:module';
import type { Cluster } from 'kafkajs';
import { Kafka, logLevel } from 'kafkajs';
import { createCluster } from '../../../src/log/kafka/kafkaClient.ts';

/** The little of kafkajs's encoder and decoder that is needed. */
interface Encoder {
  writeString(value: string): Encoder;
  writeDouble(value: number): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeInt32(value: number): Encoder;
}
interface Decoder {
  readInt32(): number;
  readInt16(): number;
  readString(): string;
}
interface RawBroker {
  readonly connectionPool: { send(request: unknown): Promise<number> };
}

const require = createRequire(import.meta.url);
const EncoderClass: new () => Encoder = require('kafkajs/src/protocol/encoder.js');
const DecoderClass: new (data: Buffer) => Decoder = require('kafkajs/src/protocol/decoder.js');

/** Sets the quotas of a client id, bytes a second; null takes one away. */
export async function setQuotas(
  brokers: readonly string[],
  clientId: string,
  quotas: Readonly<Record<'producer_byte_rate' | 'consumer_byte_rate', number | null>>,
): Promise<void> {
  const cluster: Cluster = createCluster(new Kafka({ clientId: 'quotas', brokers: [...brokers], logLevel: logLevel.NOTHING }));
  await cluster.connect();
  try {
    await cluster.refreshMetadata();
    const broker: unknown = await cluster.findControllerBroker();
    const code = await (broker as RawBroker).connectionPool.send({ request: requestOf(clientId, quotas), response: response() });
    if (code !== 0) throw new Error(`The broker refused the quotas with error ${code}`);
  } finally {
    await cluster.disconnect();
  }
}

function requestOf(clientId: string, quotas: Readonly<Record<string, number | null>>): unknown {
  const encode = async (): Promise<Encoder> => {
    const encoder = new EncoderClass().writeInt32(1).writeInt32(1).writeString('client-id').writeString(clientId);
    const entries = Object.entries(quotas);
    encoder.writeInt32(entries.length);
    for (const [key, value] of entries)
      encoder
        .writeString(key)
        .writeDouble(value ?? 0)
        .writeBoolean(value === null);
    return encoder.writeBoolean(false);
  };
  return { apiKey: 49, apiVersion: 0, apiName: 'AlterClientQuotas', encode };
}

function response(): unknown {
  return {
    decode: async (data: Buffer): Promise<number> => {
      const decoder = new DecoderClass(data);
      decoder.readInt32();
      let code = 0;
      for (let entries = decoder.readInt32(); entries > 0; entries -= 1) {
        code ||= decoder.readInt16();
        decoder.readString();
        for (let parts = decoder.readInt32(); parts > 0; parts -= 1) {
          decoder.readString();
          decoder.readString();
        }
      }
      return code;
    },
    parse: async (code: number): Promise<number> => code,
  };
}
