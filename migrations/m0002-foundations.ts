import { Migration } from '@mikro-orm/migrations';

/**
 * What every later capability leans on: switches that stop bets, API keys and repeated commands of the operator's own API, where a
 * round's rows stand, months made ahead, and row-level security on every tenant's table.
 */

const OPERATORS = `
alter table operator add column bets_allowed boolean not null default true, add column created_at timestamptz not null default now();
alter table provider_account add column bets_allowed boolean not null default true, add column created_at timestamptz not null default now();
alter table game add column bets_allowed boolean not null default true;
comment on column operator.bets_allowed is 'a switch: off, every new bet is refused within a second; wins and rollbacks go on';
alter table player add column created_at timestamptz not null default now();
alter table session add column session_id uuid not null default uuidv7(), add column started_at timestamptz not null default now(),
  add constraint session_of_player unique (player_id, session_id);
alter type transaction_kind add value 'withdrawal';

create table retired_secret (
  secret_id uuid primary key default uuidv7(),
  api_key text collate "C" not null references credential,
  operator_id uuid not null,
  secret text not null,
  verifies_until timestamptz not null
);
comment on table retired_secret is 'secrets that were replaced and still verify, because a provider retries what it has signed';
create index retired_secret_of_key on retired_secret (api_key);

create table api_key (
  api_key_id uuid primary key default uuidv7(),
  operator_id uuid not null references operator,
  name text not null check (length(name) between 1 and 128),
  secret_hash bytea not null check (octet_length(secret_hash) = 32),
  roles text[] not null default '{}',
  permissions text[] not null default '{}',
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index api_key_of_operator on api_key (operator_id, api_key_id);
comment on table api_key is 'keys of the operator''s own API; the key itself is shown once and never stored';

create table office_command (
  operator_id uuid not null references operator,
  idempotency_key text collate "C" not null check (length(idempotency_key) between 1 and 128),
  digest bytea not null check (octet_length(digest) = 32),
  status smallint not null,
  answer jsonb not null,
  at timestamptz not null default now(),
  primary key (operator_id, idempotency_key)
);
comment on table office_command is 'commands of the operator''s own API that were done, so that a repeated one is answered and not done again; secrets are left out of the answer';

create function operator_named(operator_name text) returns uuid language sql stable security definer set search_path = public, pg_temp as
  $$ select operator_id from operator where name = operator_name $$;
comment on function operator_named(text) is 'for the command that makes an operator its first key: row-level security shows nobody an operator whose id is not known';
revoke execute on function operator_named(text) from public;
grant execute on function operator_named(text) to croupier_office;

create function configuration_changed_by_owner() returns trigger language plpgsql security definer set search_path = public, pg_temp as
  $$ begin update configuration set version = version + 1; return null; end $$;
drop trigger changed on currency;
drop trigger changed on provider_account;
drop trigger changed on credential;
drop trigger changed on game;
drop function configuration_changed();
alter function configuration_changed_by_owner() rename to configuration_changed;
create trigger changed after insert or update or delete or truncate on currency for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on operator for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on provider_account for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on credential for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on retired_secret for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on game for each statement execute function configuration_changed();
alter table configuration add column cursor_key bytea not null default decode(replace(uuidv4()::text || uuidv4()::text, '-', ''), 'hex');
comment on column configuration.cursor_key is 'seals the cursors of lists, so that a forged one is told from a real one by every process';`;

const ROUNDS = `
alter table round add column first_version bigint not null default 0, add column last_version bigint not null default 0;
comment on column round.first_version is 'the wallet''s versions between which all rows of the round stand';
with named as (
  select player_id, account_id, encode(substring(sha256(convert_to(round, 'UTF8')) for 16), 'hex')::uuid as round, version, transaction_id
  from transaction where round is not null),
its as (
  select player_id, account_id, round, version from named
  union all
  select n.player_id, n.account_id, n.round, u.version from named n join transaction u on u.player_id = n.player_id and u.undoes = n.transaction_id),
span as (select player_id, account_id, round, min(version) as least, max(version) as most from its group by 1, 2, 3)
update round r set first_version = span.least, last_version = span.most from span
where r.player_id = span.player_id and r.account_id = span.account_id and r.round = span.round;`;

/**
 * Made as a table and attached: `create … partition of` would lock the ledger against every bet. Attaching locks the default partition
 * and reads it once; bets go there only while their month is missing, and then wait for as long as that takes.
 */
