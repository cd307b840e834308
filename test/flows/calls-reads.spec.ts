import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { officeGround } from '../support/office.ts';
import type { Platform } from '../support/office.ts';
import { DIALECTS_MADE, freshId, loggedAs, loggedWhere, seatsAt, type CallSeat } from './calls-seats.ts';

// A call is found by the id of its answer in one step, and by what it named; nobody sees another operator's.

const here = officeGround({ players: { EUR: 20 }, dialects: DIALECTS_MADE }, { CALL_LOG_SAMPLE: '1' });
let seats: CallSeat[] = [];
let support: Platform;
beforeAll(async () => {
  seats = seatsAt(here);
  support = await here.platformOf({ roles: ['support'] });
});
afterAll(() => { for (const seat of seats) seat.close(); });
const hub88 = (): CallSeat => seats.find(({ speaker }) => speaker.name === 'hub88') as CallSeat;
const native = (): CallSeat => seats.find(({ speaker }) => speaker.name === 'native') as CallSeat;

describe('a call', () => {
  it('that was refused is shown by the id of its answer: what was sent, what came back, how long it took and what it came to', async () => {
    const seat = hub88();
    const reference = freshId();
    const reply = await seat.say(seat.bet(reference, '9000.00'));
    await loggedAs(reply, here);
    const found = await support.get(`/v1/calls/${reply.headers['x-request-id']}`);
    expect(found.status).toBe(200);
    const [call] = found.body.items;
    expect(call).toMatchObject({
      requestId: reply.headers['x-request-id'], accountId: seat.accountId, dialect: 'hub88', operation: 'bet', method: 'POST', path: 'transaction/bet', source: '127.0.0.1',
      playerId: seat.player.id, status: 200, result: 'refused', code: 'INSUFFICIENT_FUNDS', transactions: [],
    });
    expect(call.references).toContain(reference);
    expect(JSON.parse(call.answer.body)).toEqual(reply.body);
    expect(call.request.body).toContain(reference);
    expect(call.request.headers['x-hub88-signature']).toBe('[redacted]');
    expect(call.ms).toBeGreaterThan(0);
    expect(Date.parse(found.body.asOf)).toBeLessThanOrEqual(Date.now());
  });

  it('that was accepted names what it booked, and the link leads there; its repetition names the same', async () => {
    const seat = native();
    const bet = seat.bet(freshId(), '1.00');
    const replies = [await seat.say(bet), await seat.say(bet)];
    expect(replies.map(({ body }) => body.status)).toEqual(['applied', 'replayed']);
    for (const reply of replies) {
      await loggedAs(reply, here);
      const [call] = (await support.get(`/v1/calls/${reply.headers['x-request-id']}`)).body.items;
      expect([call.result, call.code, call.transactions]).toEqual(['accepted', reply.body.status, [{ transactionId: reply.body.transactionId, href: `/v1/transactions/${reply.body.transactionId}` }]]);
      expect((await support.get(call.transactions[0].href)).body.transactionId).toBe(reply.body.transactionId);
    }
  });

  it('that was sent again under the same id of the provider’s is there with all of its attempts, the newest first', async () => {
    const seat = native();
    const wire = seat.wire(seat.bet(freshId(), '9000.00'));
    const [first] = [await seat.send(wire), await seat.send(wire)];
    await loggedWhere(here, 'request_id = $1', [first.headers['x-request-id']], 2);
    const { items } = (await support.get(`/v1/calls/${first.headers['x-request-id']}`)).body;
    expect(items.map(({ code }: { code: string }) => code)).toEqual(['INSUFFICIENT_FUNDS', 'INSUFFICIENT_FUNDS']);
    expect(Date.parse(items[0].at)).toBeGreaterThanOrEqual(Date.parse(items[1].at));
  });

  it('is not there for another operator, nor without the permission, nor under an id that nobody had', async () => {
    const reply = await native().say(native().bet(freshId(), '9000.00'));
    await loggedAs(reply, here);
    const path = `/v1/calls/${reply.headers['x-request-id']}`;
    here.expectRefused(await here.stranger.get(path), 'NOT_FOUND', 404);
    here.expectRefused(await (await here.platformOf({ roles: ['cashier'] })).get(path), 'FORBIDDEN', 403);
    here.expectRefused(await support.get('/v1/calls/nobody-had-this'), 'NOT_FOUND', 404);
    here.expectRefused(await support.get(`/v1/calls/${'x'.repeat(129)}`), 'NOT_FOUND', 404);
    expect((await here.stranger.get('/v1/calls')).body.items).toEqual([]);
    expect((await here.stranger.get(`/v1/reports/providers/health`)).body.accounts).toEqual([]);
  });
});

