/** The numbers of revenue by player, game and gaming day: who played, what a player's games came to, and where in the ledger its rows stand. */
import type { Projection } from '../contract.ts';
import { added, IS_COUNTED, NAMES, summed } from '../revenue/sums.ts';

const TABLE = 'player_game_day';

const DAYS = `
insert into player_game_day (operator_id, player_id, day, account_id, game_id, currency, ${NAMES.join(', ')}, first_version, last_version, first_bet_at)
select f.operator_id, f.player_id, f.day, f.account_id, coalesce(f.game, ''), f.currency, ${summed(NAMES)}, min(f.version), max(f.version),
  min(f.at) filter (where f.kind = 'bet')
from fed f where ${IS_COUNTED}
group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
on conflict (operator_id, player_id, day, account_id, game_id, currency) do update set ${added(TABLE, NAMES)},
  first_version = least(${TABLE}.first_version, excluded.first_version), last_version = greatest(${TABLE}.last_version, excluded.last_version),
  first_bet_at = least(${TABLE}.first_bet_at, excluded.first_bet_at)`;

export const players: Projection = { name: 'players', tables: [TABLE], applies: [DAYS] };
