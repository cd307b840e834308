import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { Feeder, type Ran } from '../../src/views/feed/feeder.ts';
import { resumeView } from '../../src/views/feed/views-command.ts';
import { Ground, type Seat } from '../support/ground.ts';
import { feed, feedOf, installSeen, NO_13, seen, unlike } from './feed-witness.ts';

// A view is fed once to learn how often the feeder waits for its database. Then it is killed at each of these moments, before the database has
// been asked and after it has done it, and another one goes on: all must be as if nothing had happened. Every moment, none drawn by lot.
// FAULT_POINTS=few: of a step that ends in a stop only what comes after the range was halved, as `npm test` does.

/** A process dies there: its socket is gone, and nothing more is said. */
class Death extends Error {}

/** Counts what is waited for, and dies at one of them. */
class Moments {
  readonly passed: string[] = [];
  constructor(private readonly at = Infinity, private readonly side: 'before' | 'after' = 'before') {}

  async wait<T>(what: string, die: () => void, doIt: () => Promise<T>): Promise<T> {
    this.passed.push(what);
    const last = this.passed.length === this.at;
    if (this.passed.length > this.at) throw new Death(what);
    if (last && this.side === 'before') {
      die();
      throw new Death(what);
    }
    const done = await doIt();
    if (!last) return done;
    die();
    throw new Death(what);
  }
}

const said = (query: unknown): string => (typeof query === 'string' ? query : ((query as { name?: string; text?: string }).name ?? (query as { text: string }).text)).trim().split(/[\s(]+/, 2).join(' ');

describe('a feeder that is killed at each moment at which it waits', () => {
  const ground = new Ground({ players: { EUR: 1 }, balance: 100_000_000_000n });
  let named = 0;
  let check: pg.Client;
  let seat: Seat;
  beforeAll(async () => {
    await ground.open();
    seat = ground.seat();
    await installSeen(ground.database, []);
    check = await feedOf(ground.database);
    await feed(check, seen);
  });
  afterAll(async () => {
    await check?.end();
    await ground.close();
  });

  function feederOf(moments: Moments): Feeder {
    const open = async () => {
      let opened: pg.Client | undefined;
      const destroy = () => (opened as unknown as { connection: { stream: { destroy(): void } } } | undefined)?.connection.stream.destroy();
      const client = await moments.wait('connect', () => destroy(), async () => (opened = await feedOf(ground.database)));
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
      client.query = ((...args: unknown[]) => moments.wait(said(args[0]), destroy, () => query(...args))) as never;
      return client;
    };
    return new Feeder(seen, { open, applied: () => undefined, report: () => undefined });
  }

  const play = async (amounts: readonly string[]) => {
    for (const amount of amounts) expect((await seat.bet(`bet-${named++}`, amount)).status).toBe(200);
  };

  /** What it came to and what it waited for. */
  async function run(moments: Moments): Promise<Ran | 'dead'> {
    const feeder = feederOf(moments);
    const came = await feeder.run().catch((error: unknown) => {
      if (error instanceof Death) return 'dead' as const;
      throw error;
    });
    if (came !== 'dead') await feeder.close();
    return came;
  }

  async function untilFree(): Promise<Ran | 'dead'> {
    for (const deadline = performance.now() + 5_000; ;) {
      const came = await run(new Moments());
      // The server has yet to see that the one before is gone.
      if (came !== 'busy' || performance.now() > deadline) return came;
    }
  }

  async function killEverywhere(amounts: readonly string[], ends: Ran, mend: () => Promise<unknown>, first = 'connect'): Promise<readonly string[]> {
    await play(amounts);
    const learnt = new Moments();
    expect(await run(learnt)).toBe(ends);
    await mend();
    expect(await unlike(ground.database)).toEqual([]);
    for (let at = learnt.passed.lastIndexOf(first) + 1; at <= learnt.passed.length; at++) {
      for (const side of ['before', 'after'] as const) {
        const where = `${side} ${at}: ${learnt.passed[at - 1]}`;
        await play(amounts);
        expect([where, await run(new Moments(at, side))]).toEqual([where, 'dead']);
        expect([where, await untilFree()]).toEqual([where, ends]);
        await mend();
        expect([where, await unlike(ground.database)]).toEqual([where, []]);
      }
    }
    return learnt.passed;
  }

  it('leaves each transaction in the view once', async () => {
    const moments = await killEverywhere(['0.01', '0.02', '0.03'], 'current', () => Promise.resolve());
    expect(moments).toEqual(['connect', 'begin', 'select state,', 'select lane,', 'savepoint step', 'feed_count', 'feed_seen_0', 'feed_seen_1', 'update projection', 'commit']);
  }, 60_000);

  it('leaves it standing still before the one bad transaction, also where it dies while it looks for it', async () => {
    const mend = async () => {
      const [row] = await ground.sql('select state, stopped_transaction as id from projection');
      const [bad] = await ground.sql('select transaction_id as id from transaction where amount = -13000000 order by at desc limit 1');
      expect(row).toEqual({ state: 'stopped', id: bad?.['id'] });
      await ground.sql('alter table seen drop constraint no_13');
      await resumeView(ground.database.url('croupier_worker'), 'seen');
      expect(await feed(check, seen)).toBe('current');
      await ground.sql(`${NO_13} not valid`);
    };
    await ground.sql(`${NO_13} not valid`);
    const moments = await killEverywhere(['0.01', '13.00'], 'stopped', mend, process.env['FAULT_POINTS'] === 'few' ? 'feed_count' : undefined);
    expect(moments.filter((moment) => moment === 'rollback to').length).toBeGreaterThan(2);
    process.stdout.write(`feed: what a step that ends in a stop waits for: ${moments.join(', ')}\n`);
  }, 120_000);
});
