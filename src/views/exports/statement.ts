/** One wallet's statement: what it held when the period began, each movement, what it held when the period ended. */
import { statement, type Field } from '../../../libs/postgres/index.ts';
import { isoOf } from '../transactions/entry.ts';
import { cellsOf, ENTRY_COLUMNS, moneyOf, readStretches, untilOf } from './ledger.ts';
import { CannotExport, type Cell, type Filters, type Page, type Place, type Report, type Source } from './report.ts';

/** Rows of other lanes that may lie between: so many are written while an export begins, at most. */
const LOOK_BACK = 200;

/** args: operator, player, currency · answers its version, and how its currency is written */
const findWallet = statement<[version: string, exponent: string, scale: string]>('export_wallet', `
select w.version, c.exponent, c.scale from wallet w join currency c on c.code = w.currency
where w.player_id = $2::uuid and w.currency = $3 and w.operator_id = $1::uuid`);

/** args: operator, player, currency, before, how many · answers lane, batch, balance, version, time: the newest rows before that time */
const before = statement<[lane: string, batch: string, balance: string, version: string, at: string]>('export_balance_before', `
select t.lane, t.batch, t.balance_after, t.version, round(date_part('epoch', t.at) * 1000)::int8 from transaction t
where t.player_id = $2::uuid and t.currency = $3 and t.operator_id = $1::uuid and t.at < $4::timestamptz
order by t.version desc limit $5::int`);

interface Standing {
  readonly version: string;
  /** of the wallet, when the first page was read */
  readonly last: string;
  readonly balance: string;
}

export const statementOfWallet: Report = {
  name: 'statement',
  columns: ENTRY_COLUMNS,
  async expected(source, filters) {
    const { version } = await walletOf(source, filters);
    // A period may have less; the opening and the closing line are two more.
    return filters.from === undefined && filters.to === undefined ? Number(version) + 2 : undefined;
  },
  async page(source, filters, place, size): Promise<Page> {
    const wallet = await walletOf(source, filters);
    const { playerId: player = '', currency = '' } = filters;
    const begun = place as unknown as Standing | undefined;
    const opening = begun ? undefined : await openingOf(source, filters, wallet);
    const at = begun ?? { version: opening?.version ?? '0', last: wallet.version, balance: opening?.balance ?? '' };
    const upto = BigInt(at.version) + BigInt(size.effort) < BigInt(at.last) ? String(BigInt(at.version) + BigInt(size.effort)) : at.last;
    const found = await readStretches(source, [{ player, currency, after: at.version, upto }], filters, size.rows);
    const rows = found.filter(({ within }) => within).map(({ entry }) => cellsOf(entry));
    const balance = rows.at(-1)?.[BALANCE] ?? at.balance;
    const version = found.length === size.rows ? (found.at(-1)?.version as string) : upto;
    const shown = [...(opening ? [line('opening', filters, opening.at, opening.balance)] : []), ...rows];
    if (BigInt(version) < BigInt(at.last)) {
      const next: Standing = { version, last: at.last, balance };
      return { rows: shown, next: next as unknown as Place, share: Number(version) / Number(at.last) };
    }
    const end = untilOf(filters, source.asOf);
    return { rows: [...shown, line('closing', filters, Date.parse(end) > source.asOf ? isoOf(String(source.asOf)) : end, balance)], share: 1 };
  },
};

interface Wallet {
  readonly version: string;
  readonly money: (units: Field | undefined) => string;
}

async function walletOf(source: Source, { playerId = '', currency = '' }: Filters): Promise<Wallet> {
  const [[found]] = await source.ask([findWallet([source.operator, playerId, currency])]);
  if (!found) throw new CannotExport('There is no such wallet of this player.');
  const [version, exponent, scale] = found;
  return { version, money: (units) => moneyOf(units, exponent, scale) };
}

/** What the wallet held before its first row of the period, and the version that it had then. */
async function openingOf(source: Source, filters: Filters, { money }: Wallet): Promise<{ version: string; balance: string; at: string | null }> {
  const { from, playerId = '', currency = '' } = filters;
  if (from === undefined) return { version: '0', balance: money('0'), at: null };
  const [rows] = await source.ask([before([source.operator, playerId, currency, from, LOOK_BACK])]);
  const last = rows.find(([lane, batch]) => source.holds(lane, batch));
  return { version: last?.[3] ?? '0', balance: money(last?.[2]), at: from };
}

/** A line that moves nothing: of the columns only what it is, when, whose, and the balance. */
function line(kind: 'opening' | 'closing', { playerId = '', currency = '' }: Filters, at: string | null, balance: string): Cell[] {
  const said: Readonly<Record<string, Cell>> = { processedAt: at, playerId, currency, kind, balance };
  return ENTRY_COLUMNS.map(({ name }) => said[name] ?? null);
}

const BALANCE = ENTRY_COLUMNS.findIndex(({ name }) => name === 'balance');
