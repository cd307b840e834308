import { expect, it } from '@jest/globals';
import { Turns } from './turns.ts';

it('of five pieces of work two are under way at a time, the others begin in their order, and one that fails makes room for the next', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const works = [0, 1, 2, 3, 4].map((i) => turns.take(() => new Promise<number>((resolve, reject) => {
    begun.push(i);
    ends[i] = () => (i === 1 ? reject(new Error('1 fails')) : resolve(i));
  })));
  const settled = Promise.allSettled(works);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  expect([begun, turns.queue]).toEqual([[0, 1], 3]);
  ends[1]?.();
  await turn();
  expect([begun, turns.queue]).toEqual([[0, 1, 2], 2]);
  ends[0]?.();
  ends[2]?.();
  await turn();
  expect([begun, turns.queue]).toEqual([[0, 1, 2, 3, 4], 0]);
  ends[3]?.();
  ends[4]?.();
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  expect(await turns.take(() => Promise.resolve('later'))).toBe('later');
});
