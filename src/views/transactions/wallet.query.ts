import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { CursorPosition } from '../../../libs/http/index.ts';
import { statement, type Field } from '../../../libs/postgres/index.ts';
import type { Cached } from '../cache/cached.ts';
import { Cursors } from '../cursors.ts';
import { Reads } from '../reads.ts';
import { seen, type Asker, type View } from '../view.ts';
import { ENTRY, entryOf, scaleOf, type Entry, type KINDS } from './entry.ts';

export interface WalletRequest {
  readonly player: string;
  readonly currency: string;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly kind?: (typeof KINDS)[number];
  /** ISO times: at or after, before */
  readonly from?: string;
  readonly to?: string;
  readonly account?: number;
  readonly cursor?: string;
}

export interface WalletPage {
  readonly items: readonly Entry[];
  readonly nextCursor?: string;
  readonly previousCursor?: string;
}

/** The transactions of one wallet, page by page in either direction, by its version. */
export class TransactionsOfWallet extends Query<View<WalletPage>> {
  constructor(readonly asker: Asker, readonly request: WalletRequest) { super(); }
}

const findWallet = statement('view_wallet', `
select c.exponent, c.scale from wallet w join currency c on c.code = w.currency
where w.player_id = $1::uuid and w.currency = $2 and w.operator_id = $3::uuid`);

/** Every transaction of a wallet raises its version by one, and nothing else of the page changes. */
const askVersion = statement<[string]>('view_wallet_version', `
select version from wallet where player_id = $1::uuid and currency = $2 and operator_id = $3::uuid`);

const ITS = 'player_id = $1::uuid and currency = $2 and operator_id = $3::uuid';

/**
 * Where a time lies among the wallet's versions: what is below `low` was before it, what is from `high` on was not. Halved step by step within the month of
 * that time, which `begins` and `ends`: the index is in the order of versions, and would be gone through from the month's edge up to the time.
 */
const edge = (name: string, time: string, begins: string, ends: string): string => {
  const month = `at >= ${begins}::timestamptz and at < ${ends}::timestamptz`;
  return `${name}(low, high) as (
  select (select version from transaction where ${ITS} and ${month} order by version limit 1),
    (select version + 1 from transaction where ${ITS} and ${month} order by version desc limit 1)
  union all
  select case when m.at < ${time}::timestamptz then m.version + 1 else low end, case when m.at < ${time}::timestamptz then high else m.version end
  from ${name} cross join lateral (select version, at from transaction where ${ITS} and version = (low + high) / 2 and ${month} offset 0) m
  where low < high)`;
};
const EDGES = `with recursive ${edge('since', '$6', '$11', '$12')}, ${edge('until', '$7', '$13', '$14')}`;
const WITHIN = `t.version >= (select coalesce(max(low), 0) from since) and t.version < (select coalesce(min(high), ${2n ** 63n - 1n}) from until)`;

/** A wallet's time never goes back with its version, so a place in it leaves out the months on the other side. */
const page = (name: string, beyond: '<' | '>', timed = false) => statement(name, `${timed ? EDGES : ''}
select ${ENTRY} from transaction t
where t.player_id = $1::uuid and t.currency = $2 and t.operator_id = $3::uuid and t.version ${beyond} $4::int8 and t.at ${beyond}= $5::timestamptz
  and t.at >= $6::timestamptz and t.at < $7::timestamptz and ($8::text is null or t.kind = $8::transaction_kind)
  and ($9::int is null or t.account_id = $9::int) ${timed ? `and ${WITHIN}` : ''}
order by t.version ${beyond === '<' ? 'desc' : 'asc'} limit $10::int`);
const older = page('view_wallet_older', '<');
const newer = page('view_wallet_newer', '>');
const olderWithin = page('view_wallet_older_within', '<', true);
const newerWithin = page('view_wallet_newer_within', '>', true);

/** Where a page begins. `way`: on from there, or back; `token`: what the page before had seen, so that a list never goes back in time. */
interface Place {
  readonly way: 'next' | 'previous';
  readonly version: number;
  readonly at: number;
  readonly token: string;
}

