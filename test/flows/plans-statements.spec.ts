import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { statement } from '../../libs/postgres/index.ts';
import { routesOf } from '../../src/access/routes.ts';
import { Reads, type ReadsAt } from '../../src/views/reads.ts';
import { listSlow } from '../../src/views/reads/slow-command.ts';
import { asSuperuser } from '../support/cluster.ts';
import { PlansGround, type Asked } from './plans-ground.ts';

// How many statements an answer costs, counted by the database itself: as many for a hundred rows as for ten.

const here = new PlansGround();
let routes: Readonly<Record<string, Asked>>;

beforeAll(async () => {
  await here.open();
  routes = await here.asked();
}, 240_000);
afterAll(() => here.close());

/** Streams, and what is not the operator's API. */
const APART = /^GET \/(health|metrics)|\/(progress|file)$/;
/** Beginning, committing, whose rows they are and how they are planned; whose key it is; and where a server stands, which is also asked all the time. */
const AROUND = /^(begin|commit|start transaction|set |select set_config\()|secret_hash|pg_is_in_recovery\(\)/i;
/** Behind that what a view shows is looked at anew, so that each answer costs the same. */
const LEARNT_MS = 260;

interface Calls {
  readonly query: string;
  readonly calls: number;
}

const counts = async (): Promise<Map<string, Calls>> => {
  const url = new URL(here.database.url('superuser'));
  url.pathname = '/postgres';
  const rows = await asSuperuser<{ id: string; query: string; calls: number }>(url.href, `select userid || ' ' || queryid || ' ' || toplevel as id, query, calls::int
    from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = $1`, [here.database.name]);
  return new Map(rows.map(({ id, ...row }) => [id, row]));
};

/** Ages are of a moment, and kept for some seconds of it: each look is of another one. */
let looks = 0;
async function atAnotherMoment<T>(work: () => Promise<T>): Promise<T> {
  const { now } = Date;
  const ahead = ++looks * 10_000;
  Date.now = () => now() + ahead;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}

/** The statements that an answer cost, by their text. */
async function costOf(path: string): Promise<string[]> {
  await pause(LEARNT_MS);
  const before = await counts();
  const reply = await (path.endsWith('/ages') ? atAnotherMoment(() => here.platform.get(path)) : here.platform.get(path));
  expect([path, reply.status, reply.body.detail]).toEqual([path, 200, undefined]);
  const cost: string[] = [];
  for (const [id, { query, calls }] of await counts()) {
    const text = query.replaceAll(/\s+/g, ' ').trim();
    const more = calls - (before.get(id)?.calls ?? 0);
    if (!AROUND.test(text)) cost.push(...Array.from({ length: more }, () => text.slice(0, 200)));
  }
  return cost;
}

/** A first look prepares what is asked once a process. */
const warmed = (path: string): string => path.replace(/limit=\d+/, 'limit=33').replace(/from=\d{4}-\d\d-\d\d(?=&|$)/, 'from=2026-01-01').replace(/top=\d+/, 'top=3');

describe('an answer', () => {
  it('is counted for every GET route', () => {
    const names = routesOf(here.served.app).map(({ name }) => name).filter((name) => name.startsWith('GET ') && !APART.test(name));
    expect(Object.keys(routes).toSorted()).toEqual(names.toSorted());
  });

  it('costs as many statements for a hundred rows as for ten, and as many as are stated', async () => {
    const found: Record<string, unknown> = {};
    const stated: Record<string, unknown> = {};
    for (const [name, { small, large, statements }] of Object.entries(routes)) {
      await here.platform.get(warmed(small));
      const [few, many] = [await costOf(small), await costOf(large)];
      const wrong = few.length !== statements || many.length !== statements;
      found[name] = wrong ? [few, many] : [few.length, many.length];
      stated[name] = [statements, statements];
    }
    expect(found).toEqual(stated);
  }, 120_000);

  it('that asks again for each of its rows is found out', async () => {
    const reads = here.served.app.get(Reads);
    const { at } = reads;
    const again = statement('again', 'select count(*) from currency');
    reads.at = function planted(this: Reads, token?: string): ReadsAt {
      const made = at.call(this, token);
      const as = async (operator: string, steps: Parameters<ReadsAt['as']>[1]) => {
        const answer = await made.as(operator, steps);
        for (const _ of answer.rows.flat()) await made.as(operator, [again()]);
        return answer;
      };
      return { ...made, as: as as never };
    };
    try {
      const { small, large, statements } = routes['GET /v1/calls'] as Asked;
      const [few, many] = [await costOf(small), await costOf(large)];
      // A row more than the page tells whether there is another.
      expect([few.length, many.length]).toEqual([statements + 11, statements + 101]);
    } finally {
      reads.at = at;
    }
  });
});

describe('cli slow', () => {
  it('names what costs most, with calls and rows, for whoever may see it', async () => {
    const lines: string[] = [];
    expect(await listSlow(here.database.url('superuser'), (line) => lines.push(line))).toBe(0);
    expect(lines.filter((line) => /^The 20 statements of database/.test(line.trim()))).toHaveLength(2);
    expect(lines.filter((line) => /^ +[\d.]+ (ms|s) +[\d.]+ (ms|s) +\d+ +\d+ {2}\w+ +\S/.test(line))).toHaveLength(40);
    expect(lines.join('\n')).not.toContain('hidden');
  });

  it('says that another role must ask where statements are hidden from this one', async () => {
    const lines: string[] = [];
    expect(await listSlow(here.database.url('croupier_worker'), (line) => lines.push(line))).toBe(0);
    expect(lines.at(-1)).toMatch(/grant pg_read_all_stats/);
    expect(lines.join('\n')).toContain('(not for this role)');
  });

  it('says what to do where nothing counts', async () => {
    const url = new URL(process.env['TEST_SUPERUSER_URL'] ?? '');
    const lines: string[] = [];
    expect(await listSlow(url.href, (line) => lines.push(line))).toBe(2);
    url.pathname = '/template1';
    expect(await listSlow(url.href, (line) => lines.push(line))).toBe(2);
    expect(lines).toEqual(Array(2).fill("pg_stat_statements is made, and its library is not loaded: set shared_preload_libraries = 'pg_stat_statements' and start the server anew."));
  });
});
