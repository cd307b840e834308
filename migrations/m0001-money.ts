import { Migration } from '@mikro-orm/migrations';
import { monthlyPartitions } from './partitions.ts';

/**
 * The ground: who exists (operator, provider account, player, game), the wallet and its ledger.
 * Every key that grows with traffic is led by the player, so that the schema can be sharded by player later;
 * the named exceptions are the session's token and the lane. Personal fields stay out of the money tables.
 */

const ROLES = ['croupier_money', 'croupier_office', 'croupier_worker', 'croupier_read'];

const CONFIGURATION = `
create table operator (
  operator_id uuid primary key default uuidv7(),
  name text not null unique
);
create table currency (
  code text collate "C" primary key check (code ~ '^[A-Z0-9]{3,10}$'),
  exponent smallint not null check (exponent between 0 and 18),
  scale smallint not null check (scale between exponent and 18),
  max_amount bigint not null check (max_amount > 0),
  constraint currency_fits_in_storage check (max_amount::numeric <= 4611686018427387904)
);
comment on column currency.scale is 'digits stored; never changes once used';
comment on column currency.max_amount is 'largest amount of one movement, in storage units (10^-scale)';
create table provider_account (
  account_id int generated always as identity primary key,
  operator_id uuid not null references operator,
  provider text not null,
  dialect text not null,
  policy jsonb not null default '{}',
  unique (operator_id, provider),
  unique (account_id, operator_id)
);
create table credential (
  api_key text collate "C" primary key,
  account_id int not null,
  operator_id uuid not null,
  secrets text[] not null check (cardinality(secrets) > 0),
  foreign key (account_id, operator_id) references provider_account (account_id, operator_id)
);
create table game (
  account_id int not null,
  operator_id uuid not null,
  game_id text collate "C" not null check (length(game_id) between 1 and 128),
  name text not null,
  primary key (account_id, game_id),
  foreign key (account_id, operator_id) references provider_account (account_id, operator_id)
);
create table configuration (
  only_row boolean primary key default true check (only_row),
  version bigint not null
);
insert into configuration (version) values (1);
comment on table configuration is 'version moves with every change of currency, account, credential or game; wallet processes poll it';
create function configuration_changed() returns trigger language plpgsql as
  $$ begin update configuration set version = version + 1; return null; end $$;
create trigger changed after insert or update or delete or truncate on currency for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on provider_account for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on credential for each statement execute function configuration_changed();
create trigger changed after insert or update or delete or truncate on game for each statement execute function configuration_changed();
create table player (
  player_id uuid primary key default uuidv7(),
  operator_id uuid not null references operator,
  external_id text collate "C" not null check (length(external_id) between 1 and 128),
  unique (operator_id, external_id)
);
create type session_state as enum ('active', 'expired', 'closed');
create table session (
  player_id uuid not null references player,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  operator_id uuid not null,
  account_id int not null references provider_account,
  currency text collate "C" not null,
  state session_state not null default 'active',
  expires_at timestamptz not null,
  country text,
  jurisdiction text,
  language text,
  primary key (player_id, token_hash)
);`;

