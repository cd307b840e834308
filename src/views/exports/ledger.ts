/** The ledger's rows wallet by wallet: the order in which each statement is short, whatever the period and however many tenants there are. */
import { formatAmount } from '../../../libs/money/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { ENTRY, entryOf, scaleOf, type Entry } from '../transactions/entry.ts';
import type { Cell, Column, Filters, Source } from './report.ts';

/** Columns of the ledger, in the order of `cellsOf`. */
export const ENTRY_COLUMNS: readonly Column[] = [
  { name: 'transactionId', kind: 'id' }, { name: 'processedAt', kind: 'time' }, { name: 'playerId', kind: 'id' }, { name: 'currency', kind: 'word' },
  { name: 'walletVersion', kind: 'number' }, { name: 'kind', kind: 'word' }, { name: 'amount', kind: 'number' }, { name: 'debt', kind: 'number' },
  { name: 'balance', kind: 'number' }, { name: 'accountId', kind: 'number' }, { name: 'reference', kind: 'text' }, { name: 'gameId', kind: 'text' },
  { name: 'roundId', kind: 'text' }, { name: 'closesRound', kind: 'word' }, { name: 'undoes', kind: 'id' }, { name: 'betTransactionId', kind: 'text' },
  { name: 'face', kind: 'number' }, { name: 'campaignId', kind: 'text' }, { name: 'award', kind: 'word' },
];

export const cellsOf = (entry: Entry): Cell[] => [
  entry.transactionId, entry.processedAt, entry.playerId, entry.currency, String(entry.walletVersion), entry.kind, entry.amount, entry.debt ?? null,
  entry.balance, String(entry.accountId), entry.reference ?? null, entry.gameId ?? null, entry.roundId ?? null, entry.closesRound ? 'true' : null,
  entry.undoes ?? null, entry.betTransactionId ?? null, entry.face ?? null, entry.campaignId ?? null, entry.award ?? null,
];

/** Versions of one wallet: beyond `after`, up to `upto`. */
export interface Stretch {
  readonly player: string;
  readonly currency: string;
  readonly after: string;
  readonly upto: string;
}

export interface LedgerRow {
  /** which stretch it is of */
  readonly stretch: number;
  readonly version: string;
  readonly entry: Entry;
  /** committed before the export began */
  readonly within: boolean;
}

/**
 * args: operator, stretches as JSON, from, to, kind, account, game, how many · answers exponent, scale, stretch, lane, batch, a ledger row each.
 * The inner select is not taken apart, so that each stretch is read by the wallet's own key.
 */
const stretches = statement('export_ledger', `
select c.exponent, c.scale, w.n, t.lane, t.batch, ${ENTRY}
from jsonb_to_recordset($2::jsonb) as w(n int, player uuid, currency text, after int8, upto int8)
join currency c on c.code = w.currency
cross join lateral (select * from transaction t
  where t.player_id = w.player and t.currency = w.currency and t.version > w.after and t.version <= w.upto and t.operator_id = $1::uuid
    and t.at >= $3::timestamptz and t.at < $4::timestamptz and ($5::text is null or t.kind = $5::transaction_kind)
    and ($6::int is null or t.account_id = $6::int) and ($7::text is null or t.game_id = $7) offset 0) t
order by w.n, t.version limit $8::int`);

const DAY_MS = 86_400_000;

/** Months that nothing committed by then can stand in are left out. A clock that was put back may have left rows a little ahead of it. */
export const untilOf = ({ to }: Filters, asOf: number): string =>
  new Date(Math.min(to === undefined ? Infinity : Date.parse(to), asOf + DAY_MS)).toISOString();

/** The first so many rows of these stretches, in order. */
export async function readStretches(source: Source, wanted: readonly Stretch[], filters: Filters, limit: number): Promise<LedgerRow[]> {
  const { from, kind, accountId, gameId } = filters;
  const list = JSON.stringify(wanted.map((stretch, n) => ({ n, ...stretch })));
  const [rows] = await source.ask([stretches([
    source.operator, list, from ?? '-infinity', untilOf(filters, source.asOf), kind ?? null, accountId ?? null, gameId ?? null, limit,
  ])]);
  return rows.map(ledgerRow(source));
}

const ledgerRow = (source: Source) => ([exponent, scale, n, lane, batch, ...fields]: readonly Field[]): LedgerRow => ({
  stretch: Number(n), version: fields[VERSION] as string, within: source.holds(lane, batch), entry: entryOf(fields, scaleOf(exponent, scale)),
});

/** Of `ENTRY`. */
const VERSION = 3;

export const moneyOf = (units: Field | undefined, exponent: Field | undefined, scale: Field | undefined): string =>
  formatAmount(BigInt(units ?? 0), scaleOf(exponent, scale));
