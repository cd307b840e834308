import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { Cursors, scopeOf } from '../cursors.ts';
import { Reads } from '../reads.ts';
import type { Scale } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import { askScales, scalesOf } from './clock.ts';
import type { CountedPlayer, CountedPlayersFilters } from './counted.ts';
import { transactionsOf, type Place } from './links.ts';
import { numbersOf, sumsOf } from './numbers.ts';
import { NAMES } from './sums.ts';

export interface CountedPlayersPage {
  readonly items: readonly CountedPlayer[];
  readonly nextCursor?: string;
}

/** The active players that a report counts, each once, with what he played there. */
export class CountedPlayersOf extends Query<View<CountedPlayersPage>> {
  constructor(readonly asker: Asker, readonly filters: CountedPlayersFilters) { super(); }
}

const OF_DAY = 'x.operator_id = $1::uuid and x.day = $2::date + n and x.currency = c.code';
/** Who made a bet, in the order of the players on each day of each currency (and account): an index each. As `activePlayers` is counted. */
const PLAYED = {
  all: `player_day x where ${OF_DAY}`,
  early: `player_day x where ${OF_DAY} and x.first_bet_at < $9::timestamptz`,
  account: `player_account_day x where ${OF_DAY} and x.account_id = $5::int`,
  game: `player_game_day x where ${OF_DAY} and x.account_id = a.account_id and x.game_id = $6::text and x.first_bet_at is not null`,
} as const;

/**
 * args: operator, from, to, currency, account, game, behind this player, how many · `early`: first bet before
 * Of each day no more players are looked at than a page has, so that a page of many days costs its days and its players, however many there are.
 */
const pageOf = (by: keyof typeof PLAYED) => statement(`counted_players_${by}`, `
with page as materialized (
  select x.player_id from generate_series(0, $3::date - $2::date) n
  join currency c on $4::text is null or c.code = $4::text
  ${by === 'game' ? 'join provider_account a on a.operator_id = $1::uuid and ($5::int is null or a.account_id = $5::int)' : ''}
  cross join lateral (select x.player_id from ${PLAYED[by]} and x.player_id > $7::uuid order by x.player_id limit $8::int) x
  group by x.player_id order by x.player_id limit $8::int)
select p.player_id, x.currency, ${NAMES.map((name) => `sum(x.${name})`).join(', ')}
from page p join player_game_day x on x.operator_id = $1::uuid and x.player_id = p.player_id and x.day between $2::date and $3::date
  and ($4::text is null or x.currency = $4::text) and ($5::int is null or x.account_id = $5::int) and ($6::text is null or x.game_id = $6::text)
group by p.player_id, x.currency order by p.player_id, x.currency`);

const PAGES = { all: pageOf('all'), early: pageOf('early'), account: pageOf('account'), game: pageOf('game') } as const;
const byOf = ({ accountId, gameId, firstBetBefore }: CountedPlayersFilters): keyof typeof PLAYED =>
  (gameId !== undefined ? 'game' : accountId !== undefined ? 'account' : firstBetBefore !== undefined ? 'early' : 'all');

const NO_PLAYER = '00000000-0000-0000-0000-000000000000';

@QueryHandler(CountedPlayersOf)
export class CountedPlayersHandler implements IQueryHandler<CountedPlayersOf> {
  private readonly cursors: Cursors;

  constructor(private readonly reads: Reads) {
    this.cursors = new Cursors(reads);
  }

  async execute({ asker, filters }: CountedPlayersOf): Promise<View<CountedPlayersPage>> {
    const { from, to, currency, accountId, gameId, firstBetBefore, limit, cursor } = filters;
    const cursors = await this.cursors.of(asker.operator, scopeOf('players of revenue', asker.operator, filters));
    const [behind = NO_PLAYER, token] = cursors.open(cursor)?.map(String) ?? [];
    const page = PAGES[byOf(filters)]([
      asker.operator, from, to, currency ?? null, accountId ?? null, gameId ?? null, behind, limit + 1, ...(firstBetBefore === undefined ? [] : [firstBetBefore]),
    ]);
    const answer = await this.reads.at(asker.token ?? token).projected(asker.operator, ['players'], [page, askScales()]);
    const [found, scales] = answer.rows;
    const all = playersIn(found, { from, to, accountId, gameId }, scalesOf(scales));
    const items = all.slice(0, limit);
    const last = all.length > limit ? items.at(-1) : undefined;
    return { ...seen(answer), body: { items, ...(last && { nextCursor: cursors.seal([last.playerId, answer.token]) }) } };
  }
}

/** Rows are by player, then by currency. */
function playersIn(rows: readonly (readonly Field[])[], place: Place, scaleOf: (currency: string) => Scale): CountedPlayer[] {
  const players = new Map<string, CountedPlayer['currencies']>();
  for (const [player, currency, ...sums] of rows as readonly (readonly [string, string, ...Field[]])[]) {
    const currencies = players.get(player) ?? [];
    players.set(player, currencies);
    currencies.push({ currency, ...numbersOf(sumsOf(sums), scaleOf(currency)), transactions: transactionsOf({ ...place, currency, playerId: player }) });
  }
  return [...players].map(([playerId, currencies]) => ({ playerId, currencies }));
}
