/** A served world whose ledger may be of any day: rows are planted as the money path would have written them, and the projections are fed at once. */
import { afterAll, beforeAll } from '@jest/globals';
import type pg from 'pg';
import { connect } from '../../libs/postgres/index.ts';
import { PROJECTIONS } from '../../src/installed.ts';
import { advance, STEP_SETTINGS } from '../../src/views/feed/advance.ts';
import { makeRows } from '../../src/views/feed/rows.ts';
import { OfficeGround } from '../support/office.ts';
import type { Reply } from '../support/provider.ts';
import type { WorldOptions } from '../support/world.ts';

export interface Planted {
  readonly player: string;
  readonly operator: string;
  readonly account: number;
  readonly kind: 'bet' | 'win' | 'rollback' | 'promo_win' | 'adjustment' | 'deposit' | 'withdrawal' | 'close' | 'cancel';
  /** what the wallet moves by, in storage units */
  readonly amount?: bigint;
  readonly debt?: bigint;
  readonly currency?: string;
  /** milliseconds since 1970, or an ISO time */
  readonly at: number | string;
  readonly game?: string;
  readonly round?: string;
  readonly undoes?: string;
  readonly face?: bigint;
  readonly award?: 'jackpot' | 'free_rounds' | 'tournament';
}

export interface Row extends Planted {
  readonly id: string;
  readonly lane: number;
  readonly batch: number;
  readonly version: number;
  readonly ms: number;
}

const HOUSES = { promo_win: 2, deposit: 4, withdrawal: 4 } as const;
const COLUMNS = `transaction_id uuid, player_id uuid, operator_id uuid, account_id int, currency text, version bigint, at timestamptz, lane int, batch int, kind transaction_kind,
  house smallint, closes_round boolean, amount bigint, balance_after bigint, debt bigint, reference text, round text, game_id text, undoes uuid, face bigint, award award`;
const NAMES = COLUMNS.replaceAll(/(\w+) \w+(,|$)/g, '$1$2');
const INSERT = `
insert into transaction (${NAMES}) select ${NAMES} from jsonb_to_recordset($1::jsonb) as x(${COLUMNS})`;

interface Wallet {
  version: number;
  balance: bigint;
  debt: bigint;
}

/** Planters on one connection know of each other's rows. */
const walletsOf = new WeakMap<pg.Client, Map<string, Wallet>>();

/** A writer of planted rows: its own lane, a batch a call. Each wallet's versions and balances go on where they stand. */
export class Planter {
  private batch = 0;
  private planted = 0;
  private readonly wallets: Map<string, Wallet>;

  constructor(private readonly client: pg.Client, readonly lane: number) {
    this.wallets = walletsOf.get(client) ?? new Map<string, Wallet>();
    walletsOf.set(client, this.wallets);
  }

  static async on(client: pg.Client, lane = 1 + Math.floor(Math.random() * 2 ** 30)): Promise<Planter> {
    await client.query('insert into lane (lane, batch, pid) values ($1, 0, null)', [lane]);
    return new Planter(client, lane);
  }

  /** One batch, committed. */
  async plant(...rows: readonly Planted[]): Promise<Row[]> {
    this.batch++;
    const made: Row[] = [];
    const inserts: object[] = [];
    for (const [place, row] of rows.entries()) {
      const wallet = await this.walletOf(row);
      const ms = typeof row.at === 'number' ? row.at : Date.parse(row.at);
      wallet.version++;
      wallet.balance += row.amount ?? 0n;
      wallet.debt += row.debt ?? 0n;
      const tail = ((1n << 63n) | (BigInt(this.lane) << 30n) | BigInt(this.batch)).toString(16);
      const hex = `${ms.toString(16).padStart(12, '0')}7${place.toString(16).padStart(3, '0')}${tail}`;
      const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      made.push({ ...row, id, lane: this.lane, batch: this.batch, version: wallet.version, ms });
      inserts.push({
        transaction_id: id, player_id: row.player, operator_id: row.operator, account_id: row.account, currency: row.currency ?? 'EUR', version: wallet.version,
        at: new Date(ms).toISOString(), lane: this.lane, batch: this.batch, kind: row.kind,
        house: row.award === 'jackpot' ? 3 : (HOUSES as Record<string, number>)[row.kind] ?? 1, closes_round: row.kind === 'close', amount: String(row.amount ?? 0n),
        balance_after: String(wallet.balance), debt: row.debt === undefined ? null : String(row.debt), reference: `planted-${this.lane}-${this.planted++}`,
        round: row.round ?? null, game_id: row.game ?? null, undoes: row.undoes ?? null, face: row.face === undefined ? null : String(row.face), award: row.award ?? null,
      });
    }
    await this.client.query('begin');
    await this.client.query(INSERT, [JSON.stringify(inserts)]);
    for (const { player, currency = 'EUR' } of rows) {
      const { version, balance, debt } = this.wallets.get(`${player} ${currency}`) as Wallet;
      await this.client.query('update wallet set version = $3, balance = $4, debt = $5 where player_id = $1 and currency = $2', [player, currency, version, balance, debt]);
    }
    await this.client.query('update lane set batch = $2 where lane = $1', [this.lane, this.batch]);
    await this.client.query('commit');
    return made;
  }

