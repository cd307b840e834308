import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { Cursors } from '../cursors.ts';
import { Reads } from '../reads.ts';
import { WITH_ORIGINAL } from '../revenue/original.ts';
import { countOf } from '../revenue/numbers.ts';
import { ENTRY, entryOf, owed, scaleOf, type Scale } from '../transactions/entry.ts';
import { seen, type Asker, type View } from '../view.ts';
import type { Statement, StatementEntry, StatementFilters } from './schema.ts';

/** A wallet's transactions of some time, from what it held before to what it held behind them. */
export class StatementOf extends Query<View<Statement>> {
  constructor(readonly asker: Asker, readonly player: string, readonly filters: StatementFilters) { super(); }
}

/** args: player, currency, operator, from · what is owed now, less what came to be owed since, was owed before */
const askWallet = statement('statement_wallet', `
select c.exponent, c.scale, w.debt::numeric - coalesce((select sum(t.debt) from transaction t
  where t.player_id = w.player_id and t.currency = w.currency and t.operator_id = w.operator_id and t.at >= $4::timestamptz), 0),
  coalesce((select t.balance_after from transaction t
    where t.player_id = w.player_id and t.currency = w.currency and t.operator_id = w.operator_id and t.at < $4::timestamptz order by t.version desc limit 1), 0)
from wallet w join currency c on c.code = w.currency where w.player_id = $1::uuid and w.currency = $2 and w.operator_id = $3::uuid`);

/** args: player, currency, operator, from, to */
const ITS = `from transaction t ${WITH_ORIGINAL} join operator p on p.operator_id = t.operator_id
where t.player_id = $1::uuid and t.currency = $2 and t.operator_id = $3::uuid and t.at >= $4::timestamptz and t.at < $5::timestamptz`;

const askSums = statement('statement_sums', `
select t.kind, o.kind as undone, count(*), sum(t.amount), coalesce(sum(t.debt), 0) ${ITS} group by t.kind, o.kind order by t.kind, o.kind`);

/** args: as of ITS, the version beyond which, how many */
const page = (name: string, beyond: '<' | '>') => statement(name, `
select o.kind, coalesce(gaming_day(o.at, p.time_zone, p.day_starts) < gaming_day(t.at, p.time_zone, p.day_starts), false), ${ENTRY}
${ITS} and t.version ${beyond} $6::int8 order by t.version ${beyond === '<' ? 'desc' : 'asc'} limit $7::int`);
const onwards = page('statement_onwards', '>');
const backwards = page('statement_backwards', '<');

const HEAD = 2;
const VERSION = HEAD + 3;

/** `way`: on from there, or back; `token`: what the page before had seen, so that a statement never goes back in time. */
type Place = readonly [way: 'next' | 'previous', version: number, token: string];
type Rows = readonly (readonly Field[])[];

const scopeOf = ({ operator }: Asker, player: string, { currency, from, to }: StatementFilters): string[] => ['statement', operator, player, currency, from, to];

@QueryHandler(StatementOf)
export class StatementHandler implements IQueryHandler<StatementOf> {
  private readonly cursors: Cursors;

  constructor(private readonly reads: Reads) {
    this.cursors = new Cursors(reads);
  }

  async execute({ asker, player, filters }: StatementOf): Promise<View<Statement>> {
    const { currency, from, to, limit, cursor } = filters;
    const cursors = await this.cursors.of(asker.operator, scopeOf(asker, player, filters), 'this statement');
    const place = cursors.open(cursor) as Place | undefined;
    const back = place?.[0] === 'previous';
    const who = [player, currency, asker.operator];
    // Of no projection, but in one snapshot, so that opening, rows and closing agree while money moves.
    const answer = await this.reads.at(asker.token ?? place?.[2]).projected(asker.operator, [], [
      askWallet([...who, from]), askSums([...who, from, to]), (back ? backwards : onwards)([...who, from, to, place?.[1] ?? 0, limit + 1]),
    ]);
    const [wallets, kinds, found] = answer.rows;
    const [wallet] = wallets;
    if (!wallet) return seen(answer);
    const rows = found.slice(0, limit);
    if (back) rows.reverse();
    const cursorAt = (way: Place[0], row: readonly Field[] | undefined) => row && cursors.seal([way, Number(row[VERSION]), answer.token]);
    const further = found.length > limit;
    const nextCursor = back || further ? cursorAt('next', rows.at(-1)) : undefined;
    const previousCursor = back && rows.length === 0 ? cursor : (back ? further : place) ? cursorAt('previous', rows[0]) : undefined;
    const body = {
      playerId: player, currency, from, to, ...summary(wallet, kinds), items: rows.map((row) => itemOf(row, scaleOf(wallet[0], wallet[1]))),
      ...(nextCursor && { nextCursor }), ...(previousCursor && { previousCursor }),
    };
    return { ...seen(answer), body };
  }
}

function summary([exponent, digits, debtBefore, balanceBefore]: readonly Field[], kinds: Rows): Pick<Statement, 'opening' | 'closing' | 'sums'> {
  const scale = scaleOf(exponent, digits);
  let [balance, debt] = [BigInt(balanceBefore ?? 0), BigInt(debtBefore ?? 0)];
  const standing = () => ({ balance: formatAmount(balance, scale), ...owed(String(debt), scale) });
  const opening = standing();
  const sums = kinds.map(([kind, undone, count, moved, owes]) => {
    balance += BigInt(moved ?? 0);
    debt += BigInt(owes ?? 0);
    return {
      kind: kind as Statement['sums'][number]['kind'], ...(undone != null && { undoesKind: undone as Statement['sums'][number]['kind'] }),
      count: countOf(BigInt(count ?? 0)), amount: formatAmount(BigInt(moved ?? 0), scale), ...owed(owes, scale),
    };
  });
  return { opening, sums, closing: standing() };
}

const itemOf = (row: readonly Field[], scale: Scale): StatementEntry => ({
  ...entryOf(row.slice(HEAD), scale), ...(row[0] != null && { undoesKind: row[0] as StatementEntry['kind'] }), ...(row[1] === 't' && { late: true as const }),
});
