/**
 * Makes a history: rounds of an operator of its own, as its players would have played them, set-based and quickly. It is the second door of the
 * ledger, for the schema's owner alone, on players that nobody else plays with; every invariant of `verify` holds for what it writes.
 *
 * A step is one transaction: rounds of a span of time, each a bet and a win that names it and closes the round (three of ten of them are more than 0) or,
 * of each hundred, one rolled-back bet. A few players play much, most play little.
 */
import type pg from 'pg';
import { connect } from '../../libs/postgres/index.ts';
import { fingerprintOf } from './verify/check.ts';

export interface SeedOptions {
  /** rows of the ledger, about */
  readonly transactions: number;
  readonly players: number;
  /** the history ends now and goes back this far */
  readonly days: number;
  /** told how many rows there are after each step */
  readonly progress?: (rows: number) => void;
}

export interface Seeded {
  readonly operatorId: string;
  readonly transactions: number;
  readonly ms: number;
}

export const SEED_OPERATOR = 'Seeded Casino';
const PROVIDERS = 3;
const GAMES = 20;
const ROWS_A_STEP = 100_000;
const ROWS_A_BATCH = 256;
const OPENING = '1000000000000';

const SETTINGS = { statement_timeout: 0, work_mem: '256MB', maintenance_work_mem: '256MB', synchronous_commit: 'off', jit: 'off', temp_buffers: '256MB' };

/** Who plays what: found or made. The first player is the busiest. */
const WORLD = `
insert into operator (name) values ('${SEED_OPERATOR}') on conflict do nothing;
insert into currency (code, exponent, scale, max_amount) values ('EUR', 2, 6, 100000000000000) on conflict do nothing;
insert into provider_account (operator_id, provider, dialect)
  select operator_id, p, case p when 'cashier' then 'none' else 'native' end
  from operator, (select 'studio-' || n from generate_series(1, ${PROVIDERS}) n union all select 'cashier') x(p) where name = '${SEED_OPERATOR}' on conflict do nothing;
insert into game (account_id, operator_id, game_id, name)
  select account_id, operator_id, 'game-' || n, 'Game ' || n from provider_account a join operator o using (operator_id), generate_series(1, ${GAMES}) n
  where o.name = '${SEED_OPERATOR}' and a.provider <> 'cashier' on conflict do nothing`;

/** args: players */
const PLAYERS = `
insert into player (operator_id, external_id)
select operator_id, 'seeded-' || n from operator, generate_series(1, $1) n where name = '${SEED_OPERATOR}' on conflict do nothing`;

/** args: when the history begins */
const WALLETS = `
insert into wallet (player_id, operator_id, currency, balance, version, at)
select p.player_id, p.operator_id, 'EUR', 0, 0, $1 from player p join operator o using (operator_id) where o.name = '${SEED_OPERATOR}' on conflict do nothing`;

const STAGE = `
create temp table seat on commit preserve rows as
  select (row_number() over (order by length(p.external_id), p.external_id))::int as place, p.player_id, p.operator_id
  from player p join operator o using (operator_id) where o.name = '${SEED_OPERATOR}' and p.external_id like 'seeded-%';
create unique index on seat (place);
create temp table studio on commit preserve rows as
  select (row_number() over (order by a.account_id))::int as place, a.account_id from provider_account a join operator o using (operator_id)
  where o.name = '${SEED_OPERATOR}' and a.provider <> 'cashier';
create temp table step (
  place int not null, n int not null, part int not null, kind text not null, player_id uuid not null, operator_id uuid not null, account_id int not null, house smallint not null,
  amount bigint not null, balance bigint, version bigint, at timestamptz not null, batch int, id uuid, reference text not null, round text, game_id text,
  bet text, closes boolean not null, partner uuid, partner_version bigint)`;

/** A deposit for each player who has none. args: name of the step, when */
const DEPOSITS = `
insert into step (place, n, part, kind, player_id, operator_id, account_id, house, amount, at, reference, closes)
select s.place, s.place, 0, 'deposit', s.player_id, s.operator_id, a.account_id, 4, ${OPENING}, $2, $1 || '-' || s.place, false
from seat s join wallet w on w.player_id = s.player_id and w.currency = 'EUR' and w.version = 0
join provider_account a on a.operator_id = s.operator_id and a.provider = 'cashier'`;

