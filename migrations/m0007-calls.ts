import { Migration } from '@mikro-orm/migrations';

/**
 * What providers called and were answered: refused and failed calls and a share of the accepted ones, in daily partitions; and per minute how
 * each provider fares. Written beside the money path, in batches, by the processes that answer calls; lost with a process that dies, and no fact.
 */
const CALLS = `
create type call_result as enum ('accepted', 'refused', 'turned_away', 'failed');
create table call_log (
  at timestamptz not null,
  operator_id uuid not null,
  call_id uuid not null,
  player_id uuid,
  account_id int not null,
  status smallint not null,
  result call_result not null,
  ms real,
  request_key uuid not null,
  request_id text collate "C" not null,
  code text collate "C" not null,
  dialect text not null,
  operation text,
  method text not null,
  path text not null,
  source inet,
  "references" text[] not null default '{}',
  transactions uuid[] not null default '{}',
  request_headers jsonb not null,
  request_body text,
  request_bytes int,
  answer_headers jsonb not null,
  answer_body text not null,
  answer_bytes int not null
) partition by range (at);
comment on table call_log is 'calls of providers as they came and were answered, without what proves who somebody is; kept for some days and no fact: money stands in the ledger';
comment on column call_log.request_id is 'as the answer bore it in x-request-id; the provider''s own where it sent one, so that an attempt and its repetition may share it';
comment on column call_log.request_key is 'its fingerprint, by which it is found; the id itself is shown without what looks like a token';
comment on column call_log.result is 'accepted · refused by a rule of money · turned away before any rule was asked · failed: a fault, to be tried again';
comment on column call_log.ms is 'to the answer; unknown where the call was turned away by its head';
comment on column call_log.request_body is 'null where it was not read';
comment on column call_log.request_bytes is 'as it came; what is stored may be cut';
create unique index call_log_at on call_log (operator_id, at, call_id);
create index call_log_request on call_log (operator_id, request_key, at);
create index call_log_player on call_log (operator_id, player_id, at, call_id) where player_id is not null;
create index call_log_code on call_log (operator_id, code, at, call_id);
create table call_log_default partition of call_log default;

create table call_reference (
  at timestamptz not null,
  operator_id uuid not null,
  reference uuid not null,
  call_id uuid not null
) partition by range (at);
comment on table call_reference is 'by the fingerprint of each id that a call named: which calls those are';
create unique index call_reference_at on call_reference (operator_id, reference, at, call_id);
create table call_reference_default partition of call_reference default;

select guard_tenants(each::regclass) from unnest(array['call_log', 'call_log_default', 'call_reference', 'call_reference_default']) each;
grant insert on call_log, call_reference to croupier_money;
grant select on call_log, call_reference to croupier_read, croupier_worker;`;

/**
 * A day's table is made and attached as a month's of the ledger is, see make_months. Nobody who waits for an answer waits for its locks: only
 * the writers of the log do, and they keep what comes meanwhile.
 */
const DAYS = `
create function keep_call_days(kept int, ahead int) returns table (table_of text, day text, came_to text)
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '250ms' as $$
declare
  today date := (now() at time zone 'UTC')::date; parent text; made text; starts timestamptz; ends timestamptz; waiting bigint; old record;
begin
  perform pg_advisory_xact_lock(hashtext('keep_call_days'));
  foreach parent in array array['call_log', 'call_reference'] loop
    table_of := parent;
    for offs in 0..ahead loop
      day := to_char(today + offs, 'YYYY-MM-DD');
      made := parent || to_char(today + offs, '_YYYY_MM_DD');
      starts := (today + offs)::timestamp at time zone 'UTC';
      ends := (today + offs + 1)::timestamp at time zone 'UTC';
      if exists (select from pg_inherits where inhparent = parent::regclass and inhrelid = to_regclass(made)) then continue; end if;
      if to_regclass(made) is not null then
        came_to := 'a table of its name is no partition'; return next; continue;
      end if;
      -- The day had no partition and its calls went into the default one: few are taken along, many stay there until they are too old.
      execute format('select count(*) from (select 1 from %I where at >= $1 and at < $2 limit 10001) found', parent || '_default') into waiting using starts, ends;
      if waiting > 10000 then
        came_to := 'in the default partition'; return next; continue;
      end if;
      begin
        execute format('create table %I (like %I including defaults including constraints including indexes including storage)', made, parent);
        perform guard_tenants(made::regclass);
        execute format('lock table %I in access exclusive mode', parent || '_default');
        execute format('with moved as (delete from %I where at >= $1 and at < $2 returning *) insert into %I select * from moved', parent || '_default', made)
          using starts, ends;
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, made, starts, ends);
        came_to := 'made'; return next;
      exception when lock_not_available then
        came_to := 'busy: later'; return next;
      end;
    end loop;
    for old in
      select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = parent::regclass and c.relname ~ ('^' || parent || '_\\d{4}_\\d\\d_\\d\\d$')
        and to_date(right(c.relname, 10), 'YYYY_MM_DD') < today - kept
      order by 1
    loop
      day := replace(right(old.name, 10), '_', '-');
      begin
        execute format('drop table %I', old.name);
        came_to := 'dropped'; return next;
      exception when lock_not_available then
        came_to := 'busy: later'; return next;
      end;
    end loop;
    execute format('delete from %I where ctid = any (array(select ctid from %I where at < $1 limit 10000))', parent || '_default', parent || '_default')
      using (today - kept)::timestamp at time zone 'UTC';
    get diagnostics waiting = row_count;
    if waiting > 0 then
      day := 'of the default partition'; came_to := 'deleted ' || waiting; return next;
    end if;
  end loop;
end $$;
comment on function keep_call_days(int, int) is
  'makes the days of the call log that are missing, from today so many ahead, and drops those that began more than so many days before today; says what it did';
revoke execute on function keep_call_days(int, int) from public;
grant execute on function keep_call_days(int, int) to croupier_worker;
select keep_call_days(30, 7);`;

const MINUTES = `
create table provider_minute (
  operator_id uuid not null,
  account_id int not null,
  minute timestamptz not null,
  process uuid not null,
  calls bigint not null,
  accepted bigint not null,
  refused bigint not null,
  turned_away bigint not null,
  failed bigint not null,
  repeated bigint not null,
  rollbacks bigint not null,
  latency bigint[] not null check (cardinality(latency) = 11),
  primary key (operator_id, account_id, minute, process),
  constraint provider_minute_whole check (calls = accepted + refused + turned_away + failed)
);
comment on table provider_minute is 'the calls of a provider account answered in a minute, as each process counted them; it says the whole minute each time it writes';
comment on column provider_minute.refused is 'by a rule of money';
comment on column provider_minute.turned_away is 'before any rule of money was asked: of wrong form, signature, path or address, or too often';
comment on column provider_minute.failed is 'answered as a fault: the provider was told to try again';
comment on column provider_minute.repeated is 'answered as an earlier call with the same reference had been';
comment on column provider_minute.latency is 'how many calls took at most 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 ms, and longer; each bound counts its own; without those turned away by their head';
select guard_tenants('provider_minute');
grant select, insert, update on provider_minute to croupier_money;
grant select, delete on provider_minute to croupier_worker;
grant select on provider_minute to croupier_read;
create index provider_minute_of_operator on provider_minute (operator_id, minute);`;

export class M0007Calls extends Migration {
  override async up(): Promise<void> {
    this.addSql(CALLS);
    this.addSql(DAYS);
    this.addSql(MINUTES);
  }
}
