import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Step } from '../../libs/postgres/index.ts';
import { READ_SETTINGS, Server } from '../../src/views/reads/server.ts';
import { ROOT, wholeTree } from '../laws/tree.ts';
import { nodesOf, shapeOf, slightParts, tableOf, type Node } from '../support/plan-shape.ts';
import { PlansGround } from './plans-ground.ts';

// How PostgreSQL goes about each statement of the views, as croupier_read, behind row-level security, over a seeded history: as it stands in
// test/plans, a file a route. `npm run plans` writes them anew; what changed is then read before it is committed.

const ANEW = process.env['PLANS'] === 'anew';
const PLANS = join(ROOT, 'test/plans');

/** What grows with play. */
const LARGE = new Set([
  'transaction', 'verdict', 'transaction_key', 'round', 'wallet', 'player', 'revenue_day', 'revenue_hour', 'player_game_day', 'played_round', 'round_day', 'call_log', 'call_reference',
  'provider_minute',
]);
const LEDGER = new Set(['transaction', 'verdict', 'transaction_key']);
/** Whose rows are the ledger's; no other route looks into it. */
const OF_LEDGER = [
  'GET /v1/players/:playerId/wallets/:currency/transactions', 'GET /v1/transactions/:transactionId', 'GET /v1/players/:playerId/transactions',
  'GET /v1/players/:playerId/rounds/:accountId/:roundId', 'GET /v1/reports/revenue/transactions', 'GET /v1/players/:playerId/statement',
];

const here = new PlansGround();
/** of each index its first column, and its table; of each table how many rows it is known to have */
let leading: ReadonlyMap<string, { readonly first: string; readonly table: string }>;
let rowsOf: ReadonlyMap<string, number>;
let client: pg.Client;
/** by route, by statement */
const plans = new Map<string, Map<string, Node>>();
/** by route: what was asked of a server, read by read */
const asked = new Map<string, (readonly Step[])[]>();

beforeAll(async () => {
  await here.open();
  const options = Object.entries(READ_SETTINGS).map(([name, value]) => `-c ${name}=${value}`).join(' ');
  client = new pg.Client({ connectionString: here.database.url('croupier_read'), options });
  await client.connect();
  const indexes = await here.sql<{ name: string; first: string; table: string }>(
    'select i.indexrelid::regclass::text as name, a.attname as first, i.indrelid::regclass::text as table from pg_index i join pg_attribute a on a.attrelid = i.indexrelid and a.attnum = 1');
  leading = new Map(indexes.map(({ name, ...of }) => [name, of]));
  rowsOf = new Map((await here.sql<{ name: string; rows: number }>("select relname as name, reltuples::int8::float8 as rows from pg_class where relkind in ('r', 'p')")).map(({ name, rows }) => [name, rows]));
  for (const [route, { small, large, others = [] }] of Object.entries(await here.asked())) {
    const sent: (readonly Step[])[] = [];
    for (const path of [small, large, ...others]) sent.push(...(await readsOf(path)), ...(await readsOf(await next(path))));
    asked.set(route, sent);
    const found = await plansOfAll(sent);
    if (found.size > 0) plans.set(route, found);
  }
}, 300_000);
afterAll(async () => {
  await client?.end();
  await here.close();
});

let answered: { nextCursor?: string } = {};
const next = async (path: string): Promise<string | undefined> =>
  (answered.nextCursor === undefined ? undefined : `${path}&cursor=${encodeURIComponent(answered.nextCursor)}`);

/** What a call has a server asked, read by read. */
async function readsOf(path: string | undefined): Promise<Step[][]> {
  if (path === undefined) return [];
  const { read } = Server.prototype;
  const sent: Step[][] = [];
  Server.prototype.read = function recorded(this: Server, question, ms) {
    sent.push([...question.steps, ...question.afterwards]);
    return read.call(this, question, ms);
  };
  try {
    const reply = await here.platform.get(path);
    expect([path, reply.status, reply.body.detail]).toEqual([path, 200, undefined]);
    answered = reply.body;
    return sent;
  } finally {
    Server.prototype.read = read;
  }
}

