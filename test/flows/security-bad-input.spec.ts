import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { connect } from 'node:net';
import { PROJECTIONS } from '../../src/installed.ts';
import { Reader, allRoles } from '../support/reader.ts';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { documentOf, operationsOf, pathWith, queryOf, type Operation } from '../support/operations.ts';
import { fed } from '../support/feeding.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { createWorld, type World } from '../support/world.ts';
import { plantKey } from '../support/office.ts';

// Every route that reads, as the OpenAPI document has it, is asked for what it should not be asked for: 400 that names the field, and never a fault.

let database: TestDatabase;
let world: World;
let served: InProcess;
let key: string;
let reads: Operation[];
let values: Record<string, string>;
let reader: Reader;

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: 1 } });
  await fed(database, ...PROJECTIONS);
  served = await serveHere(database, { ...allRoles(database), ROLE: 'office' });
  key = await plantKey(database, world.operators[0] as string);
  reader = new Reader(served.baseUrl, key);
  reads = operationsOf(await documentOf(served.baseUrl)).filter(({ method }) => method === 'GET');
  values = { playerId: world.players[0]?.id as string, accountId: String(world.accounts[0]?.accountId), currency: 'EUR', gameId: 'game-1', roundId: 'r1', requestId: 'r', reference: 'b1' };
}, 60_000);
afterAll(() => served?.close());

interface Came { readonly status: number; readonly type: string | undefined; readonly text: string; readonly body: any }

/** The path as it is: nothing tidies it. */
const ask = (path: string, headers: Record<string, string | string[]> = {}): Promise<Came> => new Promise((resolve, reject) => {
  const { hostname, port } = new URL(served.baseUrl);
  const outgoing = request({ hostname, port, path, agent: false, headers: { authorization: `Bearer ${key}`, ...headers }, timeout: 20_000 });
  outgoing.on('error', reject).once('timeout', () => outgoing.destroy(new Error('no answer')));
  outgoing.once('response', (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).once('end', () => {
      const text = Buffer.concat(chunks).toString();
      const type = incoming.headers['content-type'];
      resolve({ status: incoming.statusCode ?? 0, type, text, body: type?.includes('json') ? JSON.parse(text) : undefined });
    });
  });
  outgoing.end();
});

