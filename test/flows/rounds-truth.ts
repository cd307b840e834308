/** What the projected rounds must be, said in other words: out of money's own rounds, and out of ledger and keys. */

/** of `played_round`, as the two below name it */
export const LIVE = {
  money: 'player_id, account_id, round, operator_id, currency, state::text, staked::text, won::text, bets, undone_bets as undone',
  ledger: 'player_id, account_id, round, round_id, game_id, wins, opened_at, last_at, ended_at',
};

export const ROUNDS_OF_MONEY = `select player_id, account_id, round, operator_id, currency, state::text, staked::text, won::text, bets, undone
from round where player_id not in (select player_id from player where test) order by player_id, account_id, round`;

/** A bet's and a win's round is what its key remembers; closes and cancels have no key and are found by the round's fingerprint. */
export const ROUNDS_OF_LEDGER = `
with its as (
  select t.*, k.round as key from transaction t join transaction_key k on k.player_id = t.player_id and k.transaction_id = t.transaction_id and k.outcome = 'applied'
  where t.kind in ('bet', 'win') and k.round is not null and k.operation in ('bet', 'win')
  union all
  select t.*, r.round from transaction t join round r on r.player_id = t.player_id and r.account_id = t.account_id
    and r.round::text = any (select encode(substr(sha256(bytes), 1, 16), 'hex')::uuid::text
      from (values (convert_to(t.round, 'UTF8')), (convert_to(t.round, 'UTF8') || decode('00', 'hex') || convert_to(coalesce(t.game_id, ''), 'UTF8'))) f(bytes))
  where t.kind in ('close', 'cancel') or (t.kind = 'promo_win' and t.closes_round)),
undoing as (select u.*, i.key, i.round as its_round, i.game_id as its_game from transaction u join its i on i.player_id = u.player_id and i.transaction_id = u.undoes where i.kind <> 'promo_win'),
rows as (
  select player_id, account_id, key, round, game_id, kind, at, closes_round or kind = 'cancel' as ends from its
  union all select player_id, account_id, key, its_round, its_game, kind, at, false from undoing)
select player_id, account_id, key as round, min(round) as round_id, min(game_id) as game_id, count(*) filter (where kind = 'win')::int as wins,
  min(at) as opened_at, max(at) as last_at, min(at) filter (where ends) as ended_at
from rows where player_id not in (select player_id from player where test) group by 1, 2, 3 order by 1, 2, 3`;

/** Every round once, in the day of its times. */
export const ROUND_DAYS = `
select operator_id, day, account_id, game_id, currency, sum(opened)::text as opened, sum(ended)::text as ended
from (
  select p.operator_id, gaming_day(p.opened_at, o.time_zone, o.day_starts) as day, account_id, coalesce(game_id, '') as game_id, currency, 1 as opened, 0 as ended
  from played_round p join operator o using (operator_id)
  union all
  select p.operator_id, gaming_day(p.ended_at, o.time_zone, o.day_starts), account_id, coalesce(game_id, ''), currency, 0, 1
  from played_round p join operator o using (operator_id) where p.ended_at is not null) each
group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`;
