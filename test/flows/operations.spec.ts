import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { readConfig } from '../../src/config.ts';
import { asSuperuser, freshDatabase } from '../support/cluster.ts';
import { ground, said, Seat } from '../support/ground.ts';
import { Provider } from '../support/provider.ts';
import { ready, serveProcess, type Process } from '../support/server.ts';

/** The built service as a process of its own: how it starts, says no, drains and logs. Everybody starts with 100.00 EUR. */
const here = ground({ players: { EUR: 20 } });
const running: Process[] = [];

async function start(url: string, env: Record<string, string> = {}, untilReady = true): Promise<Process> {
  const served = await serveProcess(url, env, { untilReady });
  running.push(served);
  return served;
}

afterAll(async () => {
  for (const served of running) served.kill('SIGKILL');
  await Promise.all(running.map(({ exited }) => exited));
});

const statusOf = (served: Process, probe: string) => fetch(`${served.baseUrl}/health/${probe}`).then(({ status }) => status, () => 0);

/** A new player's seat at a process instead of at the service in here. */
function seatAt(served: Process): { seat: Seat; provider: Provider } {
  const provider = new Provider(served.baseUrl, here.account());
  return { provider, seat: new Seat(provider, here.seat().player) };
}

describe('SIGTERM', () => {
  it('turns ready to 503; calls in flight and new ones are served until the process ends with 0', async () => {
    const served = await start(here.database.url('croupier_money'), { DRAIN_DELAY_MS: '600' });
    const [flying, late, fresh] = [seatAt(served), seatAt(served), seatAt(served)];
    expect(await Promise.all(['live', 'ready', 'startup'].map((probe) => statusOf(served, probe)))).toEqual([200, 200, 200]);

    const answers = await here.whileHeld(
      `select 1 from wallet where player_id in ('${flying.seat.player.id}', '${late.seat.player.id}') for update`,
      async (release) => {
        const first = flying.seat.bet('b1', '10');
        await pause(100);
        served.kill('SIGTERM');
        await pause(150);
        expect(await Promise.all(['ready', 'live'].map((probe) => statusOf(served, probe)))).toEqual([503, 200]);
        expect(said(await fresh.seat.bet('b1', '10'))).toBe('applied 90.00');
        const second = late.seat.bet('b1', '10');
        await pause(500); // the delay is over, and both calls are still on their way
        await release();
        return [said(await first), said(await second)];
      },
    );
    expect(answers).toEqual(['applied 90.00', 'applied 90.00']);
    // Idle connections that callers keep open hold nothing up.
    expect(await Promise.race([served.exited, pause(5_000, 'still running')])).toBe(0);
    expect(await statusOf(served, 'live')).toBe(0);
    const [row] = await here.sql<{ bets: number }>(
      `select count(*)::int as bets from transaction where kind = 'bet' and player_id = any($1)`,
      [[flying, late, fresh].map(({ seat }) => seat.player.id)],
    );
    expect(row?.bets).toBe(3);
    for (const { provider } of [flying, late, fresh]) provider.close();
  });

  it('before anything was asked of it ends it with 0, too, and so does SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const served = await start(here.database.url('croupier_money'));
      served.kill(signal);
      expect(await served.exited).toBe(0);
      expect(served.output().match(/SECRETS_KEY_FILE is not set/g)).toHaveLength(1); // said by what serves, and only by that
    }
  });
});

describe('a process that must not run', () => {
  it.each([
    ['croupier_owner', /owns the schema/],
    ['superuser', /superuser/],
  ] as const)('as %s ends with 1 and one sentence', async (role, sentence) => {
    const served = await start(here.database.url(role), {}, false);
    expect(await served.exited).toBe(1);
    const lines = served.output().trim().split('\n');
    expect(lines).toEqual([expect.stringMatching(/^Croupier cannot start: .*use role croupier_money$/)]);
    expect(lines[0]).toMatch(sentence);
  });

  it('without settings, or on a port that is taken, says so', async () => {
    const missing = await start('', {}, false);
    expect(await missing.exited).toBe(1);
    expect(missing.output().trim()).toMatch(/^Croupier cannot start: setting DATABASE_URL: .+$/);

    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as AddressInfo;
    const second = await start(here.database.url('croupier_money'), { PORT: String(port) }, false);
    expect(await second.exited).toBe(1);
    expect(second.output()).toMatch(new RegExp(`Croupier cannot start: .*${port}`));
    squatter.close();
  });

  it.each([
    ['DATABASE_URL', undefined], ['DATABASE_URL', 'not a url with secret-word'], ['DATABASE_URL', 'mysql://a:secret-word@b/c'],
    ['PORT', 'secret-word'], ['PORT', '-1'], ['PORT', '65536'], ['PORT', '80.5'], ['LOG_LEVEL', 'secret-word'],
    ['WALLET_LANES', '0'], ['WALLET_BATCH', '513'], ['DRAIN_DELAY_MS', '-5'], ['WALLET_LANE', 'secret-word'],
    ['WALLET_BATCH_SIZE', '1'],
  ])('with %s=%s names that setting and does not show its value', (name, value) => {
    const env = { DATABASE_URL: 'postgres://croupier_money:hidden@localhost/croupier', [name]: value };
    expect(() => readConfig(env)).toThrow(new RegExp(`setting ${name}\\b`));
    expect(() => readConfig(env)).not.toThrow(/secret-word|hidden/);
  });

  it('names every setting that is wrong at once', () => {
    expect(() => readConfig({ PORT: 'x', LOG_LEVEL: 'y' })).toThrow(/DATABASE_URL[^]*PORT[^]*LOG_LEVEL/);
  });
});

