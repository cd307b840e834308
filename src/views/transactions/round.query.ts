import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { fingerprint } from '../../../libs/crypto/index.ts';
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { Reads } from '../reads.ts';
import { seen, type Asker, type View } from '../view.ts';
import { ENTRY, Entry, entryOf, scaleOf } from './entry.ts';

const Amount = z.string().meta({ examples: ['12.50'] });
const MOST_ITEMS = 1_000;

export const Round = z.object({
  playerId: z.uuid(),
  accountId: z.int(),
  roundId: z.string(),
  currency: z.string(),
  state: z.enum(['open', 'closed']),
  staked: Amount.meta({ description: 'by bets in force' }),
  won: Amount.meta({ description: 'by wins in force; awards count in no round' }),
  bets: z.int().meta({ description: 'applied, undone ones among them' }),
  undoneBets: z.int(),
  items: z.array(Entry).meta({ description: 'its transactions, oldest first, with awards that name it and the rollbacks that undo any of them' }),
  more: z.literal(true).optional().meta({ description: `there are more than ${MOST_ITEMS}; the rest stands in the wallet's list` }),
});
export type Round = z.infer<typeof Round>;

export interface RoundRequest {
  readonly player: string;
  readonly account: number;
  readonly round: string;
}

/** A round's state, its totals and its rows. */
export class RoundOfPlayer extends Query<View<Round>> {
  constructor(readonly asker: Asker, readonly request: RoundRequest) { super(); }
}

/**
 * One statement, so that totals and rows fit each other. A round's rows stand between two versions of its wallet; a rollback does not
 * name its round, but what it undoes. Never a join with the ledger: planned while next month is empty, it would search all of that
 * month's index when it is not.
 */
const findRound = statement('view_round', `
with its as materialized (
  select * from round where player_id = $1::uuid and account_id = $2::int and round = $3::uuid and operator_id = $4::uuid),
span as materialized (
  select t.* from transaction t
  where t.player_id = $1::uuid and t.currency = (select currency from its) and t.version >= (select first_version from its)
    and t.version <= (select last_version from its) and t.account_id = $2::int and t.operator_id = $4::uuid)
select r.currency, c.exponent, c.scale, r.state, r.staked, r.won, r.bets, r.undone, ${ENTRY}
from its r join currency c on c.code = r.currency
left join lateral (
  select * from span where round = $5 or undoes in (select transaction_id from span where round = $5)
  order by version limit ${MOST_ITEMS + 1}) t on true
order by t.version`);

const keepsNoRounds = statement('view_account_without_rounds', `
select 1 from provider_account where account_id = $1::int and operator_id = $2::uuid and policy->>'rounds' = 'none'`);

function roundOf({ player, account, round }: RoundRequest, rows: readonly (readonly Field[])[]): Round | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const [currency, exponent, scale, state, staked, won, bets, undone] = first;
  const scaled = scaleOf(exponent, scale);
  const entries = rows.map((row) => row.slice(8)).filter(([id]) => id != null);
  return {
    playerId: player, accountId: account, roundId: round, currency: currency as string, state: state as Round['state'],
    staked: formatAmount(BigInt(staked ?? 0), scaled), won: formatAmount(BigInt(won ?? 0), scaled), bets: Number(bets), undoneBets: Number(undone),
    items: entries.slice(0, MOST_ITEMS).map((entry) => entryOf(entry, scaled)), ...(entries.length > MOST_ITEMS && { more: true as const }),
  };
}

@QueryHandler(RoundOfPlayer)
export class RoundOfPlayerHandler implements IQueryHandler<RoundOfPlayer> {
  constructor(private readonly reads: Reads) {}

  async execute({ asker, request }: RoundOfPlayer): Promise<View<Round>> {
    const { player, account, round } = request;
    const find = findRound([player, account, fingerprint(round), asker.operator, round]);
    const answer = await this.reads.at(asker.token).as(asker.operator, [find, keepsNoRounds([account, asker.operator])]);
    const [rows, without] = answer.rows;
    const body = roundOf(request, rows);
    if (body) return { ...seen(answer), body };
    return { ...seen(answer), ...(without.length > 0 && { why: 'this provider account keeps no rounds: every win names its bet' }) };
  }
}
