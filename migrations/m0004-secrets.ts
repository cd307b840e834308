import { Migration } from '@mikro-orm/migrations';

/**
 * Providers of other dialects: what an account sets on its dialect's wire, from where it may be called, and tokens that rotate. Their secrets
 * are sealed by the processes, under master keys that the database never has; a sealed one is text like any other, so its table stays as it is.
 */

const ACCOUNTS = `
alter table provider_account add column settings jsonb not null default '{}', add column addresses cidr[] not null default '{}';
comment on column provider_account.settings is 'header names, path prefixes and the like; the dialect says which, and what is left out is its default';
comment on column provider_account.addresses is 'from where the account may be called; empty: from everywhere';
comment on column credential.secrets is 'each \`sealed:v1:<master key>:<wrapped data key>:<nonce, text, tag>\`, or as it is where it is older than sealing';
comment on column retired_secret.secret is 'as in credential';`;

/** One successor a token: asked for twice, it is the same one. */
const SESSIONS = `
alter table session add column salt bytea check (octet_length(salt) = 32);
comment on column session.salt is 'of a token that replaces another: it is the other one''s HMAC under this';
create unique index session_successor on session (player_id, replaces) where replaces is not null;`;

/** For the office to know whether any reference was ever used at an account, and to trim what it no longer repeats. */
const GRANTS = `
grant select on transaction_key to croupier_office;
grant delete on office_command to croupier_worker;
create index office_command_at on office_command (at);`;

export class M0004Secrets extends Migration {
  override async up(): Promise<void> {
    this.addSql(ACCOUNTS);
    this.addSql(SESSIONS);
    this.addSql(GRANTS);
  }
}
