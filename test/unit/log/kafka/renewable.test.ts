import { expect, it } from 'vitest';
import { Renewable } from '../../../../src/log/kafka/renewable.ts';

/** Connections with numbers that say whether they were ended. */
function connections() {
  const made: { readonly number: number; isEnded: boolean; connect(): Promise<void>; disconnect(): Promise<void> }[] = [];
  const make = () => {
    const one = {
      number: made.length,
      isEnded: false,
      connect: async () => {},
      disconnect: async () => {
        one.isEnded = true;
      },
    };
    made.push(one);
    return one;
  };
  return { made, shared: new Renewable(make) };
}

const broken = () => true;

it('asks over a new connection after a failure, and ends the old one only when the last question on it is answered', async () => {
  const { made, shared } = connections();
  const slow = Promise.withResolvers<string>();
  const answer = shared.use(() => slow.promise, broken);
  await expect(shared.use(() => Promise.reject(new Error('the broker went away')), broken)).rejects.toThrow('went away');
  expect(await shared.use(async ({ number }) => number, broken)).toBe(1);
  expect(made[0]?.isEnded).toBe(false);
  slow.resolve('answered');
  expect(await answer).toBe('answered');
  expect(made.map(({ isEnded }) => isEnded)).toEqual([true, false]);
});

it('makes one new connection, however many questions fail together', async () => {
  const { made, shared } = connections();
  const failures = Array.from({ length: 5 }, () => shared.use(() => Promise.reject(new Error('gone')), broken));
  await Promise.allSettled(failures);
  expect(made).toHaveLength(2);
});

it('keeps a connection whose failures are not its own', async () => {
  const { made, shared } = connections();
  await expect(
    shared.use(
      () => Promise.reject(new Error('no such topic')),
      () => false,
    ),
  ).rejects.toThrow('no such topic');
  expect(made).toHaveLength(1);
  await shared.close();
  expect(made[0]?.isEnded).toBe(true);
});
