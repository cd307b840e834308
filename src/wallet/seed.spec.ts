import { describe, expect, it } from '@jest/globals';
import { asSuperuser, freshDatabase } from '../../test/support/cluster.ts';
import { seedHistory } from './seed.ts';
import { verify } from './verify.ts';

describe('a seeded history', () => {
  it('of 20,000 transactions holds every invariant, goes back 40 days and has a player who plays much', async () => {
    const database = await freshDatabase();
    const told: number[] = [];
    const { transactions } = await seedHistory(database.url('croupier_owner'), { transactions: 20_000, players: 300, days: 40, progress: (rows) => void told.push(rows) });
    const findings = await verify(database.url('croupier_worker'));
    expect(findings.filter(({ count }) => count > 0)).toEqual([]);
    const [ledger] = await asSuperuser<{ rows: string; days: string; late: string; most: string }>(database.url('superuser'), `
      select (select count(*) from transaction) as rows, (select count(distinct at::date) from transaction) as days, (select count(*) from transaction_default) as late,
        (select max(n) from (select count(*) as n from transaction group by player_id) x) as most`);
    expect(Number(ledger?.rows)).toBe(transactions);
    expect(told.at(-1)).toBe(transactions);
    expect(Math.abs(transactions - 20_000)).toBeLessThan(10);
    expect(Number(ledger?.days)).toBeGreaterThanOrEqual(40);
    expect(ledger?.late).toBe('0');
    expect(Number(ledger?.most)).toBeGreaterThan(1_000);
  });
});
