import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { drawOf } from './draws.ts';
import { listenTo } from './generators.ts';
import type { OpenOutcome, OpenTask } from './open-loop.ts';
import { randomOf } from './random.ts';

const REQUEST = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'croupier-load-')); });
afterEach(() => rmSync(dir, { recursive: true }));

/** Where the machine gave the generator no time for a second on end, it did not begin its calls: that is told, and is not what is looked at here. */
async function hundredCalls(answerOf: () => RequestListener, connections: number): Promise<OpenOutcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await hundredCallsOnce(answerOf(), connections);
    if (outcome.unbegun === 0 || attempt === 3) return outcome;
  }
}

/** A hundred calls a second for a second, against a server of the test's own. */
async function hundredCallsOnce(answer: RequestListener, connections: number): Promise<OpenOutcome> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const file = join(dir, 'calls');
  writeFileSync(file, REQUEST.repeat(101));
  const task: OpenTask = {
    port: (server.address() as AddressInfo).port, connections, perSecond: 100, settleSeconds: 0, seconds: 1,
    requests: { file, count: 101, length: REQUEST.length },
  };
  const child = fork(join(import.meta.dirname, 'open-loop-child.ts'), [JSON.stringify(task)], { execArgv: [] });
  try {
    const said = listenTo(child);
    await said<'begun'>();
    await said<'sent'>();
    return await said<OpenOutcome>();
  } finally {
    child.kill('SIGKILL');
    server.close();
    server.closeAllConnections();
  }
}

describe('the open loop', () => {
  it('tells that of 100 calls 60 were meant to begin while the server stood still for 600 ms, though only 5 connections were there to wait', async () => {
    const { all, lost, unbegun } = await hundredCalls(() => {
      let heldUntil = 0;
      let seen = 0;
      return (_request, response) => {
        if (++seen === 20) heldUntil = Date.now() + 600;
        setTimeout(() => response.end('{}'), Math.max(0, heldUntil - Date.now()));
      };
    }, 5);
    expect({ calls: all.calls, lost, unbegun }).toEqual({ calls: 100, lost: 0, unbegun: 0 });
    // Half of the calls waited for 100 ms and more; counted from when they were sent, 95 of 100 would have waited for nothing.
    expect(all.p50).toBeGreaterThan(60);
    expect(all.most).toBeGreaterThan(550);
  });

  it('counts 50 served, 30 refused and 20 that were never answered apart; only the served count as served', async () => {
    const { all, byAnswer, lost, servedPerSecond } = await hundredCalls(() => {
      let seen = 0;
      return (request, response) => {
        const kind = seen++ % 10;
        if (kind < 5) response.end('{}');
        else if (kind < 8) response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"status":503,"code":"OVERLOADED"}');
        else request.socket.destroy();
      };
    }, 20);
    expect(Object.fromEntries(Object.entries(byAnswer).map(([answer, { calls }]) => [answer, calls]))).toEqual({ '200': 50, '503 OVERLOADED': 30 });
    expect(lost).toBe(20);
    // The last answers may come behind the second.
    expect(servedPerSecond).toBeGreaterThanOrEqual(25);
    expect(servedPerSecond).toBeLessThanOrEqual(50);
    // Who is not served counts as five seconds, so that refusals never make a latency look better.
    expect(all.p99).toBe(5_000);
  });
});

describe('players are drawn', () => {
  const players = Array.from({ length: 1_000 }, (_, i) => `player ${i}`);
  const seed = Math.trunc(Math.random() * 2 ** 31);

  function sharesOf(spread: Parameters<typeof drawOf>[0]): number[] {
    const counts = new Map<string, number>();
    const draw = drawOf(spread, players, randomOf(seed));
    for (let i = 0; i < 20_000; i++) {
      const player = draw();
      counts.set(player, (counts.get(player) ?? 0) + 1);
    }
    return [...counts.values()].sort((a, b) => b - a).map((count) => count / 20_000);
  }

  it.each([
    // 1 ÷ (1 + 1/2 + … + 1/1000) = 13.4 %; 1 ÷ (1 + 1/2^1.5 + … + 1/1000^1.5) = 39.2 %
    ['uniform', 0.001, 1_000], ['Zipf 1.0', 0.134, 1_000], ['Zipf 1.5', 0.392, 1_000], ['50 accounts', 0.02, 50], ['one account', 1, 1],
  ] as const)(`%s: the first takes %f of the calls, of at most %i players (seed ${seed})`, (spread, first, most) => {
    const shares = sharesOf(spread);
    expect(shares.length).toBeLessThanOrEqual(most);
    // A uniform draw's luckiest of 1,000 players has about twice its share.
    expect(shares[0]).toBeGreaterThan(first * 0.9);
    expect(shares[0]).toBeLessThan(first * (spread === 'uniform' ? 2.6 : 1.3) + 1e-9);
  });
});
