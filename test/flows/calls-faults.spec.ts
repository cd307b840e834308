import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { CallLog, type CallLogCounts } from '../../src/providers/call-log.ts';
import { rowOf, type Answered } from '../../src/providers/call-log-row.ts';
import { CallStore } from '../../src/providers/call-log-store.ts';
import { parsePolicy } from '../../src/providers/contract.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Proxy } from '../support/proxy.ts';
import { callGround, freshId, loggedAs, seatsAt, WITHIN_MS, type CallSeat } from './calls-seats.ts';

// The log is lost before a call waits for it, and what is lost of it is counted.

describe('while the database is away', () => {
  const here = callGround({}, true);
  let native: CallSeat;
  beforeAll(() => { [native] = seatsAt(here) as [CallSeat]; });
  afterAll(() => native.close());

  it('calls are answered as ever, and once it is back they are in the log, those that failed too', async () => {
    expect((await native.say(native.bet(freshId(), '1.00'))).status).toBe(200);
    here.proxy.cut();
    const away = [];
    for (let i = 0; i < 3; i++) away.push(await native.say(native.bet(freshId(), '1.00')));
    expect(away.map(({ status }) => status)).toEqual([503, 503, 503]);
    here.proxy.mend();
    for (const reply of away) {
      const row = await loggedAs(reply, here);
      expect([row.result, row.code, row.player_id]).toEqual(['failed', reply.body.code, native.player.id]);
    }
    for (const deadline = performance.now() + WITHIN_MS; ; await pause(50)) {
      const [counted] = await here.sql<{ failed: number; calls: number }>('select sum(failed)::int as failed, sum(calls)::int as calls from provider_minute where account_id = $1', [native.accountId]);
      if (counted?.failed === 3) break;
      if (performance.now() > deadline) throw new Error(`counted ${JSON.stringify(counted)}`);
    }
  });
});