  private async walletOf({ player, operator, currency = 'EUR' }: Planted) {
    const key = `${player} ${currency}`;
    let wallet = this.wallets.get(key);
    if (!wallet) {
      await this.client.query(
        'insert into wallet (player_id, operator_id, currency, balance, version, at) values ($1, $2, $3, 0, 0, to_timestamp(0)) on conflict do nothing', [player, operator, currency]);
      const { rows } = await this.client.query('select version, balance, debt from wallet where player_id = $1 and currency = $2', [player, currency]);
      wallet = { version: Number(rows[0].version), balance: BigInt(rows[0].balance), debt: BigInt(rows[0].debt) };
      this.wallets.set(key, wallet);
    }
    return wallet;
  }
}

export class ReportsGround extends OfficeGround {
  superuser!: pg.Client;
  worker!: pg.Client;
  planter!: Planter;

  constructor(options: WorldOptions = {}, private readonly clock: { readonly timeZone?: string; readonly dayStarts?: string } = {}) {
    // Without a worker beside it: the projections have what a test has them follow.
    super(options, { ROLE: 'office' });
  }

  override async open(): Promise<void> {
    await super.open();
    this.superuser = await connect(this.database.url('superuser'), { name: 'planter' });
    this.worker = await connect(this.database.url('croupier_worker'), { name: 'feeder of a test', settings: STEP_SETTINGS });
    this.planter = await Planter.on(this.superuser);
    const { timeZone = 'UTC', dayStarts = '00:00' } = this.clock;
    await this.sql('update operator set time_zone = $2, day_starts = $3 where operator_id = $1', [this.operator, timeZone, dayStarts]);
    await makeRows(this.superuser, PROJECTIONS);
  }

  override async close(): Promise<void> {
    await this.worker?.end();
    await this.superuser?.end();
    await super.close();
  }

  /** A player nobody knows yet, of the first operator unless said otherwise, who paid in 1,000,000.00 in 2020. */
  async newPlayer({ operator = this.operator, test = false, currencies = ['EUR'] }: { operator?: string; test?: boolean; currencies?: readonly string[] } = {}): Promise<string> {
    const [row] = await this.sql<{ player_id: string }>(
      'insert into player (operator_id, external_id, test) values ($1, gen_random_uuid()::text, $2) returning player_id', [operator, test]);
    const player = row?.player_id as string;
    const paidIn = { player, operator, account: 1, kind: 'deposit', amount: units('1000000'), at: '2020-01-01T00:00:00Z' } as const;
    await this.planter.plant(...currencies.map((currency) => ({ ...paidIn, currency })));
    return player;
  }

  /** Until each projection has all that is committed. */
  async follow(names: readonly string[] = PROJECTIONS.map(({ name }) => name), most = 64): Promise<void> {
    for (const projection of PROJECTIONS.filter(({ name }) => names.includes(name))) {
      for (let came = ''; came !== 'current';) {
        ({ came } = await advance(this.worker, projection, { most }));
        if (came === 'stopped') throw new Error(JSON.stringify(await this.sql('select * from projection where name = $1', [projection.name])));
      }
    }
  }

  /** What a report answers; fails where it does not. */
  async report(path: string, { platform = this.platform, headers = {} }: { platform?: { get: OfficeGround['platform']['get'] }; headers?: Record<string, string> } = {}): Promise<any> {
    const reply: Reply = await platform.get(path, { headers });
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** All pages of a list. */
  async all(path: string, platform = this.platform, limit = 100): Promise<any[]> {
    const items: any[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await this.report(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`, { platform });
      items.push(...page.items);
      if (page.nextCursor === undefined) return items;
      cursor = page.nextCursor as string;
    }
  }
}

export function reportsGround(options: WorldOptions = {}, clock: { readonly timeZone?: string; readonly dayStarts?: string } = {}): ReportsGround {
  const made = new ReportsGround(options, clock);
  beforeAll(() => made.open(), 60_000);
  afterAll(() => made.close());
  return made;
}

/** `12.50` → 12500000n, of a currency of scale 6 */
export const units = (text: string): bigint => {
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  return BigInt(whole + fraction.padEnd(6, '0')) * (text.startsWith('-') ? -1n : 1n);
};