/** args: name of the step, from, to, rounds */
const ROUNDS = `
with drawn as materialized (
  select n, 1 + floor(power(random(), 3) * (select count(*) from seat))::int as seat, 1 + floor(random() * ${PROVIDERS})::int as studio, 1 + floor(power(random(), 2) * ${GAMES})::int as game,
    (1 + floor(random() * 100))::bigint * 100000 as stake, random() as luck, random() as times,
    date_trunc('milliseconds', $2::timestamptz + random() * ($3::timestamptz - $2::timestamptz)) as begins, floor(random() * 4000) * interval '1 ms' as takes
  from generate_series(1, $4::int) n),
played as (
  select d.*, s.player_id, s.operator_id, a.account_id, least(begins + takes, date_trunc('milliseconds', $3::timestamptz - interval '1 ms')) as ends,
    luck > 0.99 as undone, case when luck < 0.3 then (stake * (0.2 + times * 6))::bigint / 10000 * 10000 else 0 end as payout
  from drawn d join seat s on s.place = d.seat join studio a on a.place = d.studio)
insert into step (place, n, part, kind, player_id, operator_id, account_id, house, amount, at, reference, round, game_id, bet, closes)
select seat, n, 1, 'bet', player_id, operator_id, account_id, 1, -stake, least(begins, ends), $1 || '-' || n, $1 || '-' || n, 'game-' || game, null, false from played
union all
select seat, n, 2, case when undone then 'rollback' else 'win' end, player_id, operator_id, account_id, 1, case when undone then stake else payout end, ends, $1 || '-' || n || case when undone then 'x' else 'w' end,
  case when undone then null else $1 || '-' || n end, case when undone then null else 'game-' || game end, case when undone then null else $1 || '-' || n end, not undone from played`;

/** In the order of time, which is the order of each wallet's versions too. args: lane */
const ORDER = `
update step s set version = o.version, balance = o.balance, batch = o.batch, id = o.id from (
  select ctid, version + row_number() over mine as version, balance + sum(amount) over mine as balance, batch,
    (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(place), 3, '0') || lpad(to_hex((2::bigint << 62) | ($1::bigint << 30) | batch), 16, '0'))::uuid as id
  from (
    select e.ctid, e.player_id, e.amount, e.at, e.n, e.part, w.version, w.balance, (all_rows - 1) / ${ROWS_A_BATCH} + 1 as batch, ((all_rows - 1) % ${ROWS_A_BATCH})::int as place
    from (select ctid, *, row_number() over (order by at, n, part) as all_rows from step) e join wallet w on w.player_id = e.player_id and w.currency = 'EUR') x
  window mine as (partition by player_id order by at, n, part)) o
where s.ctid = o.ctid`;

/** A round's two rows know each other. */
const PAIR = `
update step s set partner = o.id, partner_version = o.version from step o where o.n = s.n and s.part in (1, 2) and o.part = 3 - s.part`;

const ENTRIES = `
insert into transaction (player_id, operator_id, account_id, currency, version, at, transaction_id, kind, house, amount, balance_after, closes_round, lane, batch, reference, round, game_id, undoes, bet)
select player_id, operator_id, account_id, 'EUR', version, at, id, kind::transaction_kind, house, amount, balance, closes, $1, batch, reference, round, game_id,
  case kind when 'rollback' then partner end, bet from step order by batch`;

const field = (text: string): string => `coalesce(length(${text}) || ':' || ${text}, '0:')`;
const digest = (...texts: string[]): string => fingerprintOf(`chr(1) || ${texts.map(field).join(' || ')}`);
const DIGEST = `case s.kind
  when 'bet' then ${digest("'bet'", "'cash'", '(-s.amount)::text', "'EUR'", 's.round', 's.game_id', 'null', 'null')}
  when 'win' then ${digest("'win'", "'win'", 's.amount::text', "'EUR'", 's.round', 's.game_id', 's.bet', 'null')}
  when 'rollback' then ${digest("'rollback'", "'bet'", 'null', "'EUR'", 'null', 'null', 'o.reference', 'null')}
  else ${digest("'deposit'", 'null', 's.amount::text', "'EUR'")} end`;
const KEYS = `
insert into transaction_key (player_id, operator_id, account_id, operation, reference, outcome, digest_version, digest, transaction_id, currency, amount, wins, version, round, original, undone_by, last_win)
select s.player_id, s.operator_id, s.account_id, case s.kind when 'deposit' then 'cashier' else s.kind end::operation, ${fingerprintOf('s.reference')}, 'applied', 1, ${DIGEST}, s.id, 'EUR', s.amount,
  case when s.kind = 'win' or s.kind = 'bet' and o.kind = 'win' then 1 else 0 end, s.version, ${fingerprintOf('s.round')},
  case s.kind when 'win' then ${fingerprintOf('s.bet')} when 'rollback' then ${fingerprintOf('o.reference')} end,
  case when s.kind = 'bet' and o.kind = 'rollback' then s.partner end, case when s.kind = 'bet' and o.kind = 'win' then ${fingerprintOf('o.reference')} end
from step s left join step o on o.n = s.n and s.part in (1, 2) and o.part = 3 - s.part`;

