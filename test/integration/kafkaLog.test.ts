import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { logSuite } from '../support/logSuite.ts';

const silent = { error() {}, warn() {}, info() {}, debug() {} };

logSuite('the Kafka log', () => KafkaLog.open({ brokers: (process.env.KAFKA_BROKERS ?? '').split(',') }, silent));
