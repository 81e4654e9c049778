import { inject } from 'vitest';
import type {} from './kafkaGlobalSetup.ts';

/** Brokers of the real Kafka that all test files of this run share. */
export function testKafka(): { readonly brokers: string[] } {
  const brokers = inject('brokers');
  if (brokers === undefined)
    throw new Error('No Kafka was started: this test belongs where vitest.config.ts has test/support/kafkaGlobalSetup.ts');
  return { brokers };
}