const ROUND_ROWS = `
insert into round (player_id, operator_id, account_id, currency, round, state, staked, won, bets, undone, named, last_bet_version, first_version, last_version)
select b.player_id, b.operator_id, b.account_id, 'EUR', ${fingerprintOf('b.round')}, case o.kind when 'win' then 'closed' else 'open' end::round_state,
  case o.kind when 'win' then -b.amount else 0 end, case o.kind when 'win' then o.amount else 0 end, 1, case o.kind when 'win' then 0 else 1 end,
  case o.kind when 'win' then 1 else 0 end, b.version, b.version, o.version
from step b join step o on o.n = b.n and o.part = 2 where b.part = 1`;

const MOVE_WALLETS = `
update wallet w set balance = s.balance, version = s.version, at = s.at
from (select distinct on (player_id) player_id, balance, version, at from step order by player_id, version desc) s
where w.player_id = s.player_id and w.currency = 'EUR'`;

const LANE = `
insert into lane (lane, batch, opened_at) select $1, coalesce(max(batch), 0), coalesce(min(at), now()) from step`;

/** As owner. Fails where the database is not migrated; what a broken-off run wrote stays, and is whole. */
export async function seedHistory(ownerUrl: string, { transactions, players, days, progress }: SeedOptions): Promise<Seeded> {
  const began = performance.now();
  const client = await connect(ownerUrl, { name: 'croupier seed', settings: SETTINGS, connectMs: 10_000 });
  try {
    const { rows: [clock] } = await client.query<{ now: Date; run: string }>("select date_trunc('milliseconds', clock_timestamp()) as now, to_hex((random() * 1e9)::int) as run");
    const { now, run } = clock as { now: Date; run: string };
    const begins = new Date(now.getTime() - days * 86_400_000);
    await client.query(WORLD);
    await client.query(PLAYERS, [players]);
    await client.query(WALLETS, [begins]);
    await makeMonthsSince(client, begins);
    await client.query(STAGE);
    let rows = await step(client, (params) => client.query(DEPOSITS, params), [`${run}-in`, begins]);
    progress?.(rows);
    const left = Math.max(transactions - rows, 2);
    const steps = whole(left - 1, ROWS_A_STEP) + 1;
    const rounds = whole(left, 2 * steps);
    // The first moments belong to the deposits.
    const [from, span] = [begins.getTime() + 60_000, now.getTime() - begins.getTime() - 60_000];
    for (let i = 0; i < steps; i++) {
      const bounds = [i, i + 1].map((place) => new Date(from + (span * place) / steps));
      rows += await step(client, (params) => client.query(ROUNDS, params), [`${run}-${i}`, ...bounds, rounds]);
      progress?.(rows);
    }
    for (const table of ['wallet', 'transaction', 'transaction_key', 'round', 'player', 'lane']) await client.query(`vacuum analyze ${table}`);
    const found = await client.query<{ operator_id: string }>('select operator_id from operator where name = $1', [SEED_OPERATOR]);
    return { operatorId: found.rows[0]?.operator_id as string, transactions: rows, ms: performance.now() - began };
  } finally {
    await client.end();
  }
}

const whole = (count: number, by: number): number => (count - (count % by)) / by;

/** One transaction, on a lane of its own; answers how many rows it wrote. */
async function step(client: pg.Client, draw: (params: unknown[]) => Promise<pg.QueryResult>, params: unknown[]): Promise<number> {
  await client.query('begin');
  try {
    await client.query('truncate step');
    // Nobody plays with these players, and if somebody does he waits.
    await client.query('select 1 from wallet w join seat s using (player_id) order by w.player_id, w.currency for no key update of w');
    const rows = (await draw(params)).rowCount ?? 0;
    await client.query('analyze step');
    const lane = (await client.query<{ lane: number }>('select x as lane from (select (random() * 2147483646)::int + 1 as x from generate_series(1, 20)) d where not exists (select from lane where lane = x) limit 1')).rows[0]?.lane;
    for (const [text, args] of [[ORDER, [lane]], [PAIR, []], [ENTRIES, [lane]], [KEYS, []], [ROUND_ROWS, []], [MOVE_WALLETS, []], [LANE, [lane]]] as const) await client.query(text, [...args]);
    await client.query('commit');
    return rows;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/** The ledger's months before this one, where there are none; nothing is in the default partition of a time that nobody has written. */
async function makeMonthsSince(client: pg.Client, since: Date): Promise<void> {
  const first = new Date(Date.UTC(since.getUTCFullYear(), since.getUTCMonth(), 1));
  for (let month = first; month < new Date(); month = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1))) {
    const next = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1));
    for (const table of ['transaction', 'verdict']) {
      const name = `${table}_${month.toISOString().slice(0, 7).replace('-', '_')}`;
      if ((await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name])).rows[0]?.there) continue;
      await client.query(`create table ${name} (like ${table} including defaults including constraints including indexes including storage)`);
      await client.query('select guard_tenants($1::regclass)', [name]);
      await client.query(`alter table ${table} attach partition ${name} for values from ('${month.toISOString()}') to ('${next.toISOString()}')`);
    }
  }
}
