/**
 * Proves what projections say against the ledger, up to the position of each, for `cli verify`: one query a check, each answering the rows for which
 * it does not hold. Written from the definitions, beside the projections and not out of them. As a role that sees all tenants.
 */

/** As the checks of the wallet are. */
export interface ViewCheck {
  readonly invariant: string;
  readonly says: string;
  readonly over: readonly ('transaction' | 'lane')[];
  /** answers a row a violation: player_id, currency, version, transaction_id (each null where there is none), what (a sentence) */
  readonly query: string;
}

/** How far a projection has come in each lane. One that is retired has nothing more, and is in no position. */
const reached = (name: string) => `reached as materialized (
  select l.lane, coalesce(p.batches[array_position(p.lanes, l.lane)], case when l.retired_at is not null and p.caught_up then l.batch else 0 end) as batch
  from lane l join projection p on p.name = ${name} and not p.building)`;

/** Rows of players who count, each with the kind it is counted as, its game, its gaming day and its effect. */
const counted = (name: string) => `${reached(`'${name}'`)}, counted as materialized (
  select t.operator_id, t.player_id, t.currency, t.account_id, t.lane, t.batch, t.at, t.version, t.kind::text as kind, t.face, p.time_zone, p.day_starts,
    case when o.transaction_id is null then t.kind::text else o.kind::text end as counts_as, coalesce(t.game_id, o.game_id, '') as game_id,
    gaming_day(t.at, p.time_zone, p.day_starts) as day, gaming_day(o.at, p.time_zone, p.day_starts) as undone_day, t.amount::numeric - coalesce(t.debt, 0) as effect
  from transaction t
  join reached r on r.lane = t.lane and t.batch <= r.batch
  join operator p on p.operator_id = t.operator_id
  join player x on x.player_id = t.player_id and not x.test
  left join transaction o on o.transaction_id = t.undoes
  where t.kind not in ('close', 'cancel'))`;

const COUNTS = `sum((kind = 'bet')::int) as bets, sum((kind = 'rollback' and counts_as = 'bet')::int) as undone_bets,
  sum((kind = 'bet' and face is not null)::int) as free_bets, sum((kind = 'win')::int) as wins`;
const MONEY = `-sum(case counts_as when 'bet' then effect else 0 end) as turnover, sum(case counts_as when 'win' then effect else 0 end) as won,
  sum(case counts_as when 'promo_win' then effect else 0 end) as awarded, sum(case counts_as when 'adjustment' then effect else 0 end) as adjusted,
  sum(case counts_as when 'deposit' then effect else 0 end) as deposited, -sum(case counts_as when 'withdrawal' then effect else 0 end) as withdrawn`;
const NUMBERS = ['bets', 'undone_bets', 'free_bets', 'wins', 'turnover', 'won', 'awarded', 'adjusted', 'deposited', 'withdrawn'];

interface Compared {
  /** a table of a projection, and what the ledger says its rows are; both have these columns */
  readonly table: string;
  readonly ledger: string;
  readonly keys: readonly string[];
  readonly numbers: readonly string[];
  readonly player: 'player_id' | 'null::uuid';
}

/** Every row of one that the other has not, or has otherwise. */
const differences = (withs: string, { table, ledger, keys, numbers, player }: Compared): string => `
with ${withs}, ledger as (${ledger})
select ${player} as player_id, currency, null::bigint as version, null::uuid as transaction_id,
  format('${table} of %s: %s, the ledger has %s', concat_ws(' ', ${keys.filter((key) => key !== 'currency').map((key) => `'${key} ' || ${key}`).join(', ')}),
    case when v.there then (${said('v', numbers)}) else 'nothing' end, case when l.there then (${said('l', numbers)}) else 'nothing' end) as what
from (select true as there, * from ${table}) v full join (select true as there, * from ledger) l using (${keys.join(', ')})
where ${['there', ...numbers].map((name) => `v.${name} is distinct from l.${name}`).join(' or ')}`;
const said = (alias: string, numbers: readonly string[]) => numbers.length === 0 ? "'a row'" : `concat_ws(' ', ${numbers.map((name) => `'${name} ' || ${alias}.${name}`).join(', ')})`;

const days: ViewCheck = {
  invariant: 'I14', says: 'revenue of each gaming day is what the ledger says, what is late apart', over: ['transaction', 'lane'],
  query: differences(counted('revenue'), {
    table: 'revenue_day', keys: ['operator_id', 'day', 'late', 'account_id', 'game_id', 'currency'], numbers: NUMBERS, player: 'null::uuid',
    ledger: `
select c.operator_id, c.day, account_id, game_id, currency, ${COUNTS}, ${MONEY},
  coalesce(undone_day < c.day, false) or (k.day is not null and c.batch > coalesce(k.batches[array_position(k.lanes, c.lane)], 0)) as late
from counted c left join locked_day k on k.operator_id = c.operator_id and k.day = c.day
group by c.operator_id, c.day, account_id, game_id, currency, late`,
  }),
};

const HOURLY = ['bets', 'turnover', 'won'];
const hours: ViewCheck = {
  invariant: 'I14', says: 'revenue of each hour is what the ledger says', over: ['transaction', 'lane'],
  query: differences(counted('revenue'), {
    table: 'revenue_hour', keys: ['operator_id', 'hour', 'account_id', 'currency'], numbers: HOURLY, player: 'null::uuid',
    ledger: `
select operator_id, account_id, currency, ${COUNTS}, ${MONEY},
  day_begins(day, time_zone, day_starts) + floor(extract(epoch from at - day_begins(day, time_zone, day_starts)) / 3600) * interval '1 hour' as hour
from counted where counts_as in ('bet', 'win') group by operator_id, account_id, currency, hour`,
  }),
};