/** By name; in one transaction, as what is set in it bears on what comes behind. */
async function plansOf(steps: readonly Pick<Step, 'name' | 'text' | 'values'>[]): Promise<[string, Node][]> {
  const found: [string, Node][] = [];
  await client.query('begin read only');
  await client.query("select set_config('croupier.operator', $1, true)", [here.operator]);
  for (const { name, text, values } of steps) {
    if (/^\s*select set_config\(/.test(text)) {
      await client.query(text, [...values]);
      continue;
    }
    await client.query(`prepare asked as ${text}`);
    const written = values.map((value) => (value === null ? 'null' : client.escapeLiteral(String(value)))).join(', ');
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`explain (costs off, format json) execute asked${written === '' ? '' : ` (${written})`}`);
    await client.query('deallocate asked');
    found.push([name, (rows[0] as { 'QUERY PLAN': [{ Plan: Node }] })['QUERY PLAN'][0].Plan]);
  }
  await client.query('rollback');
  return found;
}

async function plansOfAll(sent: readonly (readonly Step[])[]): Promise<Map<string, Node>> {
  const found = new Map<string, Node>();
  for (const steps of sent) for (const [name, plan] of await plansOf(steps)) found.set(name, plan);
  return found;
}

const fileOf = (route: string): string => `${route.replace('GET /v1/', '').replaceAll(/[/:]+/g, '-').replaceAll(/-+/g, '-').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll('-_', '-')}.txt`;
const textOf = (route: string, found: ReadonlyMap<string, Node>): string =>
  `${route}\n\n${[...found].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([name, plan]) => `${name}\n${shapeOf(plan, slightParts(rowsOf)).map((line) => `  ${line}`).join('\n')}\n`).join('\n')}`;

/** Tables that grow and are gone through from end to end: by no index, or by one of whose first column nothing is said. */
const wholly = (plan: Node): string[] => nodesOf(plan).flatMap((node) => {
  const { 'Node Type': type, 'Relation Name': relation, 'Index Name': index = '', 'Index Cond': cond = '' } = node;
  const of = leading.get(index);
  const part = of?.table ?? relation ?? '';
  if (type === 'Bitmap Heap Scan' || !LARGE.has(tableOf(part))) return [];
  if (of && new RegExp(`\\((ROW\\()?${of.first}\\b`).test(cond)) return [];
  return [`${index === '' ? 'end to end' : `by ${tableOf(index)}`}: ${tableOf(part)}`];
});
/** Months of the ledger that are not all entered by one index. */
const unevenly = (plan: Node): string[] => nodesOf(plan).filter((node) => /Append$/.test(node['Node Type'])).flatMap(({ Plans = [] }) => {
  const parts = Plans.flatMap(nodesOf).filter(({ 'Index Name': index = '' }) => LEDGER.has(tableOf(leading.get(index)?.table ?? '')));
  const indexes = new Set(parts.map(({ 'Index Name': index = '' }) => tableOf(index)));
  return indexes.size > 1 ? [[...indexes].toSorted().join(' and ')] : [];
});
const ledgerIn = (plan: Node): string[] => nodesOf(plan).flatMap(({ 'Relation Name': relation = '' }) => (LEDGER.has(tableOf(relation)) ? [tableOf(relation)] : []));

