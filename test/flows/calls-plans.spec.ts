import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Step } from '../../libs/postgres/index.ts';
import { CallsByTime, CallsByTimeHandler } from '../../src/views/calls/list.query.ts';
import { CallsOfRequest, CallsOfRequestHandler } from '../../src/views/calls/request.query.ts';
import { CallFilters } from '../../src/views/calls/schema.ts';
import { ProvidersHealth, ProvidersHealthHandler } from '../../src/views/health/health.query.ts';
import { HealthFilters } from '../../src/views/health/schema.ts';
import type { Reads } from '../../src/views/reads.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Explainer, sentBy, type Plan as Explained } from '../support/explain.ts';

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
let explainer: Explainer;
beforeAll(async () => {
  database = await freshDatabase();
  await asSuperuser(database.url('superuser'), FILL);
  explainer = await Explainer.on(database);
}, 60_000);
afterAll(() => explainer?.close());

interface Plan extends Explained {
  /** days of the log that were looked into */
  readonly days: readonly string[];
  /** rows that were read and thrown away */
  readonly wasted: number;
}

async function explained(step: Parameters<Explainer['explain']>[1]): Promise<Plan> {
  const plan = await explainer.explain(ONE, step);
  const run = [...plan.text.matchAll(/ on (call_(?:log|reference)_(?:\d{4}_\d\d_\d\d|default)) \S+ \(actual [^)]*\)/g)].map((match) => match[1] as string);
  const wasted = [...plan.text.matchAll(/Rows Removed by Filter: (\d+)/g)].reduce((sum, [, removed]) => sum + Number(removed), 0);
  return { ...plan, days: [...new Set(run)].toSorted(), wasted };
}

const planOf = async (ask: (reads: Reads) => Promise<unknown>): Promise<Plan> => explained((await sentBy(ask)).at(-1)?.[0] as Step);

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
