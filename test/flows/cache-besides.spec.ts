import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from '@prometheus-io/client';
import { statement } from '../../libs/postgres/index.ts';
import { PROJECTIONS } from '../../src/installed.ts';
import type { Cached } from '../../src/views/cache/cached.ts';
import { ViewCache } from '../../src/views/cache/view-cache.ts';
import { Reads } from '../../src/views/reads.ts';
import { seen, type Asker, type View } from '../../src/views/view.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { fed } from '../support/feeding.ts';
import { Reader, allRoles } from '../support/reader.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';

// What a cached answer follows from besides its projections, such as the days that are locked, is each operator's own and each question's own: what was
// learnt a moment ago for one says nothing of another. Nothing is played here, so that the versions of all that is projected stay as they are.

let database: TestDatabase;
let world: World;
let served: InProcess;
let reads: Reads;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 2 } });
  await fed(database, ...PROJECTIONS);
  served = await serveHere(database, { ...allRoles(database), ROLE: 'office' });
  reads = served.app.get(Reads);
}, 60_000);
afterAll(() => served?.close());

const operator = (which: 0 | 1) => world.operators[which] as string;
const lock = (which: 0 | 1, day: string) =>
  asSuperuser(database.url('superuser'), "insert into locked_day (operator_id, day, lanes, batches) values ($1, $2, '{}', '{}')", [operator(which), day]);
/** Of a read that comes behind whatever was written. */
const now = async (): Promise<string> => (await reads.at().as(operator(0), [statement('test_nothing', 'select 1')()])).token;
const dayAt = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

describe('of two operators of whom one locks a day', () => {
  it('each sees its own in a view whose statement says nothing of whom it is for', async () => {
    const cache = new ViewCache(reads, { registry: new Registry() });
    // PostgreSQL itself shows each its own; no value of the statement tells them apart.
    const locks = statement<[string]>('test_locks', "select day::text from locked_day where operator_id = current_setting('croupier.operator')::uuid order by day");
    const cached: Cached<{ readonly asker: Asker }> = { view: 'test locks', projections: ['revenue'], besides: () => [locks()] };
    const execute = async ({ asker }: { asker: Asker }): Promise<View<{ days: unknown[] }>> => {
      const answer = await reads.at(asker.token).projected(asker.operator, ['revenue'], [locks()], [locks()]);
      return { ...seen(answer), body: { days: answer.rows[0].flat() } };
    };
    const days = async (which: 0 | 1, token?: string) =>
      ((await cache.answer(cached, { asker: { operator: operator(which), ...(token !== undefined && { token }) } }, execute)).body as { days: unknown[] }).days;

    expect([await days(0), await days(1)]).toEqual([[], []]);
    await lock(1, '2026-01-30');
    const later = await now();
    expect([await days(0, later), await days(1, later)]).toEqual([[], ['2026-01-30']]);
    await lock(0, '2026-01-31');
    const last = await now();
    expect([await days(1, last), await days(0, last)]).toEqual([['2026-01-30'], ['2026-01-31']]);
  });

  it('each sees its own revenue, of the days that it asks for', async () => {
    const [ours, theirs] = await Promise.all(world.operators.map((each) => Reader.of(each, database, served.baseUrl)));
    // All have had their deposits today.
    const locked = async (who: Reader | undefined, token?: string, [from, to] = [dayAt(-1), dayAt(1)]) =>
      (await (who as Reader).get(`/v1/reports/revenue?from=${from}&to=${to}&groupBy=day`, token)).body.items.map((item: { locked?: true }) => item.locked === true);
    const past = [dayAt(-9), dayAt(-8)] as const;
    expect([await locked(ours), await locked(theirs), await locked(theirs, undefined, [...past])]).toEqual([[false], [false], []]);
    for (const day of [-1, 0, 1]) await lock(1, dayAt(day));
    const later = await now();
    expect([await locked(ours, later), await locked(theirs, later, [...past]), await locked(theirs, later)]).toEqual([[false], [], [true]]);
  });
});