describe('calls', () => {
  it('are found by any id they named, by player, account, code, result and time, each filter alone and together', async () => {
    const [seat, other] = [hub88(), native()];
    const [reference, again] = [freshId(), freshId()];
    await seat.say(seat.bet(reference, '9000.00'));
    await seat.say({ say: 'win', seat: seat.seat, round: 'r1', game: 'game-1', reference: again, amount: '1.00', bet: reference });
    await other.say(other.bet(reference, '1.00'));
    await loggedWhere(here, '$1 = any ("references")', [reference], 3);
    const ask = async (query: string) => ((await support.get(`/v1/calls?${query}`)).body.items as { accountId: number; operation: string; code: string; playerId: string; result: string }[]);
    expect((await ask(`reference=${reference}`)).map(({ accountId, operation }) => [accountId, operation]).toSorted()).toEqual(
      [[seat.accountId, 'bet'], [seat.accountId, 'win'], [other.accountId, 'bet']].toSorted());
    expect((await ask(`reference=${again}`)).map(({ operation }) => operation)).toEqual(['win']);
    expect((await ask(`reference=${reference}&accountId=${other.accountId}`)).map(({ code }) => code)).toEqual(['applied']);
    expect((await ask(`reference=${reference}&code=INSUFFICIENT_FUNDS&playerId=${seat.player.id}&result=refused`)).map(({ operation }) => operation)).toEqual(['bet']);
    const refused = await ask('code=INSUFFICIENT_FUNDS');
    expect([refused.length > 0, refused.every(({ code }) => code === 'INSUFFICIENT_FUNDS')]).toEqual([true, true]);
    const its = await ask(`playerId=${other.player.id}`);
    expect([its.length > 0, its.every(({ playerId }) => playerId === other.player.id)]).toEqual([true, true]);
    expect((await ask('result=accepted')).every(({ result }) => result === 'accepted')).toBe(true);
    expect(await ask('to=2026-01-01T00:00:00Z')).toEqual([]);
    expect(await ask(`from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
    expect((await ask(`from=${new Date(Date.now() - 60_000).toISOString()}&to=${new Date(Date.now() + 60_000).toISOString()}`)).length).toBeGreaterThan(2);
  });

  it('come page by page, newest first, each once, while more are written', async () => {
    const seat = hub88();
    for (let i = 0; i < 7; i++) await seat.say(seat.bet(freshId(), '9000.00'));
    const mine = `code=INSUFFICIENT_FUNDS&accountId=${seat.accountId}`;
    const all = await loggedWhere(here, 'account_id = $1 and code = $2', [seat.accountId, 'INSUFFICIENT_FUNDS'], 7);
    const seen: string[] = [];
    for (let cursor: string | undefined = '', first = true; cursor !== undefined; first = false) {
      const page: { items: { requestId: string }[]; nextCursor?: string } = (await support.get(`/v1/calls?${mine}&limit=2${cursor && `&cursor=${cursor}`}`)).body;
      seen.push(...page.items.map(({ requestId }) => requestId));
      if (first) await loggedAs(await seat.say(seat.bet(freshId(), '9000.00')), here);
      cursor = page.nextCursor;
    }
    expect(seen.toSorted()).toEqual(all.map((row) => row.request_id).toSorted());
  });

  it('asked for wrongly are refused with the name of what is wrong', async () => {
    const { nextCursor } = (await support.get('/v1/calls?limit=1&result=refused')).body;
    expect(typeof nextCursor).toBe('string');
    const wrong: [string, string][] = [
      ['player=x', 'player'], ['playerId=x', 'playerId'], ['accountId=0', 'accountId'], ['accountId=9999999999', 'accountId'], ['code=no%20code', 'code'], ['result=maybe', 'result'],
      ['from=yesterday', 'from'], ['from=2026-01-01', 'from'], ['from=1926-01-01T00:00:00Z', 'from'], ['from=2026-01-01T00:00:00Z&to=2126-01-01T00:00:00Z', 'to'],
      ['from=2020-01-01T00:00:00Z', 'from'], ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'], ['from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
      ['limit=0', 'limit'], ['limit=-1', 'limit'], ['limit=1000000000', 'limit'], ['cursor=forged', 'cursor'], [`cursor=${nextCursor}`, 'cursor'],
      [`result=accepted&cursor=${nextCursor}`, 'cursor'], ['reference=', 'reference'], [`reference=${'x'.repeat(129)}`, 'reference'], ['sort=at', 'sort'],
    ];
    for (const [query, field] of wrong) {
      const reply = await support.get(`/v1/calls?${query}`);
      expect([query, reply.status, reply.body.errors?.map((error: { field: string }) => error.field)]).toEqual([query, 400, [field]]);
    }
    const said = async (from: string, to: string) => (await support.get(`/v1/calls?from=${from}&to=${to}`)).body.errors;
    expect(await said('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z')).toEqual([{ field: 'to', message: 'after `from`' }]);
    expect(await said('2026-01-01T00:00:00Z', '2027-02-05T00:00:01Z')).toEqual([{ field: 'to', message: 'at most 400 days behind `from`' }]);
    expect(await said('2026-01-01T00:00:00Z', '2027-02-05T00:00:00Z')).toBeUndefined();
    const theirs = await here.stranger.get(`/v1/calls?limit=1&result=refused&cursor=${nextCursor}`);
    here.expectRefused(theirs, 'REQUEST_INVALID', 400);
    here.expectRefused(await support.get('/v1/calls/an-id?x=1'), 'REQUEST_INVALID', 400);
  });
});