const players: ViewCheck = {
  invariant: 'I12', says: 'what each player’s games came to on each gaming day is what the ledger says', over: ['transaction', 'lane'],
  query: differences(counted('players'), {
    table: 'player_game_day', keys: ['operator_id', 'player_id', 'day', 'account_id', 'game_id', 'currency'], player: 'player_id',
    numbers: [...NUMBERS, 'first_version', 'last_version', 'first_bet_at'],
    ledger: `
select operator_id, player_id, day, account_id, game_id, currency, ${COUNTS}, ${MONEY}, min(version) as first_version, max(version) as last_version,
  min(at) filter (where kind = 'bet') as first_bet_at
from counted group by operator_id, player_id, day, account_id, game_id, currency`,
  }),
};

const whoPlayed = (table: string, by: string, numbers: readonly string[]): ViewCheck => ({
  invariant: 'I12', says: `who made a bet on each gaming day is what the ledger says: ${table}`, over: ['transaction', 'lane'],
  query: differences(counted('players'), {
    table, keys: ['operator_id', 'player_id', ...by.split(', ')], player: 'player_id', numbers,
    ledger: `select operator_id, player_id, ${by}, min(at) as first_bet_at from counted where kind = 'bet' group by operator_id, player_id, ${by}`,
  }),
});

const once: ViewCheck = {
  invariant: 'I12', says: 'each projection has applied every transaction up to its position once', over: ['transaction', 'lane'],
  query: `
with ${reached('p.name').replace('select l.lane', 'select p.name, p.applied, l.lane')}
select null::uuid as player_id, null::text as currency, null::bigint as version, null::uuid as transaction_id,
  format('%s has applied %s, up to its position the ledger has %s', name, applied, there) as what
from (
  select p.name, p.applied, coalesce(sum(r.there), 0) as there
  from projection p left join (
    select r.name, count(*) as there from reached r join transaction t on t.lane = r.lane and t.batch <= r.batch group by r.name) r on r.name = p.name
  where not p.building group by p.name, p.applied) each_view
where applied <> there`,
};

const hashed = (bytes: string) => `encode(substring(sha256(${bytes}) for 16), 'hex')::uuid`;

/** A row is of a round where money keeps one: by its id, or by its id and game. A rollback is of the round of what it undoes. By player, account and currency. */
const rounds: ViewCheck = {
  invariant: 'I14', says: 'what was staked and won in the rounds of each player is what the ledger says', over: ['transaction', 'lane'],
  query: differences(`${reached("'rounds'")}, listed as materialized (
    select operator_id, player_id, account_id, currency, sum(bets) as bets, sum(undone_bets) as undone_bets, sum(wins) as wins, sum(staked) as staked, sum(won) as won
    from played_round group by operator_id, player_id, account_id, currency),
  moved as materialized (
    select t.operator_id, t.player_id, t.account_id, t.currency, t.kind::text as kind, coalesce(o.kind, t.kind)::text as counts_as, t.amount::numeric - coalesce(t.debt, 0) as effect,
      convert_to(coalesce(t.round, o.round), 'UTF8') as id, convert_to(coalesce(t.game_id, o.game_id, ''), 'UTF8') as game
    from transaction t
    join reached r on r.lane = t.lane and t.batch <= r.batch
    join player x on x.player_id = t.player_id and not x.test
    left join transaction o on o.transaction_id = t.undoes
    where coalesce(t.round, o.round) is not null and (coalesce(o.kind, t.kind) in ('bet', 'win', 'close', 'cancel') or t.closes_round))`, {
    table: 'listed', keys: ['operator_id', 'player_id', 'account_id', 'currency'], numbers: ['bets', 'undone_bets', 'wins', 'staked', 'won'], player: 'player_id',
    ledger: `
select operator_id, player_id, account_id, currency, sum((kind = 'bet')::int) as bets, sum((kind = 'rollback' and counts_as = 'bet')::int) as undone_bets, sum((kind = 'win')::int) as wins,
  -sum(case counts_as when 'bet' then effect else 0 end) as staked, sum(case counts_as when 'win' then effect else 0 end) as won
from moved m where exists (select from round r where r.player_id = m.player_id and r.account_id = m.account_id and r.round in (${hashed('m.id')}, ${hashed("m.id || '\\x00'::bytea || m.game")}))
group by operator_id, player_id, account_id, currency`,
  }).replaceAll("'listed of %s", "'played_round of %s"),
};

const roundDays: ViewCheck = {
  invariant: 'I14', says: 'rounds opened and ended on each gaming day are those that are there', over: ['transaction', 'lane'],
  query: differences('days as (select 1)', {
    table: 'round_day', keys: ['operator_id', 'day', 'account_id', 'game_id', 'currency'], numbers: ['opened', 'ended'], player: 'null::uuid',
    ledger: `
select p.operator_id, m.day, p.account_id, coalesce(p.game_id, '') as game_id, p.currency, sum(m.opened) as opened, sum(m.ended) as ended
from played_round p cross join lateral (values (p.opened_day, 1, 0), (p.ended_day, 0, 1)) m(day, opened, ended) where m.day is not null group by 1, 2, 3, 4, 5`,
  }),
};

/** What `cli verify` runs behind the checks of the wallet. */
export const VIEW_CHECKS: readonly ViewCheck[] = [
  days, hours, players, whoPlayed('player_account_day', 'day, account_id, currency', []), whoPlayed('player_day', 'day, currency', ['first_bet_at']),
  rounds, roundDays, once,
];
