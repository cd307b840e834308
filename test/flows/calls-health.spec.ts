import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { percentile } from '../../src/views/health/numbers.ts';
import { officeGround } from '../support/office.ts';
import { DIALECTS_MADE, freshId, seatsAt, WITHIN_MS, type CallSeat } from './calls-seats.ts';

// How a provider fares is what a client that counts along has seen.

const here = officeGround({ players: { EUR: 20 }, dialects: DIALECTS_MADE }, { CALL_LOG_SAMPLE: '0' });
let seats: CallSeat[] = [];
beforeAll(() => { seats = seatsAt(here); });
afterAll(() => { for (const seat of seats) seat.close(); });

interface Numbers { calls: number; accepted: number; refused: number; turnedAway: number; failed: number; repeated: number; rollbacks: number }
const NONE: Numbers = { calls: 0, accepted: 0, refused: 0, turnedAway: 0, failed: 0, repeated: 0, rollbacks: 0 };
const COUNTED = Object.keys(NONE) as (keyof Numbers)[];

async function reportOf(query = ''): Promise<any> {
  const reply = await here.platform.get(`/v1/reports/providers/health?${query}`);
  expect(reply.status).toBe(200);
  return reply.body;
}

/** The total of an account, as soon as so many calls are in it. */
async function totalOf(accountId: number, calls: number): Promise<any> {
  for (const deadline = performance.now() + WITHIN_MS; ; await pause(50)) {
    const found = (await reportOf(`accountId=${accountId}`)).accounts[0];
    if (found?.total.calls >= calls) return found;
    if (performance.now() > deadline) throw new Error(`${found?.total.calls ?? 0} of ${calls} calls are counted`);
  }
}

describe.each(['native', 'hub88', 'caleta', 'softswiss'])('calls in %s', (dialect) => {
  it('are counted as who called has seen them: accepted, refused, turned away, repeated and rolled back', async () => {
    const seat = seats.find(({ speaker }) => speaker.name === dialect) as CallSeat;
    const seen = { ...NONE };
    const count = (...of: (keyof Numbers)[]) => { for (const each of ['calls', ...of] as const) seen[each]++; };
    const refs = Array.from({ length: 5 }, freshId);
    const bets = refs.map((reference) => seat.bet(reference, '1.00'));
    for (const bet of bets) { await seat.say(bet); count('accepted'); }
    for (const bet of bets.slice(0, 2)) { await seat.say(bet); count('accepted', 'repeated'); }
    const tooMuch = seat.bet(freshId(), '9000.00');
    await seat.say(tooMuch);
    count('refused');
    for (let i = 0; i < 2; i++) { await seat.say(seat.bet(freshId(), '9000.00')); count('refused'); }
    await seat.send(seat.signed(seat.wire(bets[0] as never), '{}'));
    count('turnedAway');
    await seat.send(seat.wire(bets[0] as never), { method: 'PUT' });
    count('turnedAway');
    const original = refs[4] as string;
    await seat.say({ say: 'rollback', seat: seat.seat, round: 'r1', game: 'game-1', reference: freshId(), original, of: 'bet' });
    count('accepted', 'rollbacks');
    const { total, steps } = await totalOf(seat.accountId, seen.calls);
    expect(Object.fromEntries(COUNTED.map((name) => [name, total[name]]))).toEqual(seen);
    expect(total.calls).toBe(total.accepted + total.refused + total.turnedAway + total.failed);
    expect([total.errorRate, total.repeatRate, total.availability]).toEqual([0, Math.round((seen.repeated / seen.calls) * 1e6) / 1e6, 1]);
    for (const name of COUNTED) expect(steps.reduce((sum: number, step: Numbers) => sum + step[name], 0)).toBe(seen[name]);
    expect([total.p50Ms > 0, total.p99Ms === undefined || total.p99Ms >= total.p50Ms]).toEqual([true, true]);
    const others = (await here.stranger.get('/v1/reports/providers/health')).body;
    expect(others.accounts).toEqual([]);
  });
});

