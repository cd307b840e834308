import { afterEach, expect, it } from '@jest/globals';
import { Writer } from '../../src/wallet/batch.ts';
import { asSuperuser, freshDatabase } from '../support/cluster.ts';

const writers: Writer[] = [];
afterEach(() => Promise.all(writers.splice(0).map((writer) => writer.close())));

it('a connection that draws the number of an old lane draws again, and the old lane stays as it was', async () => {
  const database = await freshDatabase();
  const drawing = (...numbers: number[]) => {
    const writer = new Writer(database.url('croupier_money'), 'test', undefined, () => numbers.shift() as number);
    writers.push(writer);
    return writer;
  };
  expect(await drawing(7).open()).toMatchObject({ id: 7, batch: 0 });
  await asSuperuser(database.url('superuser'), 'update lane set batch = 5 where lane = 7');
  expect(await drawing(7, 7, 8).open()).toMatchObject({ id: 8, batch: 0 });
  expect(await asSuperuser(database.url('superuser'), 'select lane, batch from lane order by lane')).toEqual([{ lane: 7, batch: 5 }, { lane: 8, batch: 0 }]);
});
