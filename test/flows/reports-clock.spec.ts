import { describe, expect, it } from '@jest/globals';
import { officeGround } from '../support/office.ts';

// Which day a moment is of, on operators' clocks; and how an operator's clock and a test player come to be.

const here = officeGround({ players: { EUR: 1 } }, { ROLE: 'office' });

const CLOCKS = ['Europe/Malta', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'].flatMap((zone) => [
  [zone, '00:00'], [zone, '06:00'], [zone, '01:45'], [zone, '02:15'], [zone, '02:30'], [zone, '23:59'],
] as const);

interface Days {
  readonly moments: number;
  readonly overlapping: number;
  readonly homeless: number;
  readonly lengths: string;
}

describe('each moment', () => {
  it.each(CLOCKS)('of two years in %s belongs to exactly one day that begins at %s', async (zone, starts) => {
    // Every 29 minutes 17 seconds, and the milliseconds around the begin of each day. Days that end where the next begins, and each begin later than the one
    // before, share no moment and leave none out.
    const [days] = await here.sql<Days>(`
with days as materialized (select d::date as day, day_begins(d::date, $1, $2::time) as begins, day_begins(d::date + 1, $1, $2::time) as ends
  from generate_series('2025-12-30'::date, '2028-01-03', interval '1 day') d),
moments as (
  select at from generate_series('2026-01-01 00:00Z'::timestamptz, '2027-12-31 00:00Z', interval '1757 seconds') at
  union all select begins + ms * interval '1 millisecond' from days cross join unnest('{-1,0,1}'::int[]) ms where begins between '2026-01-01 00:00Z' and '2027-12-31 00:00Z'),
placed as materialized (select at, gaming_day(at, $1, $2::time) as said from moments)
select (select count(*)::int from placed) as moments, (select count(*)::int from days where ends <= begins) as overlapping,
  (select count(*)::int from placed where not exists (select from days where day = said and at >= begins and at < ends)) as homeless,
  (select string_agg(distinct hours, ' ' order by hours) from (select (extract(epoch from ends - begins) / 3600)::float8::text as hours from days) l) as lengths`, [zone, starts]);
    expect(days).toMatchObject({ homeless: 0, overlapping: 0 });
    expect(days?.moments).toBeGreaterThan(37_000);
    expect(days?.lengths).toBe(zone === 'Asia/Kathmandu' ? '24' : zone === 'Australia/Lord_Howe' ? '23.5 24 24.5' : '23 24 25');
  });

  it.each([
    ['Europe/Malta', '06:00', '2026-03-29T03:59:59.999Z', '2026-03-28'], ['Europe/Malta', '06:00', '2026-03-29T04:00:00Z', '2026-03-29'],
    ['Europe/Malta', '06:00', '2026-10-25T04:59:59.999Z', '2026-10-24'], ['Europe/Malta', '06:00', '2026-10-25T05:00:00Z', '2026-10-25'],
    // 02:30 is left out on 29 March: clocks go from 02:00 to 03:00 at 01:00Z, and the day begins when 02:30 would have been on the clock of before.
    ['Europe/Malta', '02:30', '2026-03-29T01:29:59.999Z', '2026-03-28'], ['Europe/Malta', '02:30', '2026-03-29T01:30:00Z', '2026-03-29'],
    // 02:30 comes twice on 25 October, at 00:30Z and at 01:30Z: the day begins at the second.
    ['Europe/Malta', '02:30', '2026-10-25T00:45:00Z', '2026-10-24'], ['Europe/Malta', '02:30', '2026-10-25T01:30:00Z', '2026-10-25'],
    ['America/New_York', '00:00', '2026-03-08T04:59:59.999Z', '2026-03-07'], ['America/New_York', '00:00', '2026-03-09T04:00:00Z', '2026-03-09'],
    ['Asia/Kathmandu', '06:00', '2026-05-01T00:14:59.999Z', '2026-04-30'], ['Asia/Kathmandu', '06:00', '2026-05-01T00:15:00Z', '2026-05-01'],
    ['Australia/Lord_Howe', '00:00', '2026-04-04T13:00:00Z', '2026-04-05'], ['Australia/Lord_Howe', '00:00', '2026-04-05T13:29:59.999Z', '2026-04-05'],
    ['Australia/Lord_Howe', '00:00', '2026-04-05T13:30:00Z', '2026-04-06'],
  ])('in %s, with days from %s on: %s is of %s', async (zone, starts, at, day) => {
    expect(await here.sql('select gaming_day($3, $1, $2::time)::text as day', [zone, starts, at])).toEqual([{ day }]);
  });
});

