import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { officeGround, type Platform } from '../support/office.ts';
import type { WorldPlayer } from '../support/world.ts';
import { cellsOfCsv, cellsOfXlsx, rowsOf, sumOf, unitsOf, type Row } from './exports-read-back.ts';

// Exports over HTTP, made by the worker of the same process. What is in the files is held against the ledger by SQL.

const here = officeGround({ players: { EUR: 4, BTC: 1 } });
const NASTY = ['=1+1', '+1', '-1', '@sum(A1)', 'a,b', 'say "no"', ' lead', 'é東🎰', '_x0041_', '<&>'];
let player: WorldPlayer;

interface Export { exportId: string; state: string; rows: number; bytes: number; percent: number; why?: string; expiresAt?: string; asOf?: string; filters: Record<string, string> }

const headers = (platform: Platform) => ({ authorization: `Bearer ${platform.key}` });
const ask = async (body: object, platform = here.platform): Promise<Export> => {
  const { status, body: made } = await platform.post('/v1/exports', body);
  expect([status, made]).toEqual([201, expect.objectContaining({ state: 'waiting' })]);
  return made as Export;
};
/** Listens to the end. */
const listen = async (id: string, platform = here.platform): Promise<{ events: string[]; last: Export }> => {
  const text = await (await fetch(`${platform.baseUrl}/v1/exports/${id}/progress`, { headers: headers(platform) })).text();
  const events = text.split('\n\n').filter((event) => event.startsWith('event: '));
  return { events: events.map((event) => event.slice(7, event.indexOf('\n'))), last: JSON.parse(events.at(-1)?.split('\ndata: ')[1] ?? '{}') as Export };
};
const fileOf = async (id: string, platform = here.platform) => {
  const response = await fetch(`${platform.baseUrl}/v1/exports/${id}/file`, { headers: headers(platform) });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
};
const made = async (body: object): Promise<{ view: Export; bytes: Buffer; disposition: string }> => {
  const { exportId } = await ask(body);
  const { last } = await listen(exportId);
  expect([last.state, last.why]).toEqual(['done', undefined]);
  const { status, bytes, headers: got } = await fileOf(exportId);
  expect([status, bytes.length, got.get('content-length')]).toEqual([200, last.bytes, String(last.bytes)]);
  return { view: last, bytes, disposition: got.get('content-disposition') ?? '' };
};
const csvRows = (bytes: Buffer): Row[] => rowsOf(cellsOfCsv(bytes.toString('utf8')));
const guarded = (text: string) => (/^[=+\-@]/.test(text) ? `'${text}` : text);

beforeAll(async () => {
  player = here.player();
  const call = { playerId: player.id, currency: 'EUR', gameId: 'game-1' };
  for (const [i, reference] of NASTY.entries()) {
    const reply = await here.provider.call('bet', { ...call, transactionId: reference, roundId: NASTY[i], amount: '1.25' });
    expect([reference, reply.status]).toEqual([reference, 200]);
  }
  await here.provider.call('win', { ...call, transactionId: 'w1', roundId: 'a,b', amount: '3.000001' });
  await here.provider.call('rollback', { playerId: player.id, transactionId: 'x1', originalTransactionId: '=1+1', currency: 'EUR' });
});

