import { Migration } from '@mikro-orm/migrations';

/**
 * The ledger is tailed: where each projection stands, whose day it is, who only tests. A lane whose connection is gone is retired,
 * so that positions stay short; its row stays, for its number is never used again and tokens name it.
 */

const LANES = `
alter table lane add column pid int, add column retired_at timestamptz, add column retired_batch int,
  add constraint lane_retired check (retired_at is null or batch = coalesce(retired_batch, batch));
alter table lane alter column pid set default pg_backend_pid();
comment on column lane.pid is 'the backend that writes it; unknown for lanes older than this column, which are never retired';
comment on column lane.retired_at is 'its connection is gone and every projection has passed it: no position names it any more';
comment on column lane.retired_batch is 'where it stood then: should its connection be there after all, its next batch fails, since no projection would see it';
create index lane_in_use on lane (lane) where retired_at is null;`;

const PROJECTIONS = `
create type projection_state as enum ('following', 'stopped');
create table projection (
  name text collate "C" not null,
  building boolean not null default false,
  state projection_state not null default 'following',
  generation int not null default 1,
  caught_up boolean not null default false,
  lanes int[] not null default '{}',
  batches int[] not null default '{}',
  as_of timestamptz,
  tail_from timestamptz not null default '-infinity',
  applied bigint not null default 0,
  stopped_at timestamptz,
  stopped_lane int,
  stopped_batch int,
  stopped_transaction uuid,
  stopped_because text,
  primary key (name, building),
  constraint projection_position check (cardinality(lanes) = cardinality(batches)),
  constraint projection_stop check ((state = 'stopped') = (stopped_at is not null and stopped_because is not null))
) with (fillfactor = 20);
comment on table projection is 'how far each view has come in the ledger; moved in the transaction of what it applies';
comment on column projection.building is 'a second copy in schema rebuild that takes the place of the live one when it has come as far';
comment on column projection.lanes is 'with batches: the position, a lane''s batch each; what lies up to it is applied, and nothing else is';
comment on column projection.caught_up is 'it has come up to the ledger once: before that it also reads retired lanes, and nobody is answered from it';
comment on column projection.as_of is 'all that was committed by then is in it';
comment on column projection.tail_from is 'no row beyond the position is older than this: months before it need not be looked at';
create schema rebuild;
grant usage on schema rebuild to croupier_worker;`;

/** A table of a projection, in its place or beside it: the tenant's wall and who may do what. Made as its owner. */
const VIEW_TABLES = `
create function guard_view_table(view_table regclass) returns void language plpgsql set search_path = public, pg_temp as $$
begin
  perform guard_tenants(view_table);
  execute format('grant select, insert, update, delete on %s to croupier_worker', view_table);
  execute format('grant select on %s to croupier_read', view_table);
end $$;
revoke execute on function guard_view_table(regclass) from public;`;

/** The gaming day begins on the operator's clock, also on the days on which that clock is changed. */
const DAYS = `
alter table operator add column time_zone text not null default 'UTC', add column day_starts time(0) not null default '00:00',
  add constraint operator_time_zone check (timezone(time_zone, timestamptz '2000-01-01 00:00Z') is not null);
comment on column operator.time_zone is 'as PostgreSQL knows it, such as Europe/Malta; fixed with the first transaction';
create function day_begins(day date, time_zone text, day_starts time) returns timestamptz language sql immutable parallel safe
  return (day + day_starts) at time zone time_zone;
comment on function day_begins(date, text, time) is 'when a gaming day begins; it ends when the next one begins';
create function gaming_day(at timestamptz, time_zone text, day_starts time) returns date language sql immutable parallel safe
  return (select case when at < day_begins(d, time_zone, day_starts) then d - 1 when at >= day_begins(d + 1, time_zone, day_starts) then d + 1 else d end
    from (select ((at at time zone time_zone) - day_starts::interval)::date as d) guess);
comment on function gaming_day(timestamptz, text, time) is 'the day that has begun and not ended then: each moment belongs to exactly one';
alter table player add column test boolean not null default false;
comment on column player.test is 'plays with real rules and counts in no report; said when the player is opened, and never changed';
create index player_test on player (player_id) where test;`;

/**
 * Attaching a month locks the default partition and reads all of it, and bets whose month is missing wait for that. So it waits for readers (a view's
 * step is one) for a quarter of a second, with no bet held up before that by another lock of its own, and does not begin where there is much to read.
 */
const MONTHS = `
create or replace function make_months(months int) returns table (month_of text, month text, came_to text)
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '250ms' as $$
declare
  parent text; starts timestamptz; ends timestamptz; made text; waiting bigint; many boolean;
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
      -- Few rows of the month are taken along. Where there are many, of this month or another, somebody has to move them first.
      execute format('select count(*) > 100000 from (select 1 from %I limit 100001) found', parent || '_default') into many;
      if not many then
        execute format('select count(*) from (select 1 from %I where at >= $1 and at < $2 limit 10001) found', parent || '_default') into waiting using starts, ends;
      end if;
      if many or waiting > 10000 then
        came_to := 'in the default partition'; return next; continue;
      end if;
      begin
        execute format('create table %I (like %I including defaults including constraints including indexes including storage)', made, parent);
        perform guard_tenants(made::regclass);
        if waiting > 0 then
          -- What stands in nobody's way is locked first: behind the other lock nothing is waited for.
          execute format('lock table only %I in share update exclusive mode', parent);
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
end $$;`;

const GRANTS = `
grant select on projection to croupier_read, croupier_office, croupier_money;
grant select, insert, update, delete on projection to croupier_worker;
grant update (retired_at, retired_batch) on lane to croupier_worker;
grant select on player, operator to croupier_worker;
revoke execute on function configuration_changed() from public;`;

export class M0005Feed extends Migration {
  override async up(): Promise<void> {
    this.addSql(LANES);
    this.addSql(PROJECTIONS);
    this.addSql(VIEW_TABLES);
    this.addSql(DAYS);
    this.addSql(MONTHS);
    this.addSql(GRANTS);
  }
}
