/** Where the call log is written: one connection of its own, which nothing waits for, and which is opened again when it was lost. */
import type pg from 'pg';
import { classify, connect } from '../../libs/postgres/index.ts';
import type { MinuteRow } from './call-log-minutes.ts';
import type { CallRow } from './call-log-row.ts';

const AGAIN_MS = 1_000;
/** A server that went silent is left. */
const SILENT_MS = 6_000;
/** What is written is no fact: it does not wait for the disk. */
const SETTINGS = { statement_timeout: '5s', lock_timeout: '4s', idle_in_transaction_session_timeout: '5s', synchronous_commit: 'off' };

/** args: the rows as JSON · a call that was written before, by an attempt of which nobody heard, is not written again */
const WRITE_CALLS = `
with call as materialized (
  select * from json_to_recordset($1::json) as c(at timestamptz, operator_id uuid, call_id uuid, player_id uuid, account_id int, status smallint, result call_result, ms real,
    request_key uuid, request_id text, code text, dialect text, operation text, method text, path text, source inet, "references" text[], keys uuid[], transactions uuid[],
    request_headers jsonb, request_body text, request_bytes int, answer_headers jsonb, answer_body text, answer_bytes int)),
logged as (
  insert into call_log (at, operator_id, call_id, player_id, account_id, status, result, ms, request_key, request_id, code, dialect, operation, method, path, source, "references",
    transactions, request_headers, request_body, request_bytes, answer_headers, answer_body, answer_bytes)
  select at, operator_id, call_id, player_id, account_id, status, result, ms, request_key, request_id, code, dialect, operation, method, path, source, "references",
    transactions, request_headers, request_body, request_bytes, answer_headers, answer_body, answer_bytes from call
  on conflict do nothing)
insert into call_reference (at, operator_id, reference, call_id)
select at, operator_id, key, call_id from call cross join lateral unnest(keys) key on conflict do nothing`;

/** args: the process, the rows as JSON · each row is the whole of its minute, so that to write it again changes nothing */
const WRITE_MINUTES = `
insert into provider_minute as kept (operator_id, account_id, minute, process, calls, accepted, refused, turned_away, failed, repeated, rollbacks, latency)
select operator_id, account_id, minute, $1::uuid, accepted + refused + turned_away + failed, accepted, refused, turned_away, failed, repeated, rollbacks, latency
from json_to_recordset($2::json) as m(operator_id uuid, account_id int, minute timestamptz, accepted bigint, refused bigint, turned_away bigint, failed bigint,
  repeated bigint, rollbacks bigint, latency bigint[])
on conflict (operator_id, account_id, minute, process) do update set calls = excluded.calls, accepted = excluded.accepted, refused = excluded.refused,
  turned_away = excluded.turned_away, failed = excluded.failed, repeated = excluded.repeated, rollbacks = excluded.rollbacks, latency = excluded.latency`;

export class CallStore {
  private client: pg.Client | undefined;
  private notBefore = -Infinity;

  constructor(
    private readonly url: string,
    private readonly process: string,
    private readonly report: (message: string, error: unknown) => void,
  ) {}

  /** How many of the rows were written; undefined: none, but they may be written later. What cannot be written at all is reported. */
  async writeCalls(rows: readonly CallRow[]): Promise<number | undefined> {
    const failed = await this.tried(WRITE_CALLS, [JSON.stringify(rows)]);
    if (!failed) return rows.length;
    if (failed.class !== 'poison') return undefined;
    if (rows.length === 1) {
      this.report('a call cannot be written to the call log', failed.error);
      return 0;
    }
    const half = Math.ceil(rows.length / 2);
    const first = await this.writeCalls(rows.slice(0, half));
    const second = first === undefined ? undefined : await this.writeCalls(rows.slice(half));
    return first === undefined || second === undefined ? undefined : first + second;
  }

  async writeMinutes(rows: readonly MinuteRow[]): Promise<boolean> {
    const failed = await this.tried(WRITE_MINUTES, [this.process, JSON.stringify(rows)]);
    if (failed?.class === 'poison') this.report('the minutes of the providers cannot be written', failed.error);
    return !failed;
  }

  async close(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private async tried(text: string, values: string[]): Promise<{ class: ReturnType<typeof classify>; error: unknown } | undefined> {
    try {
      if (performance.now() < this.notBefore) throw new Error('the database was away a moment ago');
      this.client ??= await connect(this.url, { name: 'croupier call log', settings: SETTINGS });
      await inTime(this.client.query({ name: text === WRITE_CALLS ? 'write_calls' : 'write_minutes', text, values }));
      return undefined;
    } catch (error) {
      const of = classify(error);
      if (of === 'gone' && performance.now() >= this.notBefore) {
        this.report('the call log cannot be written now', error);
        this.notBefore = performance.now() + AGAIN_MS;
        void this.close();
      }
      return { class: of, error };
    }
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the database is silent')), SILENT_MS);
  });
  try {
    return await Promise.race([work, silent]);
  } finally {
    clearTimeout(timer);
  }
}
