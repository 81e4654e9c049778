import { KafkaLog } from '../../src/log/kafka/kafkaLog.ts';
import { testKafka } from '../support/kafka.ts';
import { logSuite } from '../support/logSuite.ts';

const silent = { error() {}, warn() {}, info() {}, debug() {} };

logSuite('the Kafka log', () => KafkaLog.open(testKafka(), silent));
