import { beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { DIALECTS } from '../../src/installed.ts';
import { MEANINGS } from '../../src/providers/native/refusals.ts';
import { OPERATIONS } from '../../src/providers/native/schema.ts';
import { ground } from '../support/ground.ts';

/** The document says what the service does, and its page asks nobody else for anything. */
const here = ground({ players: { EUR: 5 } });

interface Media {
  readonly schema: Record<string, unknown>;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly security: readonly Record<string, string[]>[];
  readonly requestBody: { readonly required: boolean; readonly content: Record<string, Media> };
  readonly responses: Record<string, { readonly description: string; readonly content: Record<string, Media>; readonly headers?: object }>;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, { required: string[]; properties: Record<string, { enum?: string[] }> }>;
    readonly securitySchemes: object;
  };
}

let text: string;
let document: Document;

beforeAll(async () => {
  const response = await fetch(`${here.served.baseUrl}/docs/openapi.json`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('application/json')]);
  text = await response.text();
  document = JSON.parse(text) as Document;
});

const operationOf = (name: string) => document.paths[`/v1/wallet/${name}`]?.['post'] as Operation;
const requestOf = (name: string) => z.fromJSONSchema(operationOf(name).requestBody.content['application/json']?.schema as never);
const answerOf = (name: string) => z.fromJSONSchema(operationOf(name).responses['200']?.content['application/json']?.schema as never);

/** Every object in the document, depth first. */
function* nodes(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const child of Object.values(value)) yield* nodes(child);
}

