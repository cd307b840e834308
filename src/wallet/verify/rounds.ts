/** Rounds and settlements, made anew from the ledger's rows. */
import { fingerprintOf, rowOf, type Check } from './check.ts';

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

/** Bets and wins that their key says belong to a round; `stage`: how many of the round's bets had come by then. */
const MOVED = `
moved as (
  select t.player_id, t.account_id, k.round, t.round as name, t.currency, t.version, t.kind, t.amount, t.bet,
    u.transaction_id is not null as undone, s.wins is not null as settled,
    count(*) filter (where t.kind = 'bet') over (partition by t.player_id, t.account_id, k.round order by t.version) as stage
  from transaction t
  join transaction_key k
    on k.player_id = t.player_id and k.transaction_id = t.transaction_id and k.outcome = 'applied' and k.round is not null
  left join undone u on u.player_id = t.player_id and u.transaction_id = t.transaction_id
  left join settled s on s.player_id = t.player_id and s.transaction_id = t.transaction_id
  where t.kind in ('bet', 'win'))`;

const totals: Check = {
  invariant: 'I9', says: "a round's totals are those of its rows", over: ['round', 'transaction'],
  query: `
with ${SETTLED}, ${MOVED},
made as (
  select player_id, account_id, round, min(name) as name, max(version) as version,
    min(currency) as currency, max(currency) as other_currency,
    coalesce(sum(-amount) filter (where kind = 'bet' and not undone), 0) as staked,
    coalesce(sum(amount) filter (where kind = 'win' and not undone), 0) as won,
    count(*) filter (where kind = 'bet') as bets, count(*) filter (where kind = 'bet' and undone) as undone
  from moved group by player_id, account_id, round)
select v.player_id, v.currency, v.version, t.transaction_id, what
from (
  select player_id, coalesce(r.currency, m.currency) as currency, m.version, case
    when m.bets is null then format('no row belongs to round %s', round)
    when r.bets is null then format('round "%s" has rows and is not there', m.name)
    when m.currency <> r.currency or m.other_currency <> r.currency
      then format('round "%s" is in %s and has rows in another currency', m.name, r.currency)
    when (r.staked, r.won, r.bets, r.undone) is distinct from (m.staked, m.won, m.bets, m.undone)
      then format('round "%s" says staked %s, won %s, bets %s, undone %s; its rows say %s, %s, %s, %s',
        m.name, r.staked, r.won, r.bets, r.undone, m.staked, m.won, m.bets, m.undone) end as what
  from round r full join made m using (player_id, account_id, round)) v
${rowOf('v')}
where what is not null`,
};

/** Wins that name no bet are in pairs [version of the newest, how many in force], with bets between the pairs. */
const PAIRS = `
pairs as (
  select player_id, account_id, round, string_agg(newest || ',' || in_force, ',' order by stage) as settlements
  from (
    select player_id, account_id, round, stage, max(version) as newest, count(*) filter (where not undone) as in_force
    from moved where kind = 'win' and bet is null group by player_id, account_id, round, stage) s
  where in_force > 0 group by player_id, account_id, round)`;

const CLOSING = `
closing as (
  select player_id, account_id, ${fingerprintOf('round')} as round, min(round) as name, min(currency) as currency, max(version) as version
  from transaction where closes_round and round is not null group by 1, 2, 3)`;

const SAYS = "'%s, settled by name %s, by round {%s}, last bet %s'";

const state: Check = {
  invariant: 'I17', says: "a round's state and what is settled follow from the rows", over: ['round', 'transaction', 'transaction_key'],
  query: `
with ${SETTLED}, ${MOVED}, ${PAIRS}, ${CLOSING},
made as (
  select player_id, account_id, round, min(name) as name, max(version) as version,
    count(*) filter (where kind = 'bet' and settled) as named, coalesce(max(version) filter (where kind = 'bet'), 0) as last_bet
  from moved group by player_id, account_id, round),
compared as (
  select r.player_id, r.currency, m.version, m.name,
    format(${SAYS}, r.state, r.named, array_to_string(r.settlements, ','), r.last_bet_version) as says,
    format(${SAYS}, case when c.round is null then 'open' else 'closed' end, m.named, p.settlements, m.last_bet) as made
  from round r
  join made m using (player_id, account_id, round)
  left join pairs p using (player_id, account_id, round)
  left join closing c using (player_id, account_id, round))
select v.player_id, v.currency, v.version, t.transaction_id, format('round "%s" is %s; by its rows %s', name, says, made) as what
from compared v ${rowOf('v')} where says <> made
union all
select c.player_id, c.currency, c.version, t.transaction_id, format('it closes round "%s", which is not there', c.name)
from closing c left join round r using (player_id, account_id, round) ${rowOf('c')} where r.round is null
union all
select player_id, currency, version, transaction_id, format('a close of round "%s" does not close it', round)
from transaction where kind = 'close' and not closes_round
union all
select k.player_id, k.currency, k.version, k.transaction_id,
  format('the key of a %s counts %s wins on its bet, the ledger %s', k.operation, k.wins, coalesce(e.wins, 0))
from transaction_key k
left join (select player_id, transaction_id, wins from settled union all select player_id, win, 1 from settling) e
  on e.player_id = k.player_id and e.transaction_id = k.transaction_id
where k.outcome = 'applied' and k.wins <> coalesce(e.wins, 0)`,
};

/** Awards count in no round and may come before there is one. */
const span: Check = {
  invariant: 'I9', says: "a round's rows stand between its versions", over: ['round', 'transaction'],
  query: `
with named as (
  select player_id, account_id, ${fingerprintOf('round')} as round, round as name, currency, version, transaction_id
  from transaction where round is not null and kind <> 'promo_win'),
its as (
  select * from named
  union all
  select n.player_id, n.account_id, n.round, n.name, u.currency, u.version, u.transaction_id
  from named n join transaction u on u.player_id = n.player_id and u.undoes = n.transaction_id)
select i.player_id, i.currency, i.version, i.transaction_id,
  format('round "%s" says that its rows stand between versions %s and %s', i.name, r.first_version, r.last_version) as what
from its i join round r using (player_id, account_id, round)
where i.version not between r.first_version and r.last_version`,
};

export const ROUNDS = { totals, span, state };