describe('an export of transactions', () => {
  const ledger = () => here.sql<{ id: string; amount: string; reference: string }>(
    `select transaction_id as id, amount::text, reference from transaction where operator_id = $1 order by 1`, [here.operator]);

  it('has each row of the ledger of its operator once, with its amounts to the smallest unit, in each format', async () => {
    const rows = await ledger();
    const byId = new Map(rows.map(({ id, amount, reference }) => [id, { amount, reference }]));
    const plain = await made({ report: 'transactions', format: 'csv' });
    const packed = await made({ report: 'transactions', format: 'csv.gz' });
    const sheet = await made({ report: 'transactions', format: 'xlsx' });
    expect(plain.disposition).toMatch(/^attachment; filename="transactions-\d{8}T\d{6}Z\.csv"$/);
    expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true);
    const found = csvRows(plain.bytes);
    expect([found.length, plain.view.rows, new Set(found.map((row) => row['transactionId'])).size]).toEqual([rows.length, rows.length, rows.length]);
    for (const row of found) {
      const { amount, reference } = byId.get(row['transactionId'] as string) ?? { amount: 'none', reference: 'none' };
      const scale = row['currency'] === 'BTC' ? 100n : 1n;
      const units = row['currency'] === 'BTC' ? BigInt(amount) : unitsOf(row['amount'] as string);
      expect([row['reference'], units * scale]).toEqual([guarded(reference), BigInt(amount) * scale]);
    }
    const [header = [], ...cells] = cellsOfXlsx(sheet.bytes);
    expect(cells).toHaveLength(rows.length);
    const at = (name: string) => header.findIndex(({ text }) => text === name);
    for (const [i, row] of found.entries()) {
      const written = cells[i] ?? [];
      // A sheet's text is no formula: it stands there as it is.
      expect([written[at('reference')], written[at('amount')]]).toEqual([
        { kind: 'text', text: byId.get(row['transactionId'] as string)?.reference }, { kind: 'number', text: row['amount'] },
      ]);
    }
  });

  it('is of a period, a kind, a player: 10 bets of 1.25 are -12.50', async () => {
    const { bytes, view } = await made({ report: 'transactions', format: 'csv', filters: { period: 'today', kind: 'bet', playerId: player.id, currency: 'EUR' } });
    const rows = csvRows(bytes);
    expect([rows.length, sumOf(rows, 'amount'), view.rows]).toEqual([10, -12_500_000n, 10]);
    expect(Date.parse(view.filters['to'] as string) - Date.parse(view.filters['from'] as string)).toBe(86_400_000);
    const none = await made({ report: 'transactions', format: 'csv', filters: { period: 'yesterday' } });
    expect([csvRows(none.bytes).length, none.bytes.toString().split('\r\n').length]).toEqual([0, 2]);
  });

  it('takes a range of ten years, or one without an end', async () => {
    const from = new Date(Date.now() - 3_000 * 86_400_000).toISOString();
    for (const filters of [{ from, to: new Date(Date.parse(from) + 3_660 * 86_400_000).toISOString() }, { from: '1970-01-01T00:00:00Z' }, { to: '9998-01-01T00:00:00Z' }]) {
      expect(csvRows((await made({ report: 'transactions', format: 'csv', filters })).bytes)).toHaveLength((await ledger()).length);
    }
  });

  it('is told as it goes, to its end', async () => {
    const { exportId } = await ask({ report: 'transactions', format: 'csv' });
    const { events, last } = await listen(exportId);
    expect([events.at(-1), events.slice(0, -1).every((event) => event === 'progress'), last.percent, last.state]).toEqual(['end', true, 100, 'done']);
  });
});

describe('an export of a report', () => {
  const fed = () => here.sql<{ left: number }>(`select count(*)::int as left from projection p where not p.building and (not p.caught_up or exists (
    select from lane l where l.retired_at is null and l.batch > coalesce(p.batches[array_position(p.lanes, l.lane)], 0)))`);
  const onceFed = async () => { while ((await fed())[0]?.left !== 0) await pause(50); };

  it('of revenue has the lines and the numbers of the screen', async () => {
    await onceFed();
    const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
    const screen = await here.platform.get(`/v1/reports/revenue?from=${day(-1)}&to=${day(1)}&groupBy=day,provider,game`);
    const { items } = screen.body as { items: Record<string, unknown>[] };
    const rows = csvRows((await made({ report: 'revenue', format: 'csv' })).bytes);
    const names = ['day', 'accountId', 'currency', 'bets', 'undoneBets', 'turnover', 'won', 'ggr', 'deposited', 'withdrawn'];
    const told = (lines: readonly Readonly<Record<string, unknown>>[]) => lines.map((line) => names.map((name) => String(line[name] ?? '')).join()).toSorted();
    expect(items.length).toBeGreaterThan(1);
    expect(told(rows)).toEqual(told(items));
    // Ten bets of 1.25, one of them undone, and a win of 3.000001.
    const game = rows.filter((row) => row['gameId'] === 'game-1' && row['currency'] === 'EUR');
    expect([sumOf(game, 'turnover'), sumOf(game, 'won'), sumOf(game, 'ggr')]).toEqual([11_250_000n, 3_000_001n, 8_249_999n]);
  });

  it('of rounds has each round once, as the view has it, page by page too', async () => {
    await onceFed();
    const rounds = await here.sql<{ id: string; staked: string; won: string; state: string }>(
      'select round_id as id, staked::text, won::text, state from played_round where operator_id = $1 order by 1', [here.operator]);
    const rows = csvRows((await made({ report: 'rounds', format: 'csv', filters: { playerId: player.id } })).bytes);
    expect(rows.map((row) => [row['roundId'], unitsOf(row['staked'] as string), unitsOf(row['won'] as string), row['state']].join()).toSorted())
      .toEqual(rounds.map(({ id, staked, won, state }) => [guarded(id), staked, won, state].join()).toSorted());
    expect([rows.length, sumOf(rows, 'staked'), sumOf(rows, 'won')]).toEqual([10, 11_250_000n, 3_000_001n]);
    const all = csvRows((await made({ report: 'rounds', format: 'csv.gz' }).then(({ bytes }) => ({ bytes: gunzipSync(bytes) }))).bytes);
    expect(all).toHaveLength(rounds.length);
    const open = csvRows((await made({ report: 'rounds', format: 'csv', filters: { state: 'open', currency: 'EUR' } })).bytes);
    expect(open).toHaveLength(rounds.filter(({ state }) => state === 'open').length);
  });
});

