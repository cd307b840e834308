import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { DIALECTS } from '../../installed.ts';
import { roundFingerprint, type Policy } from '../../wallet/contract.ts';
import { Reads } from '../reads.ts';
import { seen, type Asker, type View } from '../view.ts';
import { ENTRY, Entry, entryOf, scaleOf } from './entry.ts';

const Amount = z.string().meta({ examples: ['12.50'] });
const MOST_ITEMS = 1_000;

export const Round = z.object({
  playerId: z.uuid(),
  accountId: z.int(),
  roundId: z.string(),
  gameId: z.string().optional().meta({ description: 'where its account tells rounds apart by game too' }),
  currency: z.string(),
  state: z.enum(['open', 'closed', 'cancelled']),
  staked: Amount.meta({ description: 'by bets in force' }),
  won: Amount.meta({ description: 'by wins in force; awards and adjustments count in no round' }),
  bets: z.int().meta({ description: 'applied, undone ones among them' }),
  undoneBets: z.int(),
  items: z.array(Entry).meta({ description: 'its transactions, oldest first, with awards and adjustments that name it and the rollbacks that undo any of them' }),
  more: z.literal(true).optional().meta({ description: `there are more than ${MOST_ITEMS}; the rest stands in the wallet's list` }),
});
export type Round = z.infer<typeof Round>;

export interface RoundRequest {
  readonly player: string;
  readonly account: number;
  readonly round: string;
  readonly game?: string;
}

/** A round's state, its totals and its rows. */
export class RoundOfPlayer extends Query<View<Round>> {
  constructor(readonly asker: Asker, readonly request: RoundRequest) { super(); }
}

/**
 * One statement, so that totals and rows fit each other. An account tells its rounds apart by their ids, or by id and game, and never changes
 * that: of the two fingerprints one at most is there. A round's rows stand between two versions of its wallet; a rollback does not
 * name its round, but what it undoes. Never a join with the ledger: planned while next month is empty, it would search all of that
 * month's index when it is not.
 */
const findRound = statement('view_round', `
with its as materialized (
  select * from round where player_id = $1::uuid and account_id = $2::int and round in ($3::uuid, $6::uuid) and operator_id = $4::uuid
  order by round = $6::uuid desc limit 1),
span as materialized (
  select t.*, t.round = $5 and ((select round from its) = $3::uuid or t.game_id is not distinct from $7::text) as named from transaction t
  where t.player_id = $1::uuid and t.currency = (select currency from its) and t.version >= (select first_version from its)
    and t.version <= (select last_version from its) and t.account_id = $2::int and t.operator_id = $4::uuid)
select r.currency, c.exponent, c.scale, r.state, r.staked, r.won, r.bets, r.undone, r.round = $6::uuid, ${ENTRY}
from its r join currency c on c.code = r.currency
left join lateral (
  select * from span where named or undoes in (select transaction_id from span where named)
  order by version limit ${MOST_ITEMS + 1}) t on true
order by t.version`);

const findAccount = statement('view_account_rounds', `
select dialect, policy from provider_account where account_id = $1::int and operator_id = $2::uuid`);

/** Why there is no such round, where the account's way with rounds explains it: what it says itself, else its dialect. */
function whyNot([account]: readonly (readonly Field[])[], { game }: RoundRequest): string | undefined {
  if (!account) return undefined;
  const [name, said] = account;
  const { rounds, roundScope }: Partial<Policy> = { ...DIALECTS.find((dialect) => dialect.name === name)?.policy, ...JSON.parse(said ?? '{}') as object };
  if (rounds === 'none') return 'this provider account keeps no rounds: every win names its bet';
  return roundScope === 'game' && game === undefined ? 'this provider account tells rounds apart by game too: which one is meant is said by `gameId`' : undefined;
}

function roundOf({ player, account, round, game }: RoundRequest, rows: readonly (readonly Field[])[]): Round | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const [currency, exponent, scale, state, staked, won, bets, undone, byGame] = first;
  const scaled = scaleOf(exponent, scale);
  const entries = rows.map((row) => row.slice(9)).filter(([id]) => id != null);
  return {
    playerId: player, accountId: account, roundId: round, ...(byGame === 't' && game !== undefined && { gameId: game }), currency: currency as string, state: state as Round['state'],
    staked: formatAmount(BigInt(staked ?? 0), scaled), won: formatAmount(BigInt(won ?? 0), scaled), bets: Number(bets), undoneBets: Number(undone),
    items: entries.slice(0, MOST_ITEMS).map((entry) => entryOf(entry, scaled)), ...(entries.length > MOST_ITEMS && { more: true as const }),
  };
}

@QueryHandler(RoundOfPlayer)
export class RoundOfPlayerHandler implements IQueryHandler<RoundOfPlayer> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, request }: RoundOfPlayer): Promise<View<Round>> {
    const { player, account, round, game } = request;
    const [byId, byGame] = [roundFingerprint('account', round, game), roundFingerprint('game', round, game)];
    const find = findRound([player, account, byId, asker.operator, round, byGame, game ?? null]);
    const answer = await this.reads.at(asker.token).as(asker.operator, [find, findAccount([account, asker.operator])]);
    const [rows, accounts] = answer.rows;
    const body = roundOf(request, rows);
    if (body) return { ...seen(answer), body };
    const why = whyNot(accounts, request);
    return { ...seen(answer), ...(why !== undefined && { why }) };
  }
}
