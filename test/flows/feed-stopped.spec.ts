import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Ground, said } from '../support/ground.ts';
import { serveProcess, type Process } from '../support/server.ts';

// A view that cannot apply a transaction stands still, and says so wherever somebody looks; the others go on, and so do bets.

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const deadline = performance.now() + 20_000; ; await pause(50)) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not within 20 s: ${what}`);
  }
}

function cli(...args: string[]): Promise<{ code: number; out: string }> {
  const file = join(process.env['TEST_DIST'] ?? join(import.meta.dirname, '../../dist'), 'src/cli.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { env: { PATH: process.env['PATH'] ?? '' } }, (error, out) => resolve({ code: error ? Number(error.code) : 0, out }));
  });
}

describe('a view that stands still', () => {
  const ground = new Ground({ players: { EUR: 3 } });
  let worker: Process;
  beforeAll(async () => {
    await ground.open();
    // 13.00 in one go is more than this table takes.
    await ground.sql('alter table revenue_day add constraint no_thirteen check (turnover % 13000000 <> 0 or turnover = 0)');
    const url = ground.database.url;
    worker = await serveProcess('', { ROLE: 'worker', DATABASE_URL: url('croupier_money'), DATABASE_WORKER_URL: url('croupier_worker'), DATABASE_READ_URL: url('croupier_read') });
  });
  afterAll(async () => {
    worker?.kill('SIGTERM');
    await worker?.exited;
    await ground.close();
  });

  const metric = async (line: string) => {
    const text = await (await fetch(`${worker.baseUrl}/metrics`)).text();
    const found = text.split('\n').find((each) => each.startsWith(`${line} `));
    return found === undefined ? undefined : Number(found.slice(line.length));
  };
  const health = async () => (await (await fetch(`${worker.baseUrl}/health/ready`)).json()) as { status: string; info: { feed: { degraded?: string } } };
  const bets = async () => (await ground.sql<{ bets: number }>('select coalesce(sum(bets), 0)::int as bets from player_game_day'))[0]?.bets;
  const database = () => ground.database.url('croupier_worker');

  it('is named by metric, health, log and `cli views`, with the transaction that it cannot apply; the others have it', async () => {
    expect(said(await ground.seat().bet('thirteen', '13.00'))).toBe('applied 87.00');
    const [{ id } = { id: 'none' }] = await ground.sql<{ id: string }>("select transaction_id as id from transaction where reference = 'thirteen'");
    await until('the metric', async () => ((await metric('croupier_view_stopped{view="revenue"}')) === 1 ? true : undefined));
    await until('the others have it', async () => ((await bets()) === 1 ? true : undefined));
    expect([await metric('croupier_view_stopped{view="players"}'), await metric('croupier_view_stopped{view="rounds"}')]).toEqual([0, 0]);
    const { status, info } = await health();
    expect([status, info.feed.degraded]).toEqual(['ok', expect.stringContaining('revenue')]);
    const alerts = worker.output().split('\n').filter((line) => line.includes('"alert":true')).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(alerts).toMatchObject([{ view: 'revenue', transaction: id, because: 'new row for relation "revenue_day" violates check constraint "no_thirteen"' }]);
    const { code, out } = await cli('views', '--database', database());
    expect(code).toBe(1);
    expect(out).toMatch(/^revenue +STANDS STILL/m);
    expect(out).toMatch(/^players +follows/m);
    expect(out).toContain(id);
    expect(out).toContain('cli views resume revenue');
  });

  it('stays so while bets go on, and goes on from there once it is mended and told to', async () => {
    expect(said(await ground.seat().bet('one', '1.00'))).toBe('applied 99.00');
    await until('the others have both', async () => ((await bets()) === 2 ? true : undefined));
    expect(await ground.sql('select * from revenue_day where bets > 0')).toEqual([]);
    expect((await cli('views', 'resume', 'revenue', '--database', database())).code).toBe(0);
    await until('it stops again', async () => ((await cli('views', '--database', database())).code === 1 ? true : undefined));
    await ground.sql('alter table revenue_day drop constraint no_thirteen');
    expect((await cli('views', 'resume', 'revenue', '--database', database())).code).toBe(0);
    await until('it has both bets', async () => ((await ground.sql<{ turnover: string }>('select sum(turnover)::text as turnover from revenue_day'))[0]?.turnover === '14000000' ? true : undefined));
    await until('nothing is amiss', async () => ((await metric('croupier_view_stopped{view="revenue"}')) === 0 ? true : undefined));
    expect((await cli('views', '--database', database())).code).toBe(0);
    expect((await health()).info.feed.degraded).toBeUndefined();
  });
});