describe('a statement of a wallet', () => {
  it('goes from what it held to what it holds, and its rows come to the difference', async () => {
    const { bytes } = await made({ report: 'statement', format: 'csv', filters: { playerId: player.id, currency: 'EUR' } });
    const rows = csvRows(bytes);
    const [wallet] = await here.sql<{ balance: string; version: string }>('select balance::text, version::text from wallet where player_id = $1', [player.id]);
    expect([rows.length, rows[0]?.['kind'], rows[0]?.['balance'], rows.at(-1)?.['kind']]).toEqual([Number(wallet?.version) + 2, 'opening', '0.00', 'closing']);
    expect([unitsOf(rows.at(-1)?.['balance'] as string), sumOf(rows, 'amount')]).toEqual([BigInt(wallet?.balance ?? 0), BigInt(wallet?.balance ?? 0)]);
    const [third] = await here.sql<{ at: Date; before: string }>(`select at, (select balance_after::text from transaction b where b.player_id = t.player_id and b.version = 4) as before
      from transaction t where player_id = $1 and version = 5`, [player.id]);
    const later = csvRows((await made({ report: 'statement', format: 'csv', filters: { playerId: player.id, currency: 'EUR', from: third?.at.toISOString() } })).bytes);
    expect([unitsOf(later[0]?.['balance'] as string), later[1]?.['walletVersion']]).toEqual([BigInt(third?.before ?? 0), '5']);
  });
});

