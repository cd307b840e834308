import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SPEAKERS } from '../../src/installed.ts';
import type { Reply } from '../support/provider.ts';
import { callGround, freshId, loggedAs, loggedWhere, seatsAt, type CallSeat, type Logged } from './calls-seats.ts';

// What a provider called and was answered stands in the log within five seconds, whatever it came to and in whatever dialect.

const here = callGround({ CALL_LOG_SAMPLE: '0' });
const DIALECTS = SPEAKERS.map(({ name }) => name);
let seats: CallSeat[] = [];
beforeAll(() => { seats = seatsAt(here); });
afterAll(() => { for (const seat of seats) seat.close(); });
const at = (dialect: string): CallSeat => seats.find(({ speaker }) => speaker.name === dialect) as CallSeat;

/** Each way in which a call can go wrong before or at the rules of money; with what it comes to, and whether its body was read. */
const WRONG: Readonly<Record<string, { code: string; result: string; read: boolean; send(seat: CallSeat): Promise<Reply> }>> = {
  'more than the balance': { code: 'INSUFFICIENT_FUNDS', result: 'refused', read: true, send: (seat) => seat.say(seat.bet(freshId(), '9000.00')) },
  'an unknown game': { code: 'GAME_NOT_FOUND', result: 'refused', read: true, send: (seat) => seat.say({ ...seat.bet(freshId(), '1.00'), game: 'no-such-game' } as never) },
  'a signature that does not fit': {
    code: 'SIGNATURE_INVALID', result: 'turned_away', read: true, send: (seat) => seat.send(seat.wire(seat.bet(freshId(), '1.00')), { body: '{"another":"body"}' }),
  },
  'a body that is not JSON': {
    code: 'REQUEST_INVALID', result: 'turned_away', read: true, send: (seat) => seat.send(seat.signed(seat.wire(seat.bet(freshId(), '1.00')), '{"user": "x", ')),
  },
  'a body without fields': {
    code: 'REQUEST_INVALID', result: 'turned_away', read: true, send: (seat) => seat.send(seat.signed(seat.wire(seat.bet(freshId(), '1.00')), '{}')),
  },
  'an empty body': { code: 'REQUEST_INVALID', result: 'turned_away', read: true, send: (seat) => seat.send(seat.signed(seat.wire(seat.bet(freshId(), '1.00')), '')) },
  'a body of another type': {
    code: 'MEDIA_TYPE_UNSUPPORTED', result: 'turned_away', read: true, send: (seat) => seat.send(seat.wire(seat.bet(freshId(), '1.00')), { headers: { 'content-type': 'text/xml' } }),
  },
  'another method': { code: 'METHOD_NOT_ALLOWED', result: 'turned_away', read: false, send: (seat) => seat.send(seat.wire(seat.bet(freshId(), '1.00')), { method: 'PUT' }) },
  'a path that is none': { code: 'ROUTE_NOT_FOUND', result: 'turned_away', read: false, send: (seat) => seat.send(seat.wire(seat.bet(freshId(), '1.00')), { suffix: 's' }) },
  'more than 64 KiB': { code: 'BODY_TOO_LARGE', result: 'turned_away', read: false, send: (seat) => seat.send(seat.wire(seat.bet(freshId(), '1.00')), { body: 'x'.repeat(70_000) }) },
};

describe.each(DIALECTS)('a call in %s', (dialect) => {
  it.each(Object.keys(WRONG))('with %s is in the log within 5 s, under the id that its answer bears, and under its account', async (what) => {
    const { code, result, read, send } = WRONG[what] as (typeof WRONG)[string];
    const seat = at(dialect);
    const reply = await send(seat);
    expect(reply.headers['x-request-id']).toMatch(/^[\x21-\x7e]{1,128}$/);
    const row = await loggedAs(reply, here);
    expect([row.code, row.result, row.account_id, row.operator_id, row.status]).toEqual([code, result, seat.accountId, here.world.operators[0], reply.status]);
    expect(row.request_body === null).toBe(!read);
    expect(row.source).toBe('127.0.0.1');
    // What was refused is in the log once.
    expect(await here.sql('select 1 from call_log where request_id = $1', [row.request_id])).toHaveLength(1);
  });

  it('that is accepted is not in it where none of these is to be kept, and its neighbour that is refused is', async () => {
    const seat = at(dialect);
    const [taken, refused] = [freshId(), freshId()];
    expect((await seat.say(seat.bet(taken, '1.00'))).status).toBe(200);
    await seat.say(seat.bet(refused, '9000.00'));
    await loggedWhere(here, '$1 = any ("references")', [refused]);
    expect(await here.sql('select 1 from call_log where $1 = any ("references")', [taken])).toEqual([]);
  });

  it('that is refused says who played, which ids it named, what was sent, what came back and how long that took', async () => {
    const seat = at(dialect);
    const reference = freshId();
    const row = await loggedAs(await seat.say(seat.bet(reference, '9000.00')), here);
    expect([row.player_id, row.references.includes(reference), row.transactions]).toEqual([seat.player.id, true, []]);
    expect(row.request_body).toContain(reference);
    expect(row.answer_body.length).toBeGreaterThan(10);
    expect(row.ms).toBeGreaterThan(0);
  });
});

describe('a call that nobody can be asked about', () => {
  it('is counted and kept for no operator: an unknown key, and an account that is none', async () => {
    const native = at('native');
    const before = await here.sql<{ calls: number }>('select count(*)::int as calls from call_log');
    const counted = async () => Number(/^croupier_calls_unattributed_total (\d+)$/m.exec(await (await fetch(`${here.served.baseUrl}/metrics`)).text())?.[1] ?? Number.NaN);
    const first = await counted();
    const reply = await native.send(native.wire(native.bet(freshId(), '1.00')), { headers: { 'x-api-key': 'key_of_nobody' } });
    expect(reply.body.code).toBe('KEY_UNKNOWN');
    expect(await counted()).toBe(first + 1);
    // Behind it one that is kept: what was to be written by then is written.
    await loggedAs(await native.say(native.bet(freshId(), '9000.00')), here);
    const rows = await here.sql<Logged>("select * from call_log where code = 'KEY_UNKNOWN'");
    expect(rows).toEqual([]);
    expect((await here.sql<{ calls: number }>('select count(*)::int as calls from call_log'))[0]?.calls).toBe((before[0]?.calls ?? 0) + 1);
  });
});