describe('an operator’s clock', () => {
  it('is UTC from midnight on, until it is set; and is said with the operator', async () => {
    const { body: founded, status } = await here.platform.post('/v1/operators', { name: 'a brand of Nepal', timeZone: 'Asia/Kathmandu', dayStarts: '06:30' });
    expect([status, founded.timeZone, founded.dayStarts]).toEqual([201, 'Asia/Kathmandu', '06:30']);
    const { body: plain } = await here.platform.post('/v1/operators', { name: 'a brand of nowhere' });
    expect([plain.timeZone, plain.dayStarts]).toEqual(['UTC', '00:00']);
    const founder = await here.platformOf({}, 0);
    const own = new (founder.constructor as typeof import('../support/office.ts').Platform)(founder.baseUrl, plain.apiKey.key);
    expect((await own.patch('/v1/operator', { timeZone: 'Europe/Malta' })).body).toMatchObject({ timeZone: 'Europe/Malta', dayStarts: '00:00', name: 'a brand of nowhere' });
    expect((await own.patch('/v1/operator', { dayStarts: '06:00' })).body).toMatchObject({ timeZone: 'Europe/Malta', dayStarts: '06:00' });
    expect((await own.get('/v1/operator')).body).toMatchObject({ timeZone: 'Europe/Malta', dayStarts: '06:00' });
  });

  it('is refused once there is a transaction, and anything else about the operator is not', async () => {
    for (const change of [{ timeZone: 'Europe/Malta' }, { dayStarts: '06:00' }, { name: 'renamed', dayStarts: '06:00' }]) {
      here.expectRefused(await here.platform.patch('/v1/operator', change), 'CLOCK_FIXED', 409);
    }
    const { body, status } = await here.platform.patch('/v1/operator', { name: 'renamed', timeZone: 'UTC', dayStarts: '00:00' });
    expect([status, body.name, body.timeZone]).toEqual([200, 'renamed', 'UTC']);
  });

  it.each([
    ['timeZone', 'Europe/Atlantis'], ['timeZone', 'CEST'], ['timeZone', 'XYZ5'], ['timeZone', '+02:00'], ['timeZone', ''], ['timeZone', 'europe/malta'], ['timeZone', "Europe/Malta'"],
    ['timeZone', 2], ['dayStarts', '24:00'], ['dayStarts', '6:00'], ['dayStarts', '06:00:00'], ['dayStarts', 6],
  ])('%s %j is refused by its name', async (field, value) => {
    for (const reply of [await here.stranger.post('/v1/operators', { name: 'never', [field]: value }), await here.stranger.patch('/v1/operator', { [field]: value })]) {
      here.expectRefused(reply, 'REQUEST_INVALID', 400);
      expect(reply.body.errors.map((error: { field: string }) => error.field)).toEqual([field]);
    }
  });
});

describe('a test player', () => {
  it('is one from the beginning, and is never made one', async () => {
    const { body: player, status } = await here.platform.post('/v1/players', { externalId: 'tester', currencies: ['EUR'], test: true });
    expect([status, player.test]).toEqual([201, true]);
    expect((await here.platform.get(`/v1/players/${player.playerId}`)).body.test).toBe(true);
    const { body: other } = await here.platform.post('/v1/players', { externalId: 'no tester', currencies: ['EUR'] });
    expect(other.test).toBeUndefined();
    const reply = await here.platform.patch(`/v1/players/${other.playerId}`, { status: 'active', test: true });
    expect([reply.status, reply.body.errors?.[0]?.field]).toEqual([400, 'test']);
  });
});