describe('what cannot be had', () => {
  it.each([
    ['report', { report: 'everything', format: 'csv' }], ['format', { report: 'transactions', format: 'pdf' }],
    ['filters.colour', { report: 'transactions', format: 'csv', filters: { colour: 'red' } }], ['filters.kind', { report: 'transactions', format: 'csv', filters: { kind: 'gift' } }],
    ['filters.period', { report: 'transactions', format: 'csv', filters: { period: 'yesterday', from: '2026-01-01T00:00:00Z' } }],
    ['filters.to', { report: 'transactions', format: 'csv', filters: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' } }],
    ['filters.from', { report: 'transactions', format: 'csv', filters: { from: '2026-01-02' } }], ['columns', { report: 'transactions', format: 'csv', columns: ['a'] }],
    ['filters.playerId', { report: 'statement', format: 'csv', filters: { playerId: randomUUID(), currency: 'EUR' } }], ['keepDays', { report: 'transactions', format: 'csv', keepDays: 0 }],
  ])('is refused and named: %s', async (field, body) => {
    const reply = await here.platform.post('/v1/exports', body);
    expect([reply.status, reply.body.code, reply.body.errors?.[0]?.field]).toEqual([400, 'REQUEST_INVALID', field]);
  });

  it.each([
    ['transactions', { from: '1970-01-01T00:00:00Z', to: '2070-01-01T00:00:00Z' }, 'at most 3660 days behind `from`'],
    ['rounds', { from: '2026-01-01T00:00:00.000Z', to: '2036-01-09T00:00:00.001Z' }, 'at most 3660 days behind `from`'],
    ['revenue', { from: '1970-01-01', to: '2070-01-01' }, 'at most 3660 days behind `from`'],
    ['transactions', { from: '2026-01-01T00:00:00Z', to: '2026-01-01T01:00:00+01:00' }, 'after `from`'],
    ['rounds', { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'after `from`'],
    ['revenue', { from: '2026-01-02', to: '2026-01-01' }, 'not before `from`'],
  ])('is %s of a time that ends wrongly, %j: %s', async (report, filters, message) => {
    const reply = await here.platform.post('/v1/exports', { report, format: 'csv', filters });
    expect([reply.status, reply.body.errors]).toEqual([400, [{ field: 'filters.to', message }]]);
  });

  it('is of one gaming day, if somebody asks for that', async () => {
    expect((await here.platform.post('/v1/exports', { report: 'revenue', format: 'csv', filters: { from: '2026-01-01', to: '2026-01-01' } })).status).toBe(201);
  });

  it('of another operator is not there, whatever is asked of it', async () => {
    const { exportId } = await ask({ report: 'transactions', format: 'csv' });
    await listen(exportId);
    for (const path of ['', '/file', '/progress']) here.expectRefused(await here.stranger.get(`/v1/exports/${exportId}${path}`), 'NOT_FOUND', 404);
    here.expectRefused(await here.stranger.post(`/v1/exports/${exportId}/cancel`), 'NOT_FOUND', 404);
    expect((await here.stranger.get('/v1/exports')).body.items).toEqual([]);
    const theirs = await here.stranger.post('/v1/exports', { report: 'transactions', format: 'csv' });
    await listen(theirs.body.exportId as string, here.stranger);
    const rows = csvRows((await fileOf(theirs.body.exportId as string, here.stranger)).bytes);
    expect(rows.map((row) => row['playerId']).toSorted()).toEqual(here.world.strangers.map(({ id }) => id).toSorted());
  });

  it('needs the right to it', async () => {
    const reader = await here.platformOf({ roles: ['auditor'] });
    here.expectRefused(await reader.post('/v1/exports', { report: 'transactions', format: 'csv' }), 'FORBIDDEN', 403);
    expect((await reader.get('/v1/exports?limit=1')).status).toBe(200);
    const support = await here.platformOf({ roles: ['support'] });
    here.expectRefused(await support.get('/v1/exports'), 'FORBIDDEN', 403);
  });

  it('is said to be not there yet, or not any more', async () => {
    const insert = (state: string, more = '') => here.sql<{ id: string }>(
      `insert into export (operator_id, report, format, filters, keep_days, state, alive_at, expires_at, attempt) values ($1, 'transactions', 'csv', '{}', 7, '${state}', now() + interval '1 hour', ${more || 'null'}, 1)
       returning export_id as id`, [here.operator]);
    const [running] = await insert('running');
    const early = await here.platform.get(`/v1/exports/${running?.id}/file`);
    here.expectRefused(early, 'EXPORT_NOT_READY', 409);
    const cancelled = await here.platform.post(`/v1/exports/${running?.id}/cancel`);
    expect([cancelled.status, cancelled.body.state]).toEqual([200, 'cancelled']);
    const never = await here.platform.get(`/v1/exports/${running?.id}/file`);
    here.expectRefused(never, 'EXPORT_NOT_READY', 409);
    // Who asks again as long as it may help would ask for ever.
    expect([early.body.retryable, never.body.retryable]).toEqual([true, false]);
    const [over] = await insert('done', "now() - interval '1 second'");
    here.expectRefused(await here.platform.get(`/v1/exports/${over?.id}/file`), 'EXPORT_EXPIRED', 410);
    expect((await here.platform.get(`/v1/exports/${over?.id}`)).body.state).toBe('expired');
  });
});

describe('a file', () => {
  it('says how long it is to who asks for no more than that', async () => {
    const { view } = await made({ report: 'transactions', format: 'csv' });
    const asked = await fetch(`${here.platform.baseUrl}/v1/exports/${view.exportId}/file`, { method: 'HEAD', headers: headers(here.platform) });
    expect([asked.status, asked.headers.get('content-length'), await asked.text()]).toEqual([200, String(view.bytes), '']);
  });

  it.each(['csv', 'csv.gz', 'xlsx'])('of which a piece was lost is broken off before its length, never a shorter file: %s', async (format) => {
    const { view } = await made({ report: 'transactions', format });
    await here.sql('delete from export_piece where export_id = $1 and place = (select max(place) from export_piece where export_id = $1)', [view.exportId]);
    await expect(fileOf(view.exportId)).rejects.toThrow(/terminated|fetch failed/);
    expect((await here.platform.get(`/v1/exports/${view.exportId}`)).status).toBe(200);
  });
});

describe('a command', () => {
  it('is done once under its key, and its key is good for nothing else', async () => {
    const key = randomUUID();
    const body = { report: 'transactions', format: 'csv' };
    const first = await here.platform.post('/v1/exports', body, { idempotencyKey: key });
    const again = await here.platform.post('/v1/exports', body, { idempotencyKey: key });
    expect([again.status, again.body.exportId, again.headers['idempotent-replayed']]).toEqual([201, first.body.exportId, 'true']);
    here.expectRefused(await here.platform.post('/v1/exports', { ...body, format: 'xlsx' }, { idempotencyKey: key }), 'TRANSACTION_CONFLICT', 409);
    here.expectRefused(await here.platform.post('/v1/exports', body, { idempotencyKey: null }), 'REQUEST_INVALID', 400);
  });

  it('is listed, newest first, and walked page by page without a gap', async () => {
    const all = (await here.platform.get('/v1/exports?limit=100')).body.items.map(({ exportId }: Export) => exportId) as string[];
    expect(all).toEqual(all.toSorted().toReversed());
    const walked: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const { body } = await here.platform.get(`/v1/exports?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      walked.push(...body.items.map(({ exportId }: Export) => exportId));
      cursor = body.nextCursor as string | undefined;
    }
    expect(walked).toEqual(all);
    expect((await here.stranger.get(`/v1/exports?cursor=${(await here.platform.get('/v1/exports?limit=1')).body.nextCursor}`)).body.errors[0].field).toBe('cursor');
  });
});
