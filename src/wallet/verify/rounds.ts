/** Rounds and settlements, made anew from the ledger's rows. */
import { fingerprintOf, fingerprintOfBoth, rowOf, type Check } from './check.ts';

/** A win in force that names a bet counts on it, if the bet was there first and not undone yet. */
const SETTLED = `
undone as (select player_id, undoes as transaction_id, min(version) as version from transaction where kind = 'rollback' group by 1, 2),
settling as (
  select w.player_id, w.transaction_id as win, b.transaction_id as bet, u.transaction_id is null as in_force
  from transaction w
  join transaction b on b.player_id = w.player_id and b.account_id = w.account_id and b.currency = w.currency and b.reference = w.bet
    and b.kind = 'bet' and b.version < w.version
  left join undone u on u.player_id = w.player_id and u.transaction_id = w.transaction_id
  left join undone before on before.player_id = b.player_id and before.transaction_id = b.transaction_id and before.version < w.version
  where w.kind = 'win' and before.player_id is null),
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

/** Rows that name a round, and which: it may be told apart by its game too. */
const NAMED = `
named as (
  select t.player_id, t.account_id, r.round, t.round as name, t.currency, t.version, t.transaction_id, t.kind, t.closes_round
  from transaction t join round r on r.player_id = t.player_id and r.account_id = t.account_id and r.round = ${fingerprintOf('t.round')}
  where t.round is not null
  union all
  select t.player_id, t.account_id, r.round, t.round, t.currency, t.version, t.transaction_id, t.kind, t.closes_round
  from transaction t join round r on r.player_id = t.player_id and r.account_id = t.account_id
    and r.round = ${fingerprintOfBoth('t.round', "coalesce(t.game_id, '')")}
  where t.round is not null)`;

const totals: Check = {
  invariant: 'I9', says: "a round's totals are those of its rows", over: ['round', 'transaction'],
  query: `
with ${SETTLED}, ${MOVED}, ${NAMED},
cancelled as (select distinct player_id, account_id, round from named where kind = 'cancel'),
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
    when m.bets is null then case
      when c.player_id is null then format('no row belongs to round %s', round)
      when (r.staked, r.won, r.bets, r.undone) is distinct from (0, 0, 0, 0) then format('round %s was cancelled before it began, and has totals', round) end
    when r.bets is null then format('round "%s" has rows and is not there', m.name)
    when m.currency <> r.currency or m.other_currency <> r.currency
      then format('round "%s" is in %s and has rows in another currency', m.name, r.currency)
    when (r.staked, r.won, r.bets, r.undone) is distinct from (m.staked, m.won, m.bets, m.undone)
      then format('round "%s" says staked %s, won %s, bets %s, undone %s; its rows say %s, %s, %s, %s',
        m.name, r.staked, r.won, r.bets, r.undone, m.staked, m.won, m.bets, m.undone) end as what
  from round r full join made m using (player_id, account_id, round) left join cancelled c using (player_id, account_id, round)) v
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

const ENDED = `
ended as (
  select player_id, account_id, round, min(name) as name, min(currency) as currency, max(version) as version,
    case when bool_or(kind = 'cancel') then 'cancelled' else 'closed' end as state
  from named where closes_round or kind = 'cancel' group by 1, 2, 3)`;

const SAYS = "'%s, settled by name %s, by round {%s}, last bet %s'";

const state: Check = {
  invariant: 'I17', says: "a round's state and what is settled follow from the rows", over: ['round', 'transaction', 'transaction_key'],
  query: `
with ${SETTLED}, ${MOVED}, ${PAIRS}, ${NAMED}, ${ENDED},
made as (
  select player_id, account_id, round, min(name) as name, max(version) as version,
    count(*) filter (where kind = 'bet' and settled) as named, coalesce(max(version) filter (where kind = 'bet'), 0) as last_bet
  from moved group by player_id, account_id, round),
compared as (
  select r.player_id, r.currency, coalesce(m.version, e.version) as version, coalesce(m.name, e.name) as name,
    format(${SAYS}, r.state, r.named, array_to_string(r.settlements, ','), r.last_bet_version) as says,
    format(${SAYS}, coalesce(e.state, 'open'), coalesce(m.named, 0), p.settlements, coalesce(m.last_bet, 0)) as made
  from round r
  left join made m using (player_id, account_id, round)
  left join pairs p using (player_id, account_id, round)
  left join ended e using (player_id, account_id, round)
  where m.player_id is not null or e.player_id is not null)
select v.player_id, v.currency, v.version, t.transaction_id, format('round "%s" is %s; by its rows %s', name, says, made) as what
from compared v ${rowOf('v')} where says <> made
union all
select t.player_id, t.currency, t.version, t.transaction_id,
  format('it %s round "%s", which is not there', case t.kind when 'cancel' then 'cancels' else 'closes' end, t.round)
from transaction t left join named n on n.player_id = t.player_id and n.transaction_id = t.transaction_id
where (t.closes_round and t.round is not null or t.kind = 'cancel') and n.player_id is null
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

/** Awards and adjustments count in no round and may come before there is one. */
const span: Check = {
  invariant: 'I9', says: "a round's rows stand between its versions", over: ['round', 'transaction'],
  query: `
with ${NAMED},
its as (
  select * from named where kind not in ('promo_win', 'adjustment')
  union all
  select n.player_id, n.account_id, n.round, n.name, u.currency, u.version, u.transaction_id, u.kind, u.closes_round
  from named n join transaction u on u.player_id = n.player_id and u.undoes = n.transaction_id where n.kind not in ('promo_win', 'adjustment'))
select i.player_id, i.currency, i.version, i.transaction_id,
  format('round "%s" says that its rows stand between versions %s and %s', i.name, r.first_version, r.last_version) as what
from its i join round r using (player_id, account_id, round)
where i.version not between r.first_version and r.last_version`,
};

export const ROUNDS = { totals, span, state };