describe('the log', () => {
  let database: TestDatabase;
  let proxy: Proxy;
  const logs: CallLog[] = [];
  beforeAll(async () => {
    database = await freshDatabase();
    proxy = await Proxy.before(database.url('croupier_money'));
  });
  afterEach(async () => {
    proxy.mend();
    for (const log of logs.splice(0)) await log.stop();
  });
  afterAll(() => proxy.close());

  const sql = <Row>(text: string): Promise<Row[]> => asSuperuser<Row>(database.url('superuser'), text);
  const counted = { written: 0, dropped: 0, passedOver: 0, unattributed: 0, minutesLost: 0 };
  const reports: string[] = [];

  function open(): CallLog {
    for (const name of Object.keys(counted) as (keyof typeof counted)[]) counted[name] = 0;
    reports.length = 0;
    const count = Object.fromEntries(Object.keys(counted).map((name) => [name, (more: number) => void (counted[name as keyof typeof counted] += more)]));
    const log = new CallLog({ url: proxy.through(database.url('croupier_money')), sample: 1, count: count as unknown as CallLogCounts, report: (message) => reports.push(message) });
    log.start();
    logs.push(log);
    return log;
  }

  /** of each test another: what one has left on its way is not the next one's */
  let account = { accountId: 7, operatorId: '', policy: parsePolicy({}), games: new Map<string, boolean>() };
  beforeEach(() => { account = { ...account, operatorId: randomUUID() }; });
  const rowsOf = async (of = 'call_log', more = 'true') => sql<{ request_id: string }>(`select * from ${of} where operator_id = '${account.operatorId}' and ${more}`);
  const sumOf = async (column: string) => (await sql<{ sum: number }>(`select sum(${column})::int as sum from provider_minute where operator_id = '${account.operatorId}'`))[0]?.sum;
  const call = (id: string, more: Partial<Answered> = {}): Answered => ({
    account, dialect: 'native', operation: 'bet', method: 'POST', path: 'bet', query: '', headers: {}, body: Buffer.from('{"transactionId":"t"}'), from: undefined, context: undefined,
    answer: { status: 422, headers: { 'x-request-id': id }, body: '{}', outcome: 'INSUFFICIENT_FUNDS' }, ms: 1, ...more,
  });
  const overloaded = (id: string) => call(id, { answer: { status: 503, headers: { 'x-request-id': id }, body: '{}', outcome: 'OVERLOADED' }, ms: undefined });

  async function settled(log: CallLog): Promise<void> {
    for (const deadline = performance.now() + 15_000; log.waiting > 0; await pause(20)) if (performance.now() > deadline) throw new Error(`${log.waiting} still wait`);
  }

  it('holds no more than 4,000 calls, drops the oldest and counts them, and writes the rest once it can', async () => {
    proxy.cut();
    const log = open();
    for (let i = 0; i < 4_100; i++) log.answered(call(`id-${i}`));
    expect([log.waiting, counted.dropped]).toEqual([4_000, 100]);
    // What was taken to be written, and could not be, is not forgotten.
    for (const deadline = performance.now() + 15_000; !reports.includes('the call log cannot be written now'); await pause(20)) {
      if (performance.now() > deadline) throw new Error('nobody tried to write it');
    }
    proxy.mend();
    await settled(log);
    const numbers = (await rowsOf()).map((row) => Number(row.request_id.slice('id-'.length)));
    expect([numbers.length, Math.min(...numbers), counted.written]).toEqual([4_000, 100, 4_000]);
  }, 30_000);

  it('holds no more than 16 MiB of bodies', () => {
    proxy.cut();
    const log = open();
    for (let i = 0; i < 600; i++) log.answered(call(`id-${i}`, { body: Buffer.alloc(60_000, 'x') }));
    expect(log.waiting).toBeLessThan((16 * 2 ** 20) / 60_000);
    expect(log.waiting + counted.dropped).toBe(600);
  });

  it('costs a call nothing but a place in the buffer, also while the database says nothing', async () => {
    proxy.freeze();
    const log = open();
    log.answered(call('first'));
    await pause(700);
    const began = performance.now();
    for (let i = 0; i < 1_000; i++) log.answered(call(`id-${i}`));
    expect(performance.now() - began).toBeLessThan(500);
    const ending = performance.now();
    await log.stop();
    expect(performance.now() - ending).toBeLessThan(3_000);
    expect(counted.dropped).toBeGreaterThanOrEqual(1_000);
  });

  it('is written down to the last call when the process ends', async () => {
    const log = open();
    for (let i = 0; i < 150; i++) log.answered(call(`id-${i}`));
    await log.stop();
    expect([(await rowsOf()).length, await sumOf('refused')]).toEqual([150, 150]);
  });

  it('leaves out the call that cannot be written, and counts it, and writes those beside it', async () => {
    const log = open();
    for (let i = 0; i < 20; i++) log.answered(call(`id-${i}`, i === 7 ? { method: 'X'.repeat(9), answer: { ...call('x').answer, status: 2 ** 20 } } : {}));
    await settled(log);
    expect([(await rowsOf()).length, counted.written, counted.dropped]).toEqual([19, 19, 1]);
    expect(reports).toContain('a call cannot be written to the call log');
  });

  it('keeps a few of the calls that were turned away because there were too many, and counts the rest', async () => {
    const log = open();
    for (let i = 0; i < 300; i++) log.answered(overloaded(`id-${i}`));
    await log.stop();
    const kept = (await rowsOf('call_log', "code = 'OVERLOADED'")).length;
    expect([await sumOf('failed'), kept + counted.passedOver]).toEqual([300, 300]);
    expect(kept).toBeLessThan(20);
  });

  it('counts what is of no account, and has no row of it', async () => {
    const log = open();
    log.answered(call('nobody', { account: undefined }));
    await log.stop();
    expect([counted.unattributed, await rowsOf(), await rowsOf('provider_minute')]).toEqual([1, [], []]);
  });

  it('has a call once, also where an attempt to write it was done and nobody heard of it', async () => {
    const store = new CallStore(database.url('croupier_money'), randomUUID(), () => undefined);
    const row = rowOf({ ...call('twice'), account, result: 'refused', callId: randomUUID(), at: Date.now(), source: undefined });
    for (let i = 0; i < 2; i++) expect(await store.writeCalls([row])).toBe(1);
    await store.close();
    expect([(await rowsOf()).length, (await rowsOf('call_reference')).length]).toEqual([1, 1]);
  });

  it('never throws into a call, whatever it is given', async () => {
    const log = open();
    expect(() => log.answered(undefined as never)).not.toThrow();
    expect(() => log.answered(call('odd', { answer: undefined as never }))).not.toThrow();
    log.answered(call('later', { headers: undefined as never, body: 7 as never }));
    log.answered(call('right'));
    await settled(log);
    expect((await rowsOf()).map((row) => row.request_id)).toEqual(['right']);
    expect(counted.dropped).toBe(1);
  });
});

describe('a day without a partition', () => {
  it('loses no call', async () => {
    const database = await freshDatabase();
    const [{ day }] = (await asSuperuser<{ day: string }>(database.url('superuser'), `select to_char(now() at time zone 'UTC', '_YYYY_MM_DD') as day`)) as [{ day: string }];
    await asSuperuser(database.url('superuser'), `drop table call_log${day}; drop table call_reference${day}`);
    const store = new CallStore(database.url('croupier_money'), randomUUID(), () => undefined);
    const account = { accountId: 7, operatorId: randomUUID(), policy: parsePolicy({}), games: new Map<string, boolean>() };
    await store.writeCalls([rowOf({
      account, dialect: 'native', operation: 'bet', method: 'POST', path: 'bet', query: '', headers: {}, body: Buffer.from('{"transactionId":"t"}'), from: undefined, context: undefined,
      answer: { status: 422, headers: { 'x-request-id': 'kept' }, body: '{}', outcome: 'INSUFFICIENT_FUNDS' }, ms: 1, result: 'refused', callId: randomUUID(), at: Date.now(), source: undefined,
    })]);
    await store.close();
    expect(await asSuperuser(database.url('superuser'), "select tableoid::regclass::text as at from call_log where request_id = 'kept'")).toEqual([{ at: 'call_log_default' }]);
  });
});
