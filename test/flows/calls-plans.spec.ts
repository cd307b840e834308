import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Step } from '../../libs/postgres/index.ts';
import { CallsByTime, CallsByTimeHandler } from '../../src/views/calls/list.query.ts';
import { CallsOfRequest, CallsOfRequestHandler } from '../../src/views/calls/request.query.ts';
import { CallFilters } from '../../src/views/calls/schema.ts';
import { ProvidersHealth, ProvidersHealthHandler } from '../../src/views/health/health.query.ts';
import { HealthFilters } from '../../src/views/health/schema.ts';
import type { Reads } from '../../src/views/reads.ts';
import { READ_SETTINGS } from '../../src/views/reads/server.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';

// How PostgreSQL answers each question about calls, as croupier_read, behind row-level security: 40,000 calls of two operators in eight days,
// and a day's minutes of five accounts.

const [ONE, OTHER] = ['01890000-0000-7000-8000-0000000000a1', '01890000-0000-7000-8000-0000000000a2'];
const PLAYER = '01890000-0000-7000-8000-0000000000b1';
const FILL = `
insert into call_log (at, operator_id, call_id, player_id, account_id, status, result, request_key, request_id, code, dialect, method, path, request_headers, answer_headers,
  answer_body, answer_bytes)
select date_trunc('day', now(), 'UTC') + n * interval '34.56 seconds', o, uuidv4(), case when n % 50 = 0 then '${PLAYER}'::uuid end, 1 + n % 5, 200,
  case when n % 200 = 0 then 'failed' else 'accepted' end::call_result, md5('r' || n)::uuid, 'r' || n, case when n % 200 = 0 then 'UNAVAILABLE' else 'applied' end,
  'native', 'POST', 'bet', '{}', '{}', '', 0
from generate_series(0, 19999) n cross join unnest(array['${ONE}', '${OTHER}']::uuid[]) o;
insert into call_reference select at, operator_id, md5('ref' || n.n % 1000)::uuid, call_id from call_log l cross join lateral (select substr(l.request_id, 2)::int as n) n;
insert into provider_minute select o, a, date_trunc('day', now(), 'UTC') + m * interval '1 minute', uuidv4(), 10, 9, 1, 0, 0, 0, 0, array[1,1,1,1,1,1,1,1,1,1,0]
from generate_series(0, 1439) m cross join generate_series(1, 5) a cross join unnest(array['${ONE}', '${OTHER}']::uuid[]) o;
analyze call_log; analyze call_reference; analyze provider_minute`;

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  await asSuperuser(database.url('superuser'), FILL);
  const options = Object.entries(READ_SETTINGS).map(([name, value]) => `-c ${name}=${value}`).join(' ');
  client = new pg.Client({ connectionString: database.url('croupier_read'), options });
  await client.connect();
}, 60_000);
afterAll(() => client?.end());

interface Plan {
  readonly text: string;
  /** days of the log that were looked into */
  readonly days: readonly string[];
  readonly rows: number;
  /** rows that were read and thrown away */
  readonly wasted: number;
}

async function explained(step: Pick<Step, 'text' | 'values'>): Promise<Plan> {
  await client.query('begin read only');
  await client.query("select set_config('croupier.operator', $1, true)", [ONE]);
  await client.query(`prepare asked as ${step.text}`);
  const values = step.values.map((value) => (value === null ? 'null' : client.escapeLiteral(String(value)))).join(', ');
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, costs off, timing off, summary off, buffers off) execute asked (${values})`);
  await client.query('rollback');
  await client.query('deallocate asked');
  const text = rows.map((row) => row['QUERY PLAN']).join('\n');
  const run = [...text.matchAll(/ on (call_(?:log|reference)_(?:\d{4}_\d\d_\d\d|default)) \S+ \(actual [^)]*\)/g)].map((match) => match[1] as string);
  const wasted = [...text.matchAll(/Rows Removed by Filter: (\d+)/g)].reduce((sum, [, removed]) => sum + Number(removed), 0);
  return { text, days: [...new Set(run)].toSorted(), rows: Number(/actual rows=([\d.]+)/.exec(text)?.[1]), wasted };
}

/** What a handler would send, with its own values, explained as it is run. */
async function planOf(ask: (reads: Reads) => Promise<unknown>): Promise<Plan> {
  const sent: Step[][] = [];
  const recording = { at: () => ({ as: async (_: string, steps: Step[]) => {
    sent.push(steps);
    return { rows: steps.map(({ name }) => (name === 'view_cursor_key' ? [['00']] : [])), asOf: 0, token: '' };
  } }) };
  await ask(recording as unknown as Reads);
  const [step] = sent.at(-1) as [Step];
  return explained(step);
}

const calls = (filters: object) => planOf((reads) => new CallsByTimeHandler(reads).execute(new CallsByTime({ operator: ONE }, CallFilters.parse(filters))));
const health = (filters: object) => planOf((reads) => new ProvidersHealthHandler(reads).execute(new ProvidersHealth({ operator: ONE }, HealthFilters.parse(filters))));
const today = new Date().toISOString().slice(0, 10);
const at = (time: string) => `${today}T${time}Z`;
const SEQUENTIAL = /Seq Scan/;

describe('a question about calls', () => {
  it('by the id of an answer is one statement that enters each day by its index, and reads the call and nothing else', async () => {
    const plan = await planOf((reads) => new CallsOfRequestHandler(reads).execute(new CallsOfRequest({ operator: ONE }, 'r777')));
    expect(plan.text).not.toMatch(SEQUENTIAL);
    expect([plan.wasted, plan.days.length]).toEqual([0, 9]);
    expect(plan.text.match(/Index Cond: \(\(operator_id = \$1\) AND \(request_key = \$2\)\)/g)).toHaveLength(9);
  });

  it('of a time leaves out the days in which it cannot be, and comes in order without a sort of all', async () => {
    const plan = await calls({ from: at('01:00:00'), to: at('02:00:00') });
    expect(plan.days).toEqual([`call_log_${today.replaceAll('-', '_')}`]);
    expect([plan.rows, plan.wasted]).toEqual([51, 0]);
    expect(plan.text).not.toMatch(SEQUENTIAL);
  });

  it.each([['all', {}, 51], ['a code', { code: 'UNAVAILABLE' }, 51], ['a player', { playerId: PLAYER }, 51], ['a reference', { reference: 'x' }, 0]])(
    'of %s reads the page by an index that has it in order, not the log', async (_what, filters, rows) => {
      const plan = await calls(filters);
      expect(plan.text).not.toMatch(SEQUENTIAL);
      expect([plan.rows, plan.wasted]).toEqual([rows, 0]);
    });

  it('is found out where no index has what it asks for', async () => {
    const plan = await explained({ text: "select * from call_log where operator_id = $1::uuid and request_id = $2::text", values: [ONE, 'r777'] });
    expect(plan.wasted).toBeGreaterThan(10_000);
  });
});

describe('a question about the health of providers', () => {
  it('reads the minutes of its range, of all accounts or of one, and no others', async () => {
    for (const [filters, minutes] of [[{}, 300], [{ accountId: '3' }, 60]] as const) {
      const plan = await health({ from: at('03:00:00'), to: at('04:00:00'), ...filters });
      expect(plan.text).not.toMatch(SEQUENTIAL);
      expect([plan.rows, plan.wasted]).toEqual([minutes, 0]);
    }
  });
});
