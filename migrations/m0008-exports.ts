import { Migration } from '@mikro-orm/migrations';

/**
 * Exports: who asked for what, how far it is, and the file itself in pieces, so that any process can hand it out. The row is the truth:
 * a queue's job only says that there may be work.
 */
const EXPORTS = `
create type export_state as enum ('waiting', 'running', 'done', 'failed', 'cancelled', 'expired');

create table export_schedule (
  schedule_id uuid primary key default uuidv7(),
  operator_id uuid not null references operator,
  idempotency_key text collate "C" not null check (length(idempotency_key) between 1 and 128),
  digest bytea not null check (octet_length(digest) = 32),
  name text not null,
  report text not null,
  format text not null,
  filters jsonb not null,
  period text not null,
  weekday smallint check (weekday between 1 and 7),
  at time(0) not null,
  keep_days smallint not null,
  created_at timestamptz not null default now(),
  next_day date not null,
  next_at timestamptz not null,
  removed_at timestamptz,
  unique (operator_id, idempotency_key),
  unique (schedule_id, operator_id)
);
comment on table export_schedule is 'an export a day or a week, at a time of the operator''s clock';
comment on column export_schedule.weekday is '1: Monday; null: every day';
comment on column export_schedule.next_day is 'the day of the operator''s calendar that is due next; next_at is its time, also on days on which the clock is changed';
create index export_schedule_of_operator on export_schedule (operator_id, schedule_id);
create index export_schedule_due on export_schedule (next_at) where removed_at is null;
create index export_schedule_over on export_schedule (removed_at) where removed_at is not null;

create table export (
  export_id uuid primary key default uuidv7(),
  operator_id uuid not null references operator,
  idempotency_key text collate "C" check (length(idempotency_key) between 1 and 128),
  digest bytea check (octet_length(digest) = 32),
  schedule_id uuid,
  due_at timestamptz,
  report text not null,
  format text not null,
  filters jsonb not null,
  keep_days smallint not null,
  state export_state not null default 'waiting',
  attempt int not null default 0,
  lost int not null default 0,
  alive_at timestamptz,
  lanes int[],
  batches int[],
  token text,
  place jsonb,
  percent smallint not null default 0,
  rows_done bigint not null default 0,
  rows_written bigint not null default 0,
  rows_expected bigint,
  bytes bigint not null default 0,
  pieces int not null default 0,
  stored bigint not null default 0,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  expires_at timestamptz,
  as_of timestamptz,
  why text,
  unique (operator_id, idempotency_key),
  unique (schedule_id, due_at),
  unique (export_id, operator_id),
  foreign key (schedule_id, operator_id) references export_schedule (schedule_id, operator_id)
) with (fillfactor = 70);
comment on table export is 'a report as a file, made by whichever worker takes it';
comment on column export.attempt is 'one more each time a worker takes it: what an earlier one still writes does not count';
comment on column export.lost is 'how often its worker was not heard of any more';
comment on column export.lanes is 'with batches: the ledger''s position when it began; nothing beyond it is in the file';
comment on column export.place is 'where the report goes on behind the last piece; null where it can only begin anew';
comment on column export.rows_written is 'in its pieces; rows_done counts what is read as well, which is read anew where a worker is lost';
comment on column export.bytes is 'of the file as it is handed out';
comment on column export.stored is 'bytes of its pieces, which lie here packed; 0 once they are deleted';
create index export_of_operator on export (operator_id, export_id);
create index export_open on export (operator_id, created_at) where state in ('waiting', 'running');
create index export_kept on export (expires_at) where state = 'done';
create index export_pieces on export (ended_at) where state in ('failed', 'cancelled', 'expired') and pieces > 0;
create index export_stored on export (operator_id) include (stored) where pieces > 0;
create index export_over on export (coalesce(expires_at, ended_at)) where state in ('failed', 'cancelled', 'expired') and pieces = 0;

create table export_piece (
  export_id uuid not null,
  operator_id uuid not null,
  place int not null,
  bytes bytea not null,
  primary key (export_id, place),
  foreign key (export_id, operator_id) references export (export_id, operator_id)
);
comment on table export_piece is 'a part of an export''s file, so that no process holds the whole of it';
comment on column export_piece.bytes is 'of CSV a gzip member of its own, which is unpacked when a plain file is handed out; of XLSX a part of the file';
alter table export_piece alter column bytes set storage external;`;

const GRANTS = `
select guard_tenants('export_schedule');
select guard_tenants('export');
select guard_tenants('export_piece');
grant select, insert, update on export, export_schedule to croupier_office;
grant select on export_piece to croupier_office;
grant select, insert, update, delete on export to croupier_worker;
grant select, update, delete on export_schedule to croupier_worker;
grant select, insert, delete on export_piece to croupier_worker;`;

export class M0008Exports extends Migration {
  override async up(): Promise<void> {
    this.addSql(EXPORTS);
    this.addSql(GRANTS);
  }
}