const MONEY = `
create type player_stop as enum ('none', 'blocked', 'closed');
create type operation as enum ('bet', 'win', 'rollback', 'cashier');
create type key_outcome as enum ('applied', 'refused', 'tombstoned', 'ignored', 'repeated');
create type transaction_kind as enum ('bet', 'win', 'rollback', 'promo_win', 'deposit', 'close');
create type award as enum ('jackpot', 'free_rounds', 'tournament');
create type round_state as enum ('open', 'closed');

create table house_account (house smallint primary key, name text not null unique);
insert into house_account values (1, 'game'), (2, 'promotion'), (3, 'jackpot'), (4, 'cashier');
comment on table house_account is 'the other side of every transfer; game, promotion and jackpot are per provider account';

create table wallet (
  balance bigint not null,
  version bigint not null,
  at timestamptz not null,
  stop player_stop not null default 'none',
  player_id uuid not null,
  operator_id uuid not null,
  currency text collate "C" not null,
  primary key (player_id, currency),
  constraint wallet_never_negative check (balance >= 0)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.5);

create table transaction_key (
  amount bigint not null,
  version bigint,
  account_id int not null,
  operation operation not null,
  outcome key_outcome not null,
  wins int not null default 0,
  digest_version smallint not null,
  player_id uuid not null,
  reference uuid not null,
  digest uuid not null,
  transaction_id uuid not null,
  operator_id uuid not null,
  currency text collate "C" not null,
  round uuid,
  original uuid,
  undone_by uuid,
  face bigint,
  balance_after bigint,
  refusal text,
  award award,
  primary key (player_id, account_id, reference, operation)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.1);
comment on table transaction_key is 'every reference a provider ever used, for good: what came of it and what a rollback needs';
comment on column transaction_key.reference is 'first 16 bytes of the SHA-256 of the provider''s id; the text stands in the ledger';
comment on column transaction_key.amount is 'what moved in the wallet, signed';
comment on column transaction_key.version is 'the wallet''s version of its ledger row; null where nothing moved';
comment on column transaction_key.original is 'a win''s bet, a rollback''s original: their reference';
comment on column transaction_key.wins is 'of a bet: the wins in force that name it; of a win: 1 where it counts on the bet it names';
comment on column transaction_key.balance_after is 'kept only where the policy answers a duplicate with its first answer';

create table round (
  staked bigint not null,
  won bigint not null,
  bets int not null,
  undone int not null,
  named int not null,
  account_id int not null,
  last_bet_version bigint not null,
  state round_state not null,
  player_id uuid not null,
  round uuid not null,
  operator_id uuid not null,
  currency text collate "C" not null,
  settlements bigint[],
  primary key (player_id, account_id, round)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.1);
comment on column round.undone is 'of its applied bets, how many are rolled back';
comment on column round.named is 'of its applied bets, how many are settled by a win that names them';
comment on column round.settlements is 'wins in force that name no bet: pairs (wallet version of the newest, how many) with bets between the pairs';

create table lane (lane int primary key, batch int not null, opened_at timestamptz not null default now()) with (fillfactor = 10);
comment on table lane is 'a row per writer connection; its batches are 1, 2, 3 … without a hole, which makes the ledger its own outbox';

create table transaction (
  amount bigint not null,
  balance_after bigint not null,
  version bigint not null,
  at timestamptz not null,
  account_id int not null,
  lane int not null,
  batch int not null,
  kind transaction_kind not null,
  house smallint not null,
  closes_round boolean not null,
  player_id uuid not null,
  transaction_id uuid not null,
  operator_id uuid not null,
  currency text collate "C" not null,
  reference text collate "C",
  round text collate "C",
  game_id text collate "C",
  undoes uuid,
  bet text collate "C",
  face bigint,
  campaign text collate "C",
  award award,
  primary key (player_id, currency, version, at)
) partition by range (at);
create index transaction_lane on transaction (lane, batch);
comment on table transaction is 'the ledger: one row is one transfer between a wallet and a house account, appended and never changed';
comment on column transaction.amount is 'signed: what moved in the wallet; the house account moved by its negative';
comment on column transaction.undoes is 'a rollback''s original transaction';
comment on column transaction.bet is 'the reference of the bet that a win names';

create table verdict (
  amount bigint,
  at timestamptz not null,
  account_id int not null,
  lane int not null,
  batch int not null,
  player_id uuid not null,
  operator_id uuid not null,
  operation text not null,
  code text not null,
  currency text collate "C",
  reference text collate "C",
  round text collate "C"
) partition by range (at);
create index verdict_lane on verdict (lane, batch);
comment on table verdict is 'what moved no money but was decided: refusals and tombstones; tailed like the ledger';`;

const GRANTS = `
revoke create on schema public from public;
grant usage on schema public to ${ROLES.join(', ')};
grant select on schema_migration, operator, currency, provider_account, credential, game, configuration, house_account, player to croupier_money;
grant select on session, lane, transaction, verdict, round, transaction_key, wallet to croupier_money;
grant insert on wallet, transaction_key, round, lane, transaction, verdict to croupier_money;
grant update on wallet, transaction_key, round, lane to croupier_money;
grant select on schema_migration, operator, currency, provider_account, game, configuration, house_account, player,
  wallet, transaction_key, round, lane, transaction, verdict to croupier_read;`;

export class M0001Money extends Migration {
  override async up(): Promise<void> {
    const present = await this.execute("select rolname from pg_roles where rolname like 'croupier\\_%'");
    const missing = ROLES.filter((role) => !present.some((row) => row['rolname'] === role));
    if (missing.length > 0) {
      throw new Error(`database role ${missing.join(', ')} is missing; as a superuser: create role ${missing[0]} login password '…'`);
    }
    this.addSql(CONFIGURATION);
    this.addSql(MONEY);
    this.addSql(monthlyPartitions('transaction', new Date()));
    this.addSql(monthlyPartitions('verdict', new Date()));
    this.addSql(GRANTS);
  }
}