describe('the document', () => {
  it('is OpenAPI 3.1 and whole: every reference leads somewhere, every id is one operation’s', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Croupier', version: expect.any(String) });
    for (const { $ref } of nodes(document)) {
      if ($ref === undefined) continue;
      const target = ($ref as string)
        .replace('#/', '')
        .split('/')
        .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
      expect([$ref, typeof target]).toEqual([$ref, 'object']);
    }
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('holds the ten operations of the wallet, those of each other dialect, and nothing that is not served', () => {
    const paths = Object.keys(document.paths);
    const native = paths.filter((path) => path.startsWith('/v1/'));
    expect(native.toSorted()).toEqual(
      ['adjust', 'authenticate', 'balance', 'bet', 'cancel-round', 'close-round', 'play', 'rollback', 'status', 'win'].map((name) => `/v1/wallet/${name}`));
    expect(Object.keys(OPERATIONS).sort()).toEqual(native.map((path) => path.slice('/v1/wallet/'.length)).sort());
    const others = DIALECTS.filter(({ name }) => name !== 'native').flatMap(({ operations, title }) => operations.map(({ path }) => [title, path] as const));
    const said = paths.filter((path) => !path.startsWith('/v1/'))
      .map((path) => [(document.paths[path]?.['post'] as unknown as { tags: string[] }).tags[0], /^\/providers\/\{\w*[aA]ccount\}\/(.+)$/.exec(path)?.[1]]);
    expect(said.toSorted()).toEqual(others.toSorted());
    expect(others.length).toBeGreaterThan(0);
    for (const path of Object.values(document.paths)) expect(Object.keys(path)).toEqual(['post']);
  });

  it('says of each how it is signed, what it takes, and that an error is a problem', () => {
    for (const name of Object.keys(OPERATIONS)) {
      const operation = operationOf(name);
      expect(operation.summary.length).toBeGreaterThan(5);
      expect(operation.parameters.map((parameter) => [parameter.name, parameter.in, parameter.required])).toEqual([
        ['webhook-id', 'header', true],
        ['webhook-timestamp', 'header', true],
      ]);
      expect(Object.keys(operation.security[0] ?? {}).every((scheme) => scheme in document.components.securitySchemes)).toBe(true);
      expect([operation.requestBody.required, Object.keys(operation.requestBody.content)]).toEqual([true, ['application/json']]);
      expect(Object.keys(operation.responses['default']?.content ?? {})).toEqual(['application/problem+json']);
      expect(Object.keys(operation.responses['200']?.headers ?? {})).toEqual(['x-request-id', 'x-wallet-version', 'x-consistency-token']);
    }
  });

  it('names every code, and the fields that a problem always has', () => {
    const problem = document.components.schemas['Problem'];
    expect(problem?.properties['code']?.enum?.toSorted()).toEqual(Object.keys(MEANINGS).sort());
    expect(problem?.required).toEqual(['type', 'title', 'status', 'code', 'detail', 'requestId', 'retryable']);
  });

  it('shows no secret, host or path of a machine', () => {
    expect(text).not.toMatch(/whsec_[A-Za-z0-9+/]{8}|127\.0\.0\.1|localhost|\/home\/|\/root\//);
  });
});

describe('its schemas', () => {
  it('take what the service takes, and describe what it answers', async () => {
    const { provider, player } = here.seat();
    const who = { playerId: player.id, currency: 'EUR' };
    const round = { gameId: 'game-1', roundId: 'r1' };
    const calls: [keyof typeof OPERATIONS, object][] = [
      ['authenticate', { sessionToken: player.sessionToken }],
      ['balance', who],
      ['bet', { ...who, ...round, transactionId: 'b1', amount: '10', sessionToken: player.sessionToken, metadata: { table: 7 } }],
      ['bet', { ...who, ...round, transactionId: 'f1', amount: '0', free: { campaignId: 'c' } }],
      ['win', { ...who, ...round, transactionId: 'w1', amount: '5.25', betTransactionId: 'b1' }],
      ['win', { ...who, transactionId: 'a1', amount: '5', type: 'jackpot' }],
      ['rollback', { ...who, transactionId: 'k1', originalTransactionId: 'w1', originalType: 'win', amount: '5.25', reason: 'mistake' }],
      [
        'play',
        {
          ...who,
          ...round,
          actions: [
            { type: 'bet', transactionId: 'b2', amount: '1' },
            { type: 'win', transactionId: 'w2', amount: '0' },
            { type: 'rollback', transactionId: 'k2', originalTransactionId: 'w2' },
          ],
        },
      ],
      ['adjust', { ...who, ...round, transactionId: 'j1', amount: '-0.25' }],
      ['close-round', { ...who, roundId: 'r1' }],
      ['cancel-round', { ...who, roundId: 'r2' }],
      ['status', { ...who, reference: 'b1', type: 'bet' }],
      ['status', { ...who, reference: 'nothing', type: 'bet' }],
    ];
    for (const [name, fields] of calls) {
      const body = { operation: name, ...fields };
      expect(requestOf(name).safeParse(body)).toMatchObject({ success: true });
      const reply = await provider.call(name, fields);
      expect([name, reply.status]).toEqual([name, 200]);
      expect(answerOf(name).safeParse(reply.body)).toMatchObject({ success: true });
    }
  });

  it('turn down what the service turns down', async () => {
    const seat = here.seat();
    const good = {
      operation: 'bet',
      playerId: seat.player.id,
      currency: 'EUR',
      gameId: 'game-1',
      roundId: 'r1',
      transactionId: 'b1',
      amount: '10',
    };
    const wrong = [
      ...Object.keys(good).map((field) => ({ ...good, [field]: undefined })),
      { ...good, amount: 10 },
      { ...good, amount: '-1' },
      { ...good, amount: '1e2' },
      { ...good, transactionId: '' },
      { ...good, transactionId: 'x'.repeat(129) },
      { ...good, currency: 'eur' },
      { ...good, closeRound: 'yes' },
      { ...good, operation: 'win' },
    ];
    for (const body of wrong) {
      expect(requestOf('bet').safeParse(JSON.parse(JSON.stringify(body)))).toMatchObject({ success: false });
      expect((await seat.provider.call('bet', {}, { raw: JSON.stringify(body) })).status).toBe(400);
    }
  });
});

describe('the page at /docs', () => {
  const FOREIGN = /(?:src|href|url|action)\s*[=:(]\s*["']?\s*(?:https?:)?\/\/(?!127\.0\.0\.1)/i;
  const page = async (path: string) => {
    const response = await fetch(new URL(path, `${here.served.baseUrl}/`));
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() };
  };

  it('is served with everything that it asks for, from here', async () => {
    const { status, type, text: html } = await page('docs');
    expect([status, type]).toEqual([200, expect.stringContaining('text/html')]);
    expect(html).not.toMatch(FOREIGN);
    expect(html.replace(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:\/\//); // a namespace is a name that nobody fetches
    const asked = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => path as string);
    expect(asked.filter((path) => /\.(js|css)$/.test(path)).length).toBeGreaterThanOrEqual(3);
    for (const path of asked) expect([path, (await page(path)).status]).toEqual([path, 200]);
  });

  it('starts from a script that holds the same document and names no other host', async () => {
    const { text: html } = await page('docs');
    const [, init] = /src="([^"]*swagger-ui-init\.js)"/.exec(html) ?? [];
    const script = (await page(init as string)).text;
    expect(script).not.toMatch(FOREIGN);
    for (const name of Object.keys(OPERATIONS)) expect(script).toContain(`/v1/wallet/${name}`);
  });
});
