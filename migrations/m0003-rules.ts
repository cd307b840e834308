import { Migration } from '@mikro-orm/migrations';

/**
 * The whole policy record: references that reach across players, what a player owes, awards and adjustments in name spaces of their own,
 * rounds that are cancelled, tokens that are superseded. Only adds: a process of the step before goes on beside it.
 */

/** New values of a type may not be used in the transaction that adds them; nothing here does. */
const TYPES = `
alter type operation add value if not exists 'award';
alter type operation add value if not exists 'adjustment';
alter type transaction_kind add value if not exists 'adjustment';
alter type transaction_kind add value if not exists 'cancel';
alter type round_state add value if not exists 'cancelled';
alter type session_state add value if not exists 'superseded';`;

const MONEY = `
insert into house_account values (5, 'receivable');
alter table wallet add column debt bigint not null default 0, add constraint wallet_debt_never_negative check (debt >= 0);
comment on column wallet.debt is 'what was to be taken back and was spent; stands against the house account receivable';
alter table transaction_key add column debt bigint, add column undone_debt bigint, add column last_win uuid;
comment on column transaction_key.debt is 'what was to move and became the wallet''s debt; amount - debt is the whole effect';
comment on column transaction_key.undone_debt is 'of what is undone: the debt of the row that undid it';
comment on column transaction_key.last_win is 'of a bet: the newest win that counts on it; of such a win: the one before it; their references';
comment on column transaction_key.original is
  'a win''s bet, a rollback''s original: their reference; of a campaign''s key: the reference of the total that was paid';
alter table transaction add column debt bigint;
comment on column transaction.debt is 'what was to move and became the wallet''s debt; below 0 where a debt was undone';

create table global_reference (
  account_id int not null,
  reference uuid not null,
  player_id uuid not null,
  operator_id uuid not null,
  operation operation not null,
  primary key (account_id, reference)
) with (fillfactor = 90);
comment on table global_reference is 'of accounts whose ids are unique across players: who holds a reference. The one exception to keys led by the player';
select guard_tenants('global_reference');`;

const SESSIONS = `
alter table session
  add column replaces bytea check (octet_length(replaces) = 32),
  add column slide_s int check (slide_s > 0);
comment on column session.replaces is 'hash of the token it succeeds, which is superseded once this one is used';
comment on column session.slide_s is 'an accepted bet moves expires_at so many seconds ahead; null: expires_at is fixed';`;

const FREE_ROUNDS = `
create table free_round_issue (
  operator_id uuid not null,
  account_id int not null,
  issue_id text collate "C" not null check (length(issue_id) between 1 and 128),
  player_id uuid not null references player,
  currency text collate "C" not null,
  primary key (account_id, issue_id),
  foreign key (account_id, operator_id) references provider_account (account_id, operator_id)
);
comment on table free_round_issue is 'whose free rounds an issue is, for providers whose total names nothing else';
select guard_tenants('free_round_issue');`;

const GRANTS = `
grant select, insert on global_reference to croupier_money;
grant select on free_round_issue to croupier_money;
grant select, insert, update on free_round_issue to croupier_office;
grant select on global_reference, free_round_issue to croupier_read, croupier_worker;`;

export class M0003Rules extends Migration {
  override async up(): Promise<void> {
    this.addSql(TYPES);
    this.addSql(MONEY);
    this.addSql(SESSIONS);
    this.addSql(FREE_ROUNDS);
    this.addSql(GRANTS);
  }
}
