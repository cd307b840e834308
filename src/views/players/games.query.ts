import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { refuse } from '../../access/contract.ts';
import { Reads } from '../reads.ts';
import { askClock, askScales, clockOf, scalesOf } from '../revenue/clock.ts';
import { roundsOf, transactionsOf, type Place } from '../revenue/links.ts';
import { countOf, NOTHING, numbersOf, plus, sumsOf, type Sums } from '../revenue/numbers.ts';
import { MOST_ROWS } from '../revenue/schema.ts';
import { NAMES } from '../revenue/sums.ts';
import { seen, type Asker, type View } from '../view.ts';
import type { GamesFilters, PlayerGames } from './schema.ts';

/** What a player's games came to. */
export class GamesOfPlayer extends Query<View<PlayerGames>> {
  constructor(readonly asker: Asker, readonly player: string, readonly filters: GamesFilters) { super(); }
}

/** args: player, operator */
const askPlayer = statement('view_player', 'select test from player where player_id = $1::uuid and operator_id = $2::uuid');

/** args: operator, player, from, to, currency · with the rounds of the game, also where on those days nothing but rounds was opened */
const askGames = statement('player_games', `
select x.account_id, x.game_id, x.currency, a.provider, g.name, coalesce(max(x.rounds), 0), ${NAMES.map((name) => `sum(${name})`).join(', ')}
from (
  select account_id, game_id, currency, null::bigint as rounds, ${NAMES.join(', ')} from player_game_day
  where operator_id = $1::uuid and player_id = $2::uuid and day between $3::date and $4::date and ($5::text is null or currency = $5)
  union all
  select account_id, coalesce(game_id, ''), currency, count(*), ${NAMES.map(() => '0').join(', ')} from played_round
  where player_id = $2::uuid and operator_id = $1::uuid and opened_day between $3::date and $4::date and ($5::text is null or currency = $5)
    and last_at >= (select day_begins($3::date, time_zone, day_starts) from operator where operator_id = $1::uuid)
  group by 1, 2, 3) x
left join provider_account a on a.account_id = x.account_id
left join game g on g.account_id = x.account_id and g.game_id = x.game_id
group by x.account_id, x.game_id, x.currency, a.provider, g.name order by x.account_id, x.game_id, x.currency limit ${MOST_ROWS + 1}`);

const HEAD = 6;

@QueryHandler(GamesOfPlayer)
export class GamesOfPlayerHandler implements IQueryHandler<GamesOfPlayer> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, player, filters: { from, to, currency } }: GamesOfPlayer): Promise<View<PlayerGames>> {
    const { operator } = asker;
    const answer = await this.reads.at(asker.token).projected(operator, ['players', 'rounds'], [
      askPlayer([player, operator]), askGames([operator, player, from, to, currency ?? null]), askClock([operator]), askScales(),
    ]);
    const [players, rows, clock, scales] = answer.rows;
    if (!players[0]) return seen(answer);
    if (rows.length > MOST_ROWS) {
      const message = `more than ${MOST_ROWS} rows: ask for fewer days`;
      throw refuse('REQUEST_INVALID', `query: to: ${message}`, { errors: [{ field: 'to', message }] });
    }
    const scaleOf = scalesOf(scales);
    const totals = new Map<string, { sums: Sums; rounds: bigint }>();
    const items = rows.map((row) => {
      const { currency: of, sums, rounds } = numbersIn(row);
      const before = totals.get(of) ?? { sums: NOTHING, rounds: 0n };
      totals.set(of, { sums: plus(before.sums, sums), rounds: before.rounds + rounds });
      return {
        accountId: Number(row[0]), provider: row[3] ?? '', gameId: row[1] as string, ...(row[4] != null && { game: row[4] }), currency: of,
        ...numbersOf(sums, scaleOf(of)), ...behind({ from, to, currency: of, accountId: row[0] as string, gameId: row[1] as string, playerId: player }, rounds),
      };
    });
    const all = [...totals].sort(([one], [other]) => (one < other ? -1 : 1)).map(([of, { sums, rounds }]) => (
      { currency: of, ...numbersOf(sums, scaleOf(of)), ...behind({ from, to, currency: of, playerId: player }, rounds) }));
    return { ...seen(answer), body: { playerId: player, from, to, ...clockOf(clock), ...(players[0][0] === 't' && { test: true as const }), items, totals: all } };
  }
}

const numbersIn = (row: readonly Field[]) => ({ currency: row[2] as string, rounds: BigInt(row[5] ?? 0), sums: sumsOf(row.slice(HEAD)) });

/** How many rounds were opened, and where they and the rows of the ledger stand. */
const behind = (place: Place, rounds: bigint) =>
  ({ rounds: countOf(rounds), ...(rounds > 0n && { roundsList: roundsOf(place, 'opened') }), transactions: transactionsOf(place) });