describe('the log', () => {
  let served: Process;
  let at: { seat: Seat; provider: Provider };
  const hidden = ['of-a-test']; // the password in DATABASE_URL

  beforeAll(async () => {
    served = await start(here.database.url('croupier_money'), { LOG_LEVEL: 'debug' });
    at = seatAt(served);
    hidden.push(here.account().secret, here.account().secret.slice(6), at.seat.player.sessionToken);
  });
  afterAll(() => at.provider.close());

  const linesOf = () => served.output().trim().split('\n');
  const logged = async (requestId: string) => {
    for (let i = 0; i < 40 && !served.output().includes(`"${requestId}"`); i++) await pause(25);
    return linesOf().map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['requestId'] === requestId);
  };

  it('has a JSON line for a call, with its request id and what it came to', async () => {
    const { seat, provider } = at;
    const session = { sessionToken: seat.player.sessionToken };
    const signature = `v1,${'B'.repeat(43)}=`;
    const calls = [
      [
        'served',
        seat.call('bet', { transactionId: 'b1', amount: '10', gameId: 'game-1', roundId: 'r1', ...session }, { id: 'served' }),
        { outcome: 'applied' },
      ],
      [
        'refused',
        seat.call('bet', { transactionId: 'b2', amount: '500', gameId: 'game-1', roundId: 'r1', ...session }, { id: 'refused' }),
        { code: 'INSUFFICIENT_FUNDS', status: 422 },
      ],
      [
        'unsigned',
        seat.call('bet', session, { id: 'unsigned', headers: { 'webhook-signature': signature } }),
        { code: 'SIGNATURE_INVALID', status: 401 },
      ],
      [
        'malformed',
        provider.call(
          'authenticate',
          {},
          { id: 'malformed', raw: `{"operation":"authenticate","sessionToken":"${seat.player.sessionToken}"` },
        ),
        { code: 'REQUEST_INVALID' },
      ],
      ['session', provider.call('authenticate', session, { id: 'session' }), { operation: 'authenticate' }],
    ] as const;
    hidden.push('B'.repeat(43));
    for (const [requestId, call, said] of calls) {
      await call;
      const lines = await logged(requestId);
      expect(lines).toEqual([expect.objectContaining({ requestId, ...said })]);
    }
  });

  it('shows no token that stands where a request id should, and no id that is longer than 128 characters', async () => {
    const { sessionToken } = at.seat.player;
    const refused = { transactionId: 'b3', amount: '500', gameId: 'game-1', roundId: 'r1', sessionToken };
    // As sessions of the wallet have them.
    const token = randomBytes(32).toString('base64url');
    hidden.push(token);
    const echoed = await at.seat.call('bet', refused, { id: token });
    expect([echoed.body.code, echoed.headers['x-request-id']]).toEqual(['INSUFFICIENT_FUNDS', token]);
    expect(await logged('[redacted]')).toEqual([expect.objectContaining({ code: 'INSUFFICIENT_FUNDS', status: 422 })]);
    const long = await at.seat.call('bet', refused, { id: 'x'.repeat(129) });
    expect(await logged(long.headers['x-request-id'] as string)).toHaveLength(1);
    hidden.push('x'.repeat(129));
  });

  it('has an error with the request id for a call that failed on our side', async () => {
    await here.sql(`alter table transaction add constraint no_luck check (reference <> 'unlucky') not valid`);
    const session = { sessionToken: at.seat.player.sessionToken };
    const reply = await at.seat.call(
      'bet',
      { transactionId: 'unlucky', amount: '1', gameId: 'game-1', roundId: 'r1', ...session },
      { id: 'unlucky-call' },
    );
    await here.sql('alter table transaction drop constraint no_luck');
    expect(reply.body.code).toBe('INTERNAL');
    expect(await logged('unlucky-call')).toContainEqual(expect.objectContaining({ level: 'error' }));
    expect(linesOf().filter((line) => line.includes('"alert":true'))).toHaveLength(1);
  });

  it('is JSON in every line and holds no secret, signature, token or password', async () => {
    served.kill('SIGTERM');
    await served.exited;
    for (const line of linesOf())
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String), msg: expect.any(String) });
    for (const secret of hidden) expect(served.output()).not.toContain(secret);
  });
});

describe('a database that was not migrated', () => {
  it('is waited for: alive, not ready, ready by itself once it is', async () => {
    const database = await freshDatabase();
    const [schema] = await here.sql<{ name: string }>('select name from schema_migration order by name desc');
    await asSuperuser(database.url('superuser'), 'delete from schema_migration');
    const served = await start(database.url('croupier_money'), {}, false);
    for (let i = 0; i < 200 && (await statusOf(served, 'live')) !== 200; i++) await pause(50);
    await pause(1_200);
    expect(await Promise.all(['live', 'ready', 'startup'].map((probe) => statusOf(served, probe)))).toEqual([200, 503, 503]);
    expect(served.output()).toMatch(/cli migrate/);
    await asSuperuser(database.url('superuser'), 'insert into schema_migration (name) values ($1)', [schema?.name]);
    await ready(served, 5_000);
    expect(await statusOf(served, 'startup')).toBe(200);
  });
});
