/** Rounds and settlements, made anew from the ledger's rows. */
import { fingerprintOf, type Check } from './check.ts';

/** A win in force that names a bet counts on it, if the bet was there first. */
const SETTLED = `
undone as (select distinct player_id, undoes as transaction_id from transaction where kind = 'rollback'),
settling as (
  select w.player_id, w.transaction_id as win, b.transaction_id as bet, u.transaction_id is null as in_force
  from transaction w
  join transaction b on b.player_id = w.player_id and b.account_id = w.account_id and b.currency = w.currency and b.reference = w.bet
    and b.kind = 'bet' and b.version < w.version
  left join undone u on u.player_id = w.player_id and u.transaction_id = w.transaction_id
  where w.kind = 'win'),
settled as (select player_id, bet as transaction_id, count(*) as wins from settling where in_force group by player_id, bet)`;

/** Bets and wins that their key says belong to a round; `stage`: how many of the round's bets were there before. */
const MOVED = `
moved as (
  select t.player_id, t.account_id, k.round, t.round as name, t.currency, t.version, t.kind, t.amount, t.bet, t.closes_round,
    u.transaction_id is not null as undone, s.wins is not null as settled,
    count(*) filter (where t.kind = 'bet') over (partition by t.player_id, t.account_id, k.round order by t.version) as stage
  from transaction t
  join transaction_key k on k.player_id = t.player_id and k.transaction_id = t.transaction_id and k.outcome = 'applied' and k.round is not null
  left join undone u on u.player_id = t.player_id and u.transaction_id = t.transaction_id
  left join settled s on s.player_id = t.player_id and s.transaction_id = t.transaction_id
  where t.kind in ('bet', 'win'))`;

const totals: Check = {
  invariant: 'I9', says: "a round's totals are those of its rows", over: ['round', 'transaction'],
  query: `
with ${SETTLED}, ${MOVED}, made as (
  select player_id, account_id, round, min(name) as name, min(currency) as currency, max(currency) as other_currency, max(version) as version,
    coalesce(sum(-amount) filter (where kind = 'bet' and not undone), 0) as staked, coalesce(sum(amount) filter (where kind = 'win' and not undone), 0) as won,
    count(*) filter (where kind = 'bet') as bets, count(*) filter (where kind = 'bet' and undone) as undone
  from moved group by player_id, account_id, round)
select v.player_id, v.currency, v.version, t.transaction_id, what
from (
  select player_id, coalesce(r.currency, m.currency) as currency, m.version, case
    when m.bets is null then format('a round (%s) that no row belongs to', round)
    when r.bets is null then format('round "%s" has rows and is not there', m.name)
    when m.currency <> r.currency or m.other_currency <> r.currency then format('round "%s" is in %s and has rows in another currency', m.name, r.currency)
    else format('round "%s" says staked %s, won %s, bets %s, undone %s; its rows say %s, %s, %s, %s', m.name, r.staked, r.won, r.bets, r.undone,
      m.staked, m.won, m.bets, m.undone) end as what
  from round r full join made m using (player_id, account_id, round)
  where (r.staked, r.won, r.bets, r.undone) is distinct from (m.staked, m.won, m.bets, m.undone) or m.currency <> r.currency or m.other_currency <> r.currency) v
left join lateral (select transaction_id from transaction where player_id = v.player_id and currency = v.currency and version = v.version limit 1) t on true`,
};

/** Wins that name no bet form a pair [version of the newest, how many in force] with bets between the pairs. */
const PAIRS = `
pairs as (
  select player_id, account_id, round, string_agg(newest || ',' || in_force, ',' order by stage) as settlements
  from (select player_id, account_id, round, stage, max(version) as newest, count(*) filter (where not undone) as in_force
    from moved where kind = 'win' and bet is null group by player_id, account_id, round, stage) s
  where in_force > 0 group by player_id, account_id, round)`;

const state: Check = {
  invariant: 'I17', says: "a round's state and what is settled follow from the rows", over: ['round', 'transaction', 'transaction_key'],
  query: `
with ${SETTLED}, ${MOVED}, ${PAIRS}, closing as (
  select player_id, account_id, ${fingerprintOf('round')} as round, min(round) as name, min(currency) as currency, max(version) as version
  from transaction where closes_round and round is not null group by 1, 2, 3),
made as (
  select player_id, account_id, round, min(name) as name, max(version) as version, count(*) filter (where kind = 'bet' and settled) as named,
    coalesce(max(version) filter (where kind = 'bet'), 0) as last_bet_version
  from moved group by player_id, account_id, round)
select v.player_id, v.currency, v.version, t.transaction_id, what
from (
  select r.player_id, r.currency, m.version, format('round "%s" is %s, settled by name %s, by round {%s}, its last bet of version %s; by its rows it is %s, %s, {%s}, %s',
    m.name, r.state, r.named, array_to_string(r.settlements, ','), r.last_bet_version,
    case when c.round is null then 'open' else 'closed' end, m.named, p.settlements, m.last_bet_version) as what
  from round r join made m using (player_id, account_id, round) left join pairs p using (player_id, account_id, round) left join closing c using (player_id, account_id, round)
  where (r.state = 'closed') <> (c.round is not null) or r.named <> m.named or r.last_bet_version <> m.last_bet_version
    or coalesce(array_to_string(r.settlements, ','), '') <> coalesce(p.settlements, '')) v
left join lateral (select transaction_id from transaction where player_id = v.player_id and currency = v.currency and version = v.version limit 1) t on true
union all
select c.player_id, c.currency, c.version, t.transaction_id, format('it closes round "%s", which is not there', c.name)
from closing c
left join round r using (player_id, account_id, round)
left join lateral (select transaction_id from transaction where player_id = c.player_id and currency = c.currency and version = c.version limit 1) t on true
where r.round is null
union all
select player_id, currency, version, transaction_id, format('a close closes round "%s" no more', round) from transaction where kind = 'close' and not closes_round
union all
select k.player_id, k.currency, k.version, k.transaction_id, format('the key of a %s counts %s wins on its bet, the ledger %s', k.operation, k.wins, coalesce(e.wins, 0))
from transaction_key k
left join (select player_id, transaction_id, wins from settled union all select player_id, win, 1 from settling) e
  on e.player_id = k.player_id and e.transaction_id = k.transaction_id
where k.outcome = 'applied' and k.wins <> coalesce(e.wins, 0)`,
};

export const ROUNDS = { totals, state };