describe('by definition', () => {
  const MINUTE = Math.floor(Date.UTC(2026, 0, 15, 10) / 60_000);
  const at = (minutes: number) => new Date((MINUTE + minutes) * 60_000).toISOString();
  const account = 99;

  beforeAll(async () => {
    // Four minutes of one account, of two processes: in the second 6 of 100 fail, in the third 5 of 100, in the fourth the one call there was.
    const insert = `insert into provider_minute (operator_id, account_id, minute, process, calls, accepted, refused, turned_away, failed, repeated, rollbacks, latency)
      values ($1, $2, $3, uuidv4(), $4::int, $4::int - $5::int, 0, 0, $5, $6, $7, $8)`;
    const latency = (...counts: number[]) => [...counts, ...new Array<number>(11 - counts.length).fill(0)];
    const minute = (n: number, calls: number, failed: number, repeated = 0, rollbacks = 0, ms = latency(calls)) =>
      here.sql(insert, [here.operator, account, at(n), calls, failed, repeated, rollbacks, ms]);
    await minute(0, 60, 0, 6, 2, latency(30, 30));
    await minute(0, 40, 0, 4, 2, latency(0, 0, 35, 0, 4, 0, 0, 0, 0, 1));
    await minute(1, 50, 6);
    await minute(1, 50, 0);
    await minute(2, 100, 5);
    await minute(3, 1, 1, 0, 0, latency(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
  });

  const ask = (query: string) => reportOf(`accountId=${account}&from=${at(0)}&to=${at(10)}&${query}`).then((body) => body.accounts[0]);

  it('a minute is one, however many processes counted in it, and is bad where more than 5 % of its calls failed', async () => {
    const { total, steps } = await ask('step=minute');
    expect(steps.map(({ at: when, calls, failed, errorRate, badMinutes }: any) => [when, calls, failed, errorRate, badMinutes])).toEqual([
      [at(0), 100, 0, 0, 0], [at(1), 100, 6, 0.06, 1], [at(2), 100, 5, 0.05, 0], [at(3), 1, 1, 1, 1],
    ]);
    expect([total.minutes, total.badMinutes, total.availability]).toEqual([4, 2, 0.5]);
    expect([total.calls, total.failed, total.errorRate, total.repeatRate, total.rollbacksPerMinute]).toEqual([301, 12, 0.039867, 0.033223, 1]);
    expect((await ask('step=minute&badAbove=0.06')).total.availability).toBe(0.75);
    expect((await ask('step=minute&badAbove=0')).total.availability).toBe(0.25);
  });

  it('an hour is the sum of its minutes, with the same totals', async () => {
    const [byMinute, byHour] = [await ask('step=minute'), await ask('step=hour')];
    expect(byHour.total).toEqual(byMinute.total);
    expect(byHour.steps).toEqual([{ at: at(0), ...byMinute.total }]);
  });

  it('half, 95 % and 99 % of the calls were answered within the bounds that are told; beyond a second there is none', async () => {
    const [first, , , last] = (await ask('step=minute')).steps;
    expect([first.p50Ms, first.p95Ms, first.p99Ms]).toEqual([2, 5, 20]);
    expect(['p50Ms', 'p95Ms', 'p99Ms'].filter((name) => name in last)).toEqual([]);
    expect([percentile([1, 1], 0.5), percentile([1, 1], 0.51), percentile([0, 0], 0.5)]).toEqual([1, 2, undefined]);
  });

  it('what is asked for wrongly is refused with the name of what is wrong', async () => {
    const wrong: [string, string][] = [
      ['step=day', 'step'], ['account=1', 'account'], ['accountId=x', 'accountId'], ['badAbove=2', 'badAbove'], ['badAbove=1e3', 'badAbove'], ['from=now', 'from'],
      ['from=1926-01-01T00:00:00Z', 'from'], ['from=2026-01-01T00:00:00Z&to=2126-01-01T00:00:00Z', 'from'], ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
      ['from=2026-01-01T00:00:00Z&to=2026-01-01T06:00:01Z', 'from'], ['step=hour&from=2026-01-01T00:00:00Z&to=2026-01-08T00:00:01Z', 'from'],
    ];
    for (const [query, field] of wrong) {
      const reply = await here.platform.get(`/v1/reports/providers/health?${query}`);
      expect([query, reply.status, reply.body.errors?.map((error: { field: string }) => error.field)]).toEqual([query, 400, [field]]);
    }
    expect((await here.platform.get('/v1/reports/providers/health?from=2026-01-01T00:00:00Z&to=2026-01-01T06:00:00Z')).status).toBe(200);
    here.expectRefused(await (await here.platformOf({ roles: ['cashier'] })).get('/v1/reports/providers/health'), 'FORBIDDEN', 403);
  });
});