describe('the plans of the views', () => {
  it('are those that stand in test/plans (npm run plans)', () => {
    const made = new Map([...plans].map(([route, found]) => [fileOf(route), textOf(route, found)]));
    if (ANEW) {
      rmSync(PLANS, { recursive: true, force: true });
      mkdirSync(PLANS, { recursive: true });
      for (const [file, text] of made) writeFileSync(join(PLANS, file), text);
    }
    const kept = existsSync(PLANS) ? readdirSync(PLANS) : [];
    expect(kept.toSorted()).toEqual([...made.keys()].toSorted());
    expect(Object.fromEntries(kept.map((file) => [file, readFileSync(join(PLANS, file), 'utf8')]))).toEqual(Object.fromEntries(made));
  });

  it('are of every statement that a query of a view names', () => {
    const named = [...wholeTree()].filter(([path]) => /^src\/views\/.*(\.query|clock|played)\.ts$/.test(path))
      .flatMap(([, text]) => [...text.matchAll(/(?:statement(?:<[^(]*>)?|top)\(\s*['`]([^'`]+)['`]/g)].map((match) => match[1] as string));
    expect(named.length).toBeGreaterThan(20);
    const explained = [...plans.values()].flatMap((found) => [...found.keys()]);
    const missing = named.filter((name) => !explained.some((known) => new RegExp(`^${name.replaceAll(/\$\{[^}]*\}/g, '\\w+')}$`).test(known)));
    // These two only set how what comes behind them is planned.
    expect(missing.toSorted()).toEqual(['view_by_hashing', 'view_in_order_of_index']);
  });

  it('go by ranges of indexes through all that grows', () => {
    const found = [...plans].flatMap(([route, of]) => [...of].flatMap(([name, plan]) => wholly(plan).map((what) => `${route}: ${name}: ${what}`)));
    expect(found).toEqual([]);
  });

  it('enter each month of the ledger by the same index, whether it is full, empty or was never looked at: what is planned while it is empty is right when it is not', async () => {
    const wrongs = (of: ReadonlyMap<string, Node>) => [...of].flatMap(([name, plan]) => [...unevenly(plan), ...wholly(plan)].map((what) => `${name}: ${what}`));
    const found = [...plans].flatMap(([, of]) => wrongs(of));
    const emptied = await here.sql<{ name: string }>(`select relname as name, pg_clear_relation_stats('public', relname) from pg_class
      where relkind = 'r' and relispartition and relname like 'transaction\\_%' and reltuples = 0 and relname <> 'transaction_default'`);
    expect(emptied.length).toBeGreaterThan(20);
    for (const route of OF_LEDGER) found.push(...wrongs(await plansOfAll(asked.get(route) ?? [])));
    expect(found).toEqual([]);
  });

  it('of reports keep off the ledger, but for those that show its rows', () => {
    const looking = [...plans].filter(([, of]) => [...of.values()].some((plan) => ledgerIn(plan).length > 0)).map(([route]) => route);
    expect(looking.toSorted()).toEqual(OF_LEDGER.toSorted());
  });

  it('are found out where a table is gone through, where the ledger is, and where a shape is another', async () => {
    const sought = 'select count(*) from transaction where operator_id = $1::uuid and reference = $2::text';
    const [[, plan]] = (await plansOf([{ name: 'planted', text: sought, values: [here.operator, 'x'] }])) as [[string, Node]];
    expect(new Set(wholly(plan))).toEqual(new Set(['end to end: transaction']));
    const byTime = 'select count(*) from transaction where at = $1::timestamptz';
    const [[, entered]] = (await plansOf([{ name: 'planted', text: byTime, values: [new Date().toISOString()] }])) as [[string, Node]];
    expect(wholly(entered)).toContain('by transaction_pkey: transaction');
    expect(new Set(ledgerIn(plan))).toEqual(new Set(['transaction']));
    const parts = (...indexes: string[]) => ({ 'Node Type': 'Append', Plans: indexes.map((index) => ({ 'Node Type': 'Index Scan', 'Index Name': index })) });
    const months = [...leading.keys()].filter((name) => /^transaction_\d{4}_\d\d_(pkey|lane_batch_idx)$/.test(name)).toSorted();
    expect([unevenly(parts(...months)), unevenly(parts(...months.filter((name) => name.endsWith('pkey'))))]).toEqual([['transaction_lane_batch_idx and transaction_pkey'], []]);
    // A part with less than half of what the fullest has says nothing; the fuller ones do.
    const isSlight = slightParts(new Map([['transaction', 150], ['transaction_2026_01', 100], ['transaction_2026_02', 50], ['transaction_2026_03', 49], ['transaction_2026_04', 0], ['call_log_default', 0], ['player', 0]]));
    const slight = ['transaction_2026_01', 'transaction_2026_02', 'transaction_2026_03', 'transaction_2026_04', 'call_log_default', 'player'].filter((name) => isSlight({ 'Node Type': 'Seq Scan', 'Relation Name': name }));
    expect(slight).toEqual(['transaction_2026_03', 'transaction_2026_04', 'call_log_default']);
    const [route, found] = [...plans][0] as [string, Map<string, Node>];
    expect(textOf(route, new Map([...found, ['planted', plan]]))).not.toBe(textOf(route, found));
  });
});