/** All that chooses rows; a cursor is good for nothing else. */
const scopeOf = ({ operator }: Asker, { player, currency, order, kind, from, to, account }: WalletRequest): string[] =>
  ['transactions of wallet', operator, player, currency, order, kind ?? '', from ?? '', to ?? '', String(account ?? '')];

@QueryHandler(TransactionsOfWallet)
export class TransactionsOfWalletHandler implements IQueryHandler<TransactionsOfWallet> {
  readonly cached: Cached<TransactionsOfWallet> = {
    view: 'transactions of wallet', projections: [],
    besides: ({ asker, request: { player, currency } }) => [askVersion([player, currency, asker.operator])],
    token: async ({ asker, request }) => (request.cursor === undefined ? undefined : placeOf((await this.cursorsOf(asker, request)).open(request.cursor))?.token),
  };
  private readonly cursors: Cursors;

  constructor(private readonly reads: Reads) {
    this.cursors = new Cursors(reads);
  }

  async execute({ asker, request }: TransactionsOfWallet): Promise<View<WalletPage>> {
    const cursors = await this.cursorsOf(asker, request);
    const place = placeOf(cursors.open(request.cursor));
    const back = place?.way === 'previous';
    const descending = (request.order === 'desc') !== back;
    const { player, currency, limit } = request;
    const who = [player, currency, asker.operator];
    const values = [...who, ...bounds(request, place, descending), limit + 1];
    const timed = request.from !== undefined || request.to !== undefined;
    const find = timed ? (descending ? olderWithin : newerWithin)([...values, ...monthOf(request.from), ...monthOf(request.to)]) : (descending ? older : newer)(values);
    const steps = [findWallet(who), find] as const;
    const answer = await this.reads.at(asker.token ?? place?.token).projected(asker.operator, [], steps, [askVersion(who)]);
    const [wallets, found] = answer.rows;
    const [wallet] = wallets;
    if (!wallet) return seen(answer);
    const rows = found.slice(0, limit);
    if (back) rows.reverse();
    const cursorAt = (way: Place['way'], row: readonly Field[] | undefined) =>
      row && cursors.seal([way, Number(row[VERSION]), Number(row[AT]), answer.token]);
    const further = found.length > limit;
    const nextCursor = back || further ? cursorAt('next', rows.at(-1)) : undefined;
    // Nothing before it is there yet on this server: the same question may find it later.
    const previousCursor = back && rows.length === 0 ? request.cursor : (back ? further : place) ? cursorAt('previous', rows[0]) : undefined;
    const items = rows.map((row) => entryOf(row, scaleOf(wallet[0], wallet[1])));
    return { ...seen(answer), body: { items, ...(nextCursor && { nextCursor }), ...(previousCursor && { previousCursor }) } };
  }

  private cursorsOf(asker: Asker, request: WalletRequest) {
    return this.cursors.of(asker.operator, scopeOf(asker, request));
  }
}

const VERSION = 3;
const AT = 4;
const NO_VERSION = { older: '9223372036854775807', newer: '-1' };

/** Args 4 to 9. A time in a cursor is a whole millisecond, a row's might not be. */
function bounds({ kind, from, to, account }: WalletRequest, place: Place | undefined, descending: boolean): (string | number | null)[] {
  const [side, slack] = descending ? (['older', 1] as const) : (['newer', -1] as const);
  const version = place ? String(place.version) : NO_VERSION[side];
  const at = place ? new Date(place.at + slack).toISOString() : descending ? 'infinity' : '-infinity';
  return [version, at, from ?? '-infinity', to ?? 'infinity', kind ?? null, account ?? null];
}

/** When the month of that time begins and ends, as the ledger is parted. */
function monthOf(time: string | undefined): (string | null)[] {
  if (time === undefined) return [null, null];
  const at = new Date(time);
  return [0, 1].map((more) => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + more)).toISOString());
}

function placeOf(position: CursorPosition | undefined): Place | undefined {
  if (!position) return undefined;
  const [way, version, at, token] = position;
  return { way: way as Place['way'], version: Number(version), at: Number(at), token: String(token) };
}
