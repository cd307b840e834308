/**
 * The numbers of revenue by player, game and gaming day: what a player's games came to, and where in the ledger its rows stand. And who played: by
 * provider account, and at all, so that a count of players over many days goes through few rows.
 */
import type { Projection } from '../contract.ts';
import { added, IS_COUNTED, NAMES, summed } from '../revenue/sums.ts';

const TABLE = 'player_game_day';

const GAMES = `, games as (
  insert into player_game_day (operator_id, player_id, day, account_id, game_id, currency, ${NAMES.join(', ')}, first_version, last_version, first_bet_at)
  select f.operator_id, f.player_id, f.day, f.account_id, coalesce(f.game, ''), f.currency, ${summed(NAMES)}, min(f.version), max(f.version),
    min(f.at) filter (where f.kind = 'bet')
  from fed f where ${IS_COUNTED}
  group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
  on conflict (operator_id, player_id, day, account_id, game_id, currency) do update set ${added(TABLE, NAMES)},
    first_version = least(${TABLE}.first_version, excluded.first_version), last_version = greatest(${TABLE}.last_version, excluded.last_version),
    first_bet_at = least(${TABLE}.first_bet_at, excluded.first_bet_at))`;

const PLAYED = `, played as materialized (
  select operator_id, day, account_id, currency, player_id, min(at) as first_bet_at from fed where kind = 'bet' group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5)`;

const ACCOUNTS = `, accounts as (
  insert into player_account_day (operator_id, day, account_id, currency, player_id)
  select operator_id, day, account_id, currency, player_id from played on conflict do nothing)`;

const DAYS = `
insert into player_day (operator_id, day, currency, player_id, first_bet_at)
select operator_id, day, currency, player_id, min(first_bet_at) from played group by 1, 2, 3, 4 order by 1, 2, 3, 4
on conflict (operator_id, day, currency, player_id) do update set first_bet_at = excluded.first_bet_at where excluded.first_bet_at < player_day.first_bet_at`;

export const players: Projection = { name: 'players', tables: [TABLE, 'player_account_day', 'player_day'], applies: [`${GAMES}${PLAYED}${ACCOUNTS}${DAYS}`] };