const INSIDE = /node_modules|\.ts\b|\bat \S+ \(|postgres|select |insert into|stack|croupier_|FST_|SQLSTATE/i;
/** What is wrong with an answer, as a sentence; undefined: it is 400 and names the field, or is one of these statuses. */
function wrongWith(what: string, { status, body, text, type }: Came, field: string | undefined, also: readonly number[] = []): string | undefined {
  if (status >= 500 || INSIDE.test(text)) return `${what}: ${status} ${text.slice(0, 200)}`;
  if (also.includes(status)) return undefined;
  if (status !== 400 || !type?.startsWith('application/problem+json')) return `${what}: ${status}`;
  const fields = body.errors?.map((error: { field: string }) => error.field) as string[] | undefined;
  return field === undefined || fields?.[0] === field ? undefined : `${what}: names ${String(fields)}`;
}

const addressOf = (operation: Operation, more: string, without?: string): string => {
  const required = Object.fromEntries(Object.entries(operation.required).filter(([name]) => name !== without));
  return `${pathWith(operation.path, values)}${queryOf({ ...operation, required }, values, more)}`;
};

/** Each parameter of each query, with what is wrong with it. */
async function walked(of: (name: string) => readonly string[], also: readonly number[] = []): Promise<{ asked: number; wrong: string[] }> {
  const wrong: string[] = [];
  let asked = 0;
  for (const operation of reads) {
    for (const name of operation.query) {
      await Promise.all(of(name).map(async (text) => {
        asked++;
        const said = wrongWith(`${operation.id} ${name}=${text.slice(0, 60)}`, await ask(addressOf(operation, text.startsWith(`${name}=`) ? text : `${name}=${text}`, name)), name, also);
        if (said) wrong.push(said);
      }));
    }
  }
  return { asked, wrong };
}

const isTime = (name: string) => /^(from|to|since|until)$|(From|To)$/.test(name);

describe('a parameter', () => {
  it('given twice, as a list or with a NUL in it is refused by its name', async () => {
    const { asked, wrong } = await walked((name) => [`${name}=1&${name}=2`, `${name}=&${name}=`, '%00', 'a%00b', '%0a', 'x'.repeat(3_000)]);
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(400);
  }, 120_000);

  it('as an object or a list in brackets is not known', async () => {
    const wrong: string[] = [];
    for (const operation of reads) {
      for (const name of [...operation.query.map((each) => `${each}[]`), ...operation.query.map((each) => `${each}[a]`), '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'operatorId', 'sort', '']) {
        const said = wrongWith(`${operation.id} ${name}`, await ask(addressOf(operation, `${name}=x`)), name);
        if (said && !(name === '' && said.endsWith('200'))) wrong.push(said);
      }
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('that is badly escaped or of half a character is text like any other, or refused by its name', async () => {
    const { wrong } = await walked(() => ['%', '%zz', '%f', '%ff', '%c3%28', '%ed%a0%80', '%u0041', '%25', "'%20or%201=1", '%e2%80%ae', '%f0%9f%8e%b0'], [200, 404]);
    expect(wrong).toEqual([]);
  }, 120_000);

  it('that is a time or a day, and is none, is refused by its name', async () => {
    const NONE = ['', 'x', '0', 'NaN', '1e9', '-1', '2026-02-30', '2026-13-01', '2026-00-10', '0000-01-01', '-0001-01-01', '99999-01-01', '+012026-01-01', '2026-1-1', '2026-02-30T00:00:00Z', '0000-01-01T00:00:00Z',
      '99999-01-01T00:00:00Z', '2026-01-01T25:00:00Z', '2026-01-01T00:60:00Z', '2026-01-01T00:00:00', '1969-12-31T23:59:59Z', '9999-12-31T23:59:59Z', '2026-01-01T00:00:00%2B99:00', 'infinity', '-infinity', 'now', 'epoch', '%D9%A2%D9%A0%D9%A2%D9%A6-01-01'];
    const { asked, wrong } = await walked((name) => (isTime(name) ? NONE : []));
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(300);
  }, 120_000);

  it('that is a number, and is none or too large, is refused by its name', async () => {
    const { asked, wrong } = await walked((name) => (['limit', 'top', 'accountId'].includes(name) ? ['0', '-1', '1e9', '9999999999999', 'NaN', 'Infinity', '1.5', '0x10', '%201', '', '%D9%A1', 'null', 'true'] : []));
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(150);
  }, 60_000);

  it('that is a cursor, and is forged, is refused by its name', async () => {
    const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const sealed = [16, 28, 44, 64, 200, 1_500].map((bytes) => Buffer.alloc(bytes, 7).toString('base64url'));
    const { asked, wrong } = await walked((name) => (name === 'cursor' ? ['', 'x', 'e30', json([]), json(['next', 1]), json({ at: 1 }), '%00', '=', ...sealed, 'A'.repeat(2_049)] : []));
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(100);
  }, 60_000);
});

describe('a range', () => {
  const walkedRanges = async (ranges: readonly (readonly [begins: string, ends: string])[], right: (came: Awaited<ReturnType<typeof ask>>, from: string, to: string) => boolean) => {
    const wrong: string[] = [];
    let asked = 0;
    for (const operation of reads) {
      for (const [from, to] of [['from', 'to'], ['openedFrom', 'openedTo'], ['endedFrom', 'endedTo'], ['lastFrom', 'lastTo'], ['since', 'until']] as const) {
        if (!operation.query.includes(from) || !operation.query.includes(to)) continue;
        const required = { ...operation.required };
        delete (required as Record<string, string>)[from];
        delete (required as Record<string, string>)[to];
        for (const [begins, ends] of ranges) {
          const path = `${pathWith(operation.path, values)}${queryOf({ ...operation, required }, values, `${from}=${begins}&${to}=${ends}`)}`;
          const came = await ask(path);
          asked++;
          if (came.status >= 500 || !right(came, from, to)) wrong.push(`${path}: ${came.status} ${came.body?.errors?.[0]?.field}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(12);
  };

  it('of a hundred years is refused by the name of one of its ends', () => walkedRanges(
    [['1970-01-02', '2070-01-01'], ['1970-01-02T00:00:00Z', '2070-01-01T00:00:00Z']],
    ({ status, body }, from, to) => from === 'since' || (status === 400 && [from, to].includes(body?.errors?.[0]?.field)),
  ));

  it('that ends before it begins is refused likewise, not answered as an empty one', () => walkedRanges(
    [['2026-01-02', '2026-01-01'], ['2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z']],
    ({ status, body }, from, to) => from === 'since' || (status === 400 && [from, to].includes(body?.errors?.[0]?.field)),
  ));
});

describe('a path', () => {
  it('that is badly escaped, or of another form than its ids, leads nowhere', async () => {
    const wrong: string[] = [];
    for (const operation of reads.filter(({ pathParameters }) => pathParameters.length > 0)) {
      for (const raw of ['%', '%zz', '%00', 'a%00b', '%ff', '%c3%28', '%ed%a0%80', '%2f', '..%2f..%2fetc', '%2e%2e', '%0d%0aset-cookie:a', "'%20or%20''='", 'x'.repeat(5_000), '%f0%9f%8e%b0', '-1', '0', '99999999999', '{playerId}']) {
        for (const { name } of operation.pathParameters) {
          const at = operation.path.replaceAll(/\{(\w+)\}/g, (_, each: string) => (each === name ? raw : encodeURIComponent(values[each] ?? 'x')));
          const said = wrongWith(at.slice(0, 90), await ask(`${at}${queryOf(operation, values)}`), undefined, [404, 400, 414, 200]);
          if (said) wrong.push(said);
        }
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);
});

describe('a request', () => {
  it('with 64 KB of query is too long, with 10 KB of it is refused by its name, and with 2,000 names by some of them', async () => {
    const wrong: string[] = [];
    for (const operation of reads) {
      const long = await ask(addressOf(operation, `a=${'x'.repeat(65_536)}`)).catch(({ code }: { code: string }) => ({ status: code === 'ECONNRESET' || code === 'EPIPE' ? 431 : 0, text: code, body: undefined, type: undefined }));
      if (![414, 431].includes(long.status)) wrong.push(`${operation.id}: 64 KB: ${long.status} ${long.text.slice(0, 100)}`);
      const ten = wrongWith(`${operation.id}: 10 KB`, await ask(addressOf(operation, `a=${'x'.repeat(10_000)}`)), 'a');
      const many = await ask(addressOf(operation, Array.from({ length: 2_000 }, (_, i) => `q${i}=`).join('&')));
      if (ten) wrong.push(ten);
      if (many.status !== 400 || !/^q\d+$/.test(many.body.errors?.[0]?.field) || many.text.length > 10_000) wrong.push(`${operation.id}: 2,000 names: ${many.status} ${many.text.length}`);
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('with tokens and tags that are none is no fault', async () => {
    const wrong: string[] = [];
    for (const operation of reads.filter(({ ofView }) => ofView)) {
      for (const headers of [
        { 'x-consistency-token': '' }, { 'x-consistency-token': 'x' }, { 'x-consistency-token': 'é' }, { 'x-consistency-token': 'A'.repeat(8_000) }, { 'x-consistency-token': ['a', 'b'] },
        { 'if-none-match': ',' }, { 'if-none-match': '"' }, { 'if-none-match': 'W/' }, { 'if-none-match': 'W/"x",'.repeat(1_500) }, { 'if-none-match': `W/"${'a'.repeat(27)}.x"` },
        { 'accept-encoding': 'br;q=x, *;q=-1, \u00e9' }, { accept: 'text/html' },
      ] as Record<string, string | string[]>[]) {
        const came = await ask(addressOf(operation, ''), headers);
        if (came.status >= 500 || INSIDE.test(came.text)) wrong.push(`${operation.id} ${JSON.stringify(headers).slice(0, 60)}: ${came.status} ${came.text.slice(0, 150)}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('that is no HTTP is answered with 400, and the next one as ever', async () => {
    for (const text of ['GET /v1/players\u0000 HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /v1/players HTTP/9.9\r\nHost: x\r\n\r\n', 'GET  HTTP/1.1\r\n\r\n', '\u0016\u0003\u0001', `GET /v1/players HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(5_000)}\r\n`]) {
      const { hostname, port } = new URL(served.baseUrl);
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(Number(port), hostname, () => socket.end(text));
        let said = '';
        socket.on('data', (chunk) => { said += chunk.toString(); }).once('close', () => resolve(said)).once('error', () => resolve(said));
      });
      expect([text.slice(0, 20), /^(HTTP\/1\.1 (4\d\d|505)|$)/.test(answer), INSIDE.test(answer)]).toEqual([text.slice(0, 20), true, false]);
    }
    expect((await reader.get('/v1/players')).status).toBe(200);
  });
});
