import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ground, Seat } from '../support/ground.ts';
import { allRoles, type Read, type Reader } from '../support/reader.ts';

// The transactions of a wallet, page by page in both directions, also while bets come.

const here = ground({ players: { EUR: 40 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000 }] }, allRoles);
let reader: Reader;
let foreigner: Reader;

const seat = (account = 0) => here.seat({ account });
const list = ({ player }: Seat, query = '', by = reader): Promise<Read> => by.get(`/v1/players/${player.id}/wallets/EUR/transactions?${query}`);
const versions = ({ body }: Read): number[] => body.items.map(({ walletVersion }: { walletVersion: number }) => walletVersion);
const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);

beforeAll(async () => {
  [reader, foreigner] = [await here.reader(0), await here.reader(1)];
});

/** So many bets of 0.01, in plays, so that many rows share a millisecond. */
async function bets(who: Seat, count: number, name: string): Promise<void> {
  for (let done = 0; done < count; done += 10) {
    const actions = Array.from({ length: Math.min(10, count - done) }, (_, i) => ({ type: 'bet' as const, transactionId: `${name}-${done + i}`, amount: '0.01' }));
    expect((await who.play(actions)).status).toBe(200);
  }
}

describe('a page', () => {
  it('shows the newest 50 first, and leads to the rest and back', async () => {
    const anna = seat();
    await bets(anna, 120, 'a');
    const first = await list(anna);
    expect([versions(first), first.body.previousCursor, Object.keys(first.body).toSorted()]).toEqual([down(121, 72), undefined, ['asOf', 'items', 'nextCursor']]);
    expect([first.headers['x-as-of'], first.headers['cache-control']]).toEqual([first.body.asOf, 'private, no-cache']);
    const second = await list(anna, `cursor=${first.body.nextCursor}&limit=60`);
    expect(versions(second)).toEqual(down(71, 12));
    const last = await list(anna, `cursor=${second.body.nextCursor}&limit=100`);
    expect([versions(last), last.body.nextCursor]).toEqual([down(11, 1), undefined]);
    expect(versions(await list(anna, `cursor=${last.body.previousCursor}&limit=2`))).toEqual([13, 12]);
    const again = await list(anna, `cursor=${second.body.previousCursor}&limit=100`);
    expect([versions(again), again.body.previousCursor]).toEqual([down(121, 72), undefined]);
    expect(versions(await list(anna, 'order=asc&limit=3'))).toEqual([1, 2, 3]);
  });

  it('shows only what its filters let through', async () => {
    const ben = seat();
    const other = new Seat(here.provider(1), ben.player);
    await ben.bet('b1', '1.00');
    const { body: { processedAt: from } } = await other.bet('b2', '2.00');
    await ben.win('w1', '3.00', { betTransactionId: 'b1' });
    const { body: { processedAt: to } } = await other.closeRound('r1').then(() => ben.bet('b3', '4.00'));
    const account = here.account(1).accountId;
    expect(versions(await list(ben, 'kind=bet'))).toEqual([6, 3, 2]);
    expect(versions(await list(ben, `accountId=${account}`))).toEqual([5, 3]);
    expect(versions(await list(ben, `accountId=${account}&kind=close`))).toEqual([5]);
    const between = versions(await list(ben, `from=${from}&to=${to}`));
    expect([between.includes(3), between.includes(6), between.includes(1)]).toEqual([true, false, false]);
    expect(versions(await list(ben, `from=${encodeURIComponent('2100-01-01T02:00:00+02:00')}`))).toEqual([]);
    const [page] = [await list(ben, 'kind=bet&limit=1&order=asc')];
    expect(versions(await list(ben, `kind=bet&limit=5&order=asc&cursor=${page?.body.nextCursor}`))).toEqual([3, 6]);
  });

  it('between any two times has the rows of that time, in either order, filtered or not', async () => {
    const hugo = seat();
    for (let i = 0; i < 6; i++) await bets(hugo, 10, `h${i}`);
    await hugo.win('hw', '1.00', { betTransactionId: 'h0-0' });
    const { items } = (await list(hugo, 'limit=100&order=asc')).body as { items: { walletVersion: number; processedAt: string; kind: string }[] };
    expect([items.length, new Set(items.map(({ processedAt }) => processedAt)).size > 5]).toEqual([62, true]);
    const times = [...new Set(items.map(({ processedAt }) => Date.parse(processedAt)))].flatMap((ms) => [ms - 1, ms, ms + 1]);
    await fc.assert(fc.asyncProperty(fc.constantFrom(...times), fc.constantFrom(...times), fc.constantFrom('asc', 'desc'), fc.constantFrom('', 'bet', 'win'), fc.boolean(),
      async (one, other, order, kind, open) => {
        const [from, to] = one < other ? [one, other] : [other, one + Number(one === other)];
        const query = `limit=100&order=${order}${open ? '' : `&from=${new Date(from).toISOString()}`}&to=${new Date(to).toISOString()}${kind && `&kind=${kind}`}`;
        const right = items.filter(({ processedAt, kind: its }) => (open || Date.parse(processedAt) >= from) && Date.parse(processedAt) < to && (kind === '' || its === kind))
          .map(({ walletVersion }) => walletVersion);
        expect([query, versions(await list(hugo, query))]).toEqual([query, order === 'asc' ? right : right.toReversed()]);
      }), { numRuns: 60 });
  }, 30_000);

  it('of a wallet that another operator has, nobody has, or no currency has, has the same bytes', async () => {
    const cleo = seat();
    const none = await list({ player: { id: '01890000-0000-7000-8000-00000000dead' } } as Seat);
    expect(none.status).toBe(404);
    expect((await list(cleo, '', foreigner)).plain).toBe(none.plain);
    for (const currency of ['USD', 'eur', 'XXXXXXXXXXX', '%00']) {
      expect([(await reader.get(`/v1/players/${cleo.player.id}/wallets/${currency}/transactions`)).plain, currency]).toEqual([none.plain, currency]);
    }
    expect(versions(await list(cleo))).toEqual([1]);
  });

  it.each([
    ['limit=0', 'limit'], ['limit=-1', 'limit'], ['limit=1000000000', 'limit'], ['limit=abc', 'limit'], ['limit=101', 'limit'], ['limit=', 'limit'], ['limit=1.5', 'limit'],
    ['limit=1e1', 'limit'], ['limit=%2010', 'limit'], ['limit=1&limit=2', 'limit'], ['order=up', 'order'], ['kind=gift', 'kind'], ['from=yesterday', 'from'],
    ['from=2026-01-01', 'from'], ['to=2026-02-30T00:00:00Z', 'to'], ['to=0000-01-01T00:00:00Z', 'to'], ['to=9999-12-31T23:59:59-23:59', 'to'], ['accountId=x', 'accountId'],
    ['accountId=2147483648', 'accountId'], ['cursor=', 'cursor'], ['cursor=x', 'cursor'], ['colour=red', 'colour'], ['LIMIT=1', 'LIMIT'], ['limit[]=1', 'limit[]'],
    ['__proto__=1', '__proto__'], ['from=2026-01-01T00:00:00Z&to=2126-01-01T00:00:00Z', 'to'], ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    ['from=1926-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
  ])('asked for by %s is refused, naming %s', async (query, field) => {
    const { status, body } = await list({ player: here.world.players[0] } as Seat, query);
    expect([status, body.code, body.errors.map((error: { field: string }) => error.field)]).toEqual([400, 'REQUEST_INVALID', [field]]);
  });

  it('is refused between two times of which the second is not behind the first, and of more than ten years', async () => {
    const said = async (from: string, to: string) => {
      const { status, body } = await list({ player: here.world.players[0] } as Seat, `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`);
      return [status, body.errors];
    };
    expect(await said('2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00')).toEqual([400, [{ field: 'to', message: 'after `from`' }]]);
    expect(await said('2026-01-01T00:00:00.000Z', '2036-01-09T00:00:00.001Z')).toEqual([400, [{ field: 'to', message: 'at most 3660 days behind `from`' }]]);
    expect(await said('2026-01-01T00:00:00.000Z', '2036-01-09T00:00:00.000Z')).toEqual([200, undefined]);
  });

  it('has cursors that are good for its own list and filters, and for nobody else’s', async () => {
    const dora = seat();
    await bets(dora, 5, 'd');
    const { nextCursor: cursor } = (await list(dora, 'limit=2&kind=bet')).body;
    expect(versions(await list(dora, `limit=100&kind=bet&cursor=${cursor}`))).toEqual([4, 3, 2]);
    const forged = [`${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`, `${cursor.startsWith('A') ? 'B' : 'A'}${cursor.slice(1)}`, cursor.slice(0, 20), `${cursor}A`, Buffer.from('["next",1,1,""]').toString('base64url')];
    const answers = await Promise.all([
      ...forged.map((other) => list(dora, `limit=2&kind=bet&cursor=${other}`)),
      list(dora, `cursor=${cursor}`), list(dora, `kind=win&cursor=${cursor}`), list(dora, `kind=bet&order=asc&cursor=${cursor}`), list(seat(), `kind=bet&cursor=${cursor}`),
    ]);
    for (const { status, body } of answers) expect([status, body.code, body.errors[0].field]).toEqual([400, 'REQUEST_INVALID', 'cursor']);
    const theirs = await foreigner.get(`/v1/players/${here.world.strangers[0]?.id}/wallets/EUR/transactions?kind=bet&cursor=${cursor}`);
    expect([theirs.status, theirs.body.errors[0].field]).toEqual([400, 'cursor']);
  });
});

describe('whatever comes while a list is walked', () => {
  const walk = async (who: Seat, query: string, key: 'nextCursor' | 'previousCursor', from?: string, between: () => Promise<unknown> = async () => undefined) => {
    const pages: number[][] = [];
    let last: Read | undefined;
    for (let cursor = from; ; cursor = last.body[key]) {
      last = await list(who, `${query}${cursor ? `&cursor=${cursor}` : ''}`);
      expect(last.status).toBe(200);
      pages.push(versions(last));
      if (!last.body[key]) return { pages, last };
      await between();
    }
  };

  it('each row comes once, forwards and backwards, and none is left out', async () => {
    let run = 0;
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 3 }), async (rows, limit, more) => {
      const who = seat();
      const name = `run ${run++}`;
      await bets(who, rows, name);
      let came = 0;
      const while_ = async () => bets(who, more, `${name} ${came++}`);
      const newestFirst = await walk(who, `limit=${limit}`, 'nextCursor', undefined, while_);
      expect(newestFirst.pages.flat()).toEqual(down(rows + 1, 1));
      const newest = rows + 1 + came * more;
      const { previousCursor } = newestFirst.last.body;
      const back = previousCursor === undefined ? [] : (await walk(who, `limit=${limit}`, 'previousCursor', previousCursor)).pages.toReversed().flat();
      // Where the first page was the last, nothing leads back.
      expect([...back, ...newestFirst.last.body.items.map((item: { walletVersion: number }) => item.walletVersion)])
        .toEqual(down(previousCursor === undefined ? rows + 1 : newest, 1));
      const oldestFirst = await walk(who, `limit=${limit}&order=asc`, 'nextCursor');
      expect(oldestFirst.pages.flat()).toEqual(down(newest, 1).toReversed());
      if (oldestFirst.last.body.previousCursor) {
        const { pages } = await walk(who, `limit=${limit}&order=asc`, 'previousCursor', oldestFirst.last.body.previousCursor);
        expect([...pages.toReversed().flat(), ...(oldestFirst.pages.at(-1) ?? [])]).toEqual(down(newest, 1).toReversed());
      }
    }), { numRuns: 20, verbose: true });
  }, 60_000);
});
