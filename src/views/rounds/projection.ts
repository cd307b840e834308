/**
 * Each round of a player: its state, its totals and its times; and how many were opened and ended on each gaming day.
 *
 *   bets, undone_bets   accepted bets, and those of them that were rolled back
 *   wins                accepted wins, undone ones among them; awards and adjustments count in no round
 *   staked, won         by bets and by wins in force; what is staked in open rounds is the open exposure
 *   opened_at, last_at  of its first and of its newest row; ended_at: of the first that closed or cancelled it
 *
 * A row that names a round belongs to it where money keeps such a round: under the fingerprint of its id, or of id and game. An account knows one
 * of the two, for good; one that keeps no rounds has none here either. A rollback belongs to the round of what it undoes.
 */
import type { Projection } from '../contract.ts';

/** As `roundFingerprint` makes them. */
const hashed = (bytes: string) => `encode(substring(sha256(${bytes}) for 16), 'hex')::uuid`;
const BY_ID = hashed("convert_to(n.round_id, 'UTF8')");
const BY_GAME = hashed("convert_to(n.round_id, 'UTF8') || '\\x00'::bytea || convert_to(coalesce(n.game, ''), 'UTF8')");

/** States only go up, whichever row comes first: the type has them in the order open, closed, cancelled. */
const STATE = `(case when bool_or(f.kind = 'cancel') then 'cancelled' when bool_or(f.closes_round) then 'closed' else 'open' end)::round_state`;

/** What the new rows add to each round as they name it. Few rows make one round, and each look-up of a round costs as much as all else. */
const NAMED = `named as (
  select f.operator_id, f.player_id, f.account_id, f.round_id, f.game, f.currency, ${STATE} as state,
    count(*) filter (where f.kind = 'bet') as bets, count(*) filter (where f.undone = 'bet') as undone_bets, count(*) filter (where f.kind = 'win') as wins,
    coalesce(sum(-f.effect) filter (where 'bet' in (f.kind::text, f.undone)), 0) as staked, coalesce(sum(f.effect) filter (where 'win' in (f.kind::text, f.undone)), 0) as won,
    min(f.at) as opened_at, max(f.at) as last_at, min(f.at) filter (where f.closes_round or f.kind = 'cancel') as ended_at,
    min(f.day) as opened_day, min(f.day) filter (where f.closes_round or f.kind = 'cancel') as ended_day
  from fed f
  where f.round_id is not null and (f.kind in ('bet', 'win', 'close', 'cancel') or f.undone in ('bet', 'win') or f.closes_round)
  group by 1, 2, 3, 4, 5, 6)`;

/** Where rounds are told apart by their ids alone, several games may be of one round. */
const ITS = `its as (
  select n.operator_id, n.player_id, n.account_id, r.round, min(n.round_id) as round_id, min(n.game) as game_id, min(n.currency) as currency, max(n.state) as state,
    sum(n.bets)::int as bets, sum(n.undone_bets)::int as undone_bets, sum(n.wins)::int as wins, sum(n.staked)::bigint as staked, sum(n.won)::bigint as won,
    min(n.opened_at) as opened_at, max(n.last_at) as last_at, min(n.ended_at) as ended_at, min(n.opened_day) as opened_day, min(n.ended_day) as ended_day
  from named n cross join lateral (
    select round from round where player_id = n.player_id and account_id = n.account_id and round in (${BY_ID}, ${BY_GAME}) and operator_id = n.operator_id offset 0) r
  group by 1, 2, 3, 4)`;

const SUMS = ['bets', 'undone_bets', 'wins', 'staked', 'won'];
const LEAST = ['game_id', 'opened_at', 'opened_day', 'ended_at', 'ended_day'];
const GREATEST = ['state', 'last_at'];
const COLUMNS = ['operator_id', 'player_id', 'account_id', 'round', 'round_id', 'currency', ...SUMS, ...LEAST, ...GREATEST].join(', ');
/** By these it is counted in `round_day`. */
const COUNTED = ['opened_day', 'ended_day', 'game_id'];

const PUT = `put as (
  insert into played_round as p (${COLUMNS})
  select ${COLUMNS} from its order by player_id, account_id, round
  on conflict (player_id, account_id, round) do update set
    ${SUMS.map((each) => `${each} = p.${each} + excluded.${each}`).join(', ')},
    ${LEAST.map((each) => `${each} = least(p.${each}, excluded.${each})`).join(', ')}, ${GREATEST.map((each) => `${each} = greatest(p.${each}, excluded.${each})`).join(', ')}
  returning new.operator_id, new.account_id, new.currency, ${COUNTED.map((each) => `old.${each} as old_${each}, new.${each}`).join(', ')})`;

/** A round that turns out to be of an earlier day, or of a game, is taken out of where it was counted. */
const MOVED = `moved as (
  select p.operator_id, m.day, p.account_id, coalesce(m.game_id, '') as game_id, p.currency, sum(m.opened) as opened, sum(m.ended) as ended
  from put p cross join lateral (values
    (p.opened_day, p.game_id, 1, 0), (p.old_opened_day, p.old_game_id, -1, 0), (p.ended_day, p.game_id, 0, 1), (p.old_ended_day, p.old_game_id, 0, -1)) m(day, game_id, opened, ended)
  where m.day is not null and (p.old_opened_day, p.old_ended_day, p.old_game_id) is distinct from (p.opened_day, p.ended_day, p.game_id)
  group by 1, 2, 3, 4, 5 having sum(m.opened) <> 0 or sum(m.ended) <> 0)`;

const DAYS = `
  insert into round_day as d (operator_id, day, account_id, game_id, currency, opened, ended)
  select * from moved order by 1, 2, 3, 4, 5
  on conflict (operator_id, day, account_id, game_id, currency) do update set opened = d.opened + excluded.opened, ended = d.ended + excluded.ended`;

/** Where a round was counted only until more of it came: the same history in other ranges has no such row. */
const EMPTIED = 'delete from round_day where opened = 0 and ended = 0';

export const rounds: Projection = {
  name: 'rounds', tables: ['played_round', 'round_day'], applies: [`, ${[NAMED, ITS, PUT, MOVED].join(', ')}${DAYS}`, EMPTIED],
};
