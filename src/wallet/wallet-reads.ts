/**
 * Reads of wallets that wait at the same moment go together, as one statement; nothing lingers for company. A statement is always begun
 * behind the reads that it answers, so that none is older than its call.
 */
import type pg from 'pg';
import { run, statement, uuids } from '../../libs/postgres/index.ts';
import type { Position, WalletView } from './contract.ts';

const READS_A_STATEMENT = 256;
/** One that hangs does not stop the other. */
const READERS = 2;
const SWEEP_MS = 50;

type Row = [place: string, currency: string, balance: string, version: string];

/** args: players, operators · answers a row a wallet: place of its player in the arguments, currency, balance, version */
const readWallets = statement<Row>('wallets_of_players', `
select q.place, w.currency, w.balance, w.version from unnest($1::uuid[], $2::uuid[]) with ordinality q(player_id, operator_id, place)
join wallet w on w.player_id = q.player_id and w.operator_id = q.operator_id`);

/** Behind the read, so that what was read lies before it. answers one row: timeline, position */
const readPosition = statement<[string, string]>('position_of_reads',
  'select substr(pg_walfile_name(here), 1, 8), here::text from pg_current_wal_insert_lsn() here');

export interface Found {
  readonly wallets: readonly WalletView[];
  readonly position: Position;
}

interface Item {
  readonly operator: string;
  readonly player: string;
  /** `performance.now()` clock, ms */
  readonly deadlineAt: number;
  resolve(found: Found): void;
  reject(error: unknown): void;
}

export class WalletReads {
  private items: Item[] = [];
  private readonly unanswered = new Set<Item>();
  private readers = 0;
  private readonly sweeper: NodeJS.Timeout;

  constructor(private readonly pool: pg.Pool) {
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    this.sweeper.unref();
  }

  get waiting(): number {
    return this.items.length;
  }

  stop(): void {
    clearInterval(this.sweeper);
  }

  /**
   * All wallets of a player of that operator, and where in the database's history that is. `player` must be a UUID. Fails where they
   * cannot be read within so many milliseconds.
   */
  read(operator: string, player: string, withinMs: number): Promise<Found> {
    return new Promise((resolve, reject) => {
      const item = { operator, player, deadlineAt: performance.now() + withinMs, resolve, reject };
      this.items.push(item);
      this.unanswered.add(item);
      if (this.readers >= READERS) return;
      this.readers++;
      // Calls read from their sockets in the same turn of the event loop go together.
      setImmediate(() => void this.work());
    });
  }

  private async work(): Promise<void> {
    let client: pg.PoolClient | undefined;
    while (this.items.length > 0) {
      const batch = this.items.splice(0, READS_A_STATEMENT).filter((item) => this.unanswered.has(item));
      if (batch.length === 0) continue;
      try {
        client ??= await this.pool.connect();
        for (const [item, found] of await readTogether(client, batch)) if (this.unanswered.delete(item)) item.resolve(found);
      } catch (error) {
        for (const item of batch) if (this.unanswered.delete(item)) item.reject(error);
        client?.release(true);
        client = undefined;
      }
    }
    this.readers--;
    client?.release();
  }

  /** A caller waits no longer than it said, whatever the connection does. */
  private sweep(): void {
    const now = performance.now();
    for (const item of this.unanswered) {
      if (now < item.deadlineAt) continue;
      this.unanswered.delete(item);
      item.reject(new Error('not read in time'));
    }
  }
}

async function readTogether(client: pg.PoolClient, batch: readonly Item[]): Promise<[Item, Found][]> {
  const players = [uuids(batch, ({ player }) => player), uuids(batch, ({ operator }) => operator)];
  const [rows, [position]] = await run(client, [readWallets(players), readPosition()]);
  const wallets: WalletView[][] = batch.map(() => []);
  for (const [place, currency, balance, version] of rows) {
    wallets[Number(place) - 1]?.push({ currency, balance: BigInt(balance), version: Number(version) });
  }
  const [timeline, lsn] = position as [string, string];
  return batch.map((item, i) => [item, { wallets: wallets[i] ?? [], position: { timeline, lsn } }]);
}