const MONTHS = `
create function months_made() returns int language sql stable set search_path = public, pg_temp as $$
  select min(coalesce((
    select min(ahead) from generate_series(0, 120) ahead
    where not exists (select 1 from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = parent::regclass and c.relname = parent || to_char(now() at time zone 'UTC' + make_interval(months => ahead), '_YYYY_MM'))), 121) - 1)::int
  from unnest(array['transaction', 'verdict']) parent
$$;
comment on function months_made() is 'how many months after this one have partitions, without a gap, in each table that has months; -1: not even this one';

create function make_months(months int) returns table (month_of text, month text, came_to text)
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '250ms' as $$
declare
  parent text; starts timestamptz; ends timestamptz; made text; waiting bigint;
begin
  perform pg_advisory_xact_lock(hashtext('make_months'));
  for ahead in 0..months loop
    foreach parent in array array['transaction', 'verdict'] loop
      starts := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead)) at time zone 'UTC';
      ends := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead + 1)) at time zone 'UTC';
      made := parent || to_char(starts at time zone 'UTC', '_YYYY_MM');
      month_of := parent; month := to_char(starts at time zone 'UTC', 'YYYY-MM');
      if exists (select from pg_inherits where inhparent = parent::regclass and inhrelid = to_regclass(made)) then continue; end if;
      if to_regclass(made) is not null then
        came_to := 'a table of its name is no partition'; return next; continue;
      end if;
      -- Bets of that month went into the default partition: nothing can be attached beside them.
      execute format('select count(*) from (select 1 from %I where at >= $1 and at < $2 limit 10001) found', parent || '_default') into waiting using starts, ends;
      if waiting > 10000 then
        came_to := 'in the default partition'; return next; continue;
      end if;
      begin
        execute format('create table %I (like %I including defaults including constraints including indexes including storage)', made, parent);
        perform guard_tenants(made::regclass);
        if waiting > 0 then
          execute format('lock table %I in access exclusive mode', parent || '_default');
          execute format('with moved as (delete from %I where at >= $1 and at < $2 returning *) insert into %I select * from moved', parent || '_default', made)
            using starts, ends;
        end if;
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, made, starts, ends);
        came_to := 'made'; return next;
        return;
      exception when lock_not_available or check_violation then
        -- Somebody holds the ledger, or the month's first bet came between the count and the lock. The other months would wait as long.
        came_to := 'busy: later'; return next;
        return;
      end;
    end loop;
  end loop;
end $$;
comment on function make_months(int) is
  'makes the nearest month that is missing, one a call so that its locks are short, and says what hindered nearer ones; none made: there is no more to do';
revoke execute on function make_months(int) from public;
grant execute on function make_months(int) to croupier_worker;`;

/**
 * The tenant's wall. Office and read see the rows of the operator they were handed out for, and without one they fail: \`current_setting\`
 * has no default on purpose. Money and worker serve all tenants; the owner migrates. A partition gets the same as its table.
 */
const WALL = `
create function guard_tenants(tenants_table regclass) returns void language plpgsql set search_path = public, pg_temp as $$
begin
  execute format('alter table %s enable row level security', tenants_table);
  execute format('alter table %s force row level security', tenants_table);
  execute format('create policy all_tenants on %s to croupier_owner, croupier_money, croupier_worker using (true) with check (true)', tenants_table);
  execute format('create policy one_tenant on %s to croupier_office, croupier_read using (operator_id = current_setting(''croupier.operator'')::uuid)
    with check (operator_id = current_setting(''croupier.operator'')::uuid)', tenants_table);
end $$;
revoke execute on function guard_tenants(regclass) from public;
select guard_tenants(c.oid) from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'operator_id' and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p');`;

const GRANTS = `
grant select on retired_secret to croupier_money;
grant insert, update on session to croupier_money;
grant select on schema_migration, currency, configuration, house_account, lane, operator, provider_account, credential, retired_secret, game, player, session,
  wallet, api_key, office_command to croupier_office;
grant insert, update on operator, provider_account, credential, game, player, api_key, office_command to croupier_office;
grant insert, delete on retired_secret to croupier_office;
grant delete on credential to croupier_office;
grant select on all tables in schema public to croupier_worker;
revoke select on credential, retired_secret, api_key from croupier_worker;`;

export class M0002Foundations extends Migration {
  override async up(): Promise<void> {
    this.addSql(OPERATORS);
    this.addSql(ROUNDS);
    this.addSql(WALL);
    this.addSql(MONTHS);
    this.addSql(GRANTS);
  }
}
