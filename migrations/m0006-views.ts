import { Migration } from '@mikro-orm/migrations';

/** What the projections keep. Amounts are in storage units; sums are numeric. Every row follows from the ledger and can be made again. */

const REVENUE = `
create table revenue_day (
  operator_id uuid not null,
  day date not null,
  late boolean not null,
  account_id int not null,
  game_id text collate "C" not null,
  currency text collate "C" not null,
  bets bigint not null default 0,
  undone_bets bigint not null default 0,
  free_bets bigint not null default 0,
  wins bigint not null default 0,
  turnover numeric not null default 0,
  won numeric not null default 0,
  awarded numeric not null default 0,
  adjusted numeric not null default 0,
  deposited numeric not null default 0,
  withdrawn numeric not null default 0,
  primary key (operator_id, day, account_id, game_id, currency, late)
) with (fillfactor = 70);
comment on table revenue_day is 'one gaming day of one provider account, game and currency, without test players';
comment on column revenue_day.late is 'apart from the rest: undoes what an earlier day had, or was applied after the day was locked';
comment on column revenue_day.game_id is 'empty: no game was named';
comment on column revenue_day.turnover is 'cash staked by bets, less what was given back';
comment on column revenue_day.won is 'by wins, less what was taken back; awards are apart';

create table revenue_hour (
  operator_id uuid not null,
  hour timestamptz not null,
  account_id int not null,
  currency text collate "C" not null,
  bets bigint not null default 0,
  turnover numeric not null default 0,
  won numeric not null default 0,
  primary key (operator_id, hour, account_id, currency)
) with (fillfactor = 70);
comment on table revenue_hour is 'one hour of one provider account and currency, without test players: the course of a day';
comment on column revenue_hour.hour is 'begins a whole number of hours after its gaming day, so that none lies in two days; a day''s last one may be shorter';

create table locked_day (
  operator_id uuid not null references operator,
  day date not null,
  locked_at timestamptz not null default now(),
  lanes int[] not null,
  batches int[] not null,
  primary key (operator_id, day)
);
comment on table locked_day is 'its figures stand: what lies beyond this position of the ledger counts as late';

create table player_game_day (
  operator_id uuid not null,
  player_id uuid not null,
  currency text collate "C" not null,
  day date not null,
  account_id int not null,
  game_id text collate "C" not null,
  bets bigint not null default 0,
  undone_bets bigint not null default 0,
  free_bets bigint not null default 0,
  wins bigint not null default 0,
  turnover numeric not null default 0,
  won numeric not null default 0,
  awarded numeric not null default 0,
  adjusted numeric not null default 0,
  deposited numeric not null default 0,
  withdrawn numeric not null default 0,
  first_version bigint not null,
  last_version bigint not null,
  first_bet_at timestamptz,
  primary key (operator_id, player_id, day, account_id, game_id, currency)
) with (fillfactor = 80);
comment on table player_game_day is 'the same numbers as revenue_day, of one player: who played, and where in the ledger the rows of a number stand';
comment on column player_game_day.first_version is 'with last_version: the wallet''s versions between which all of them are';
-- Of what it names nothing changes with a further bet, so that its row is changed in place.
create index player_game_day_of_day on player_game_day (operator_id, day, account_id, game_id, currency, player_id) include (first_bet_at);

create table player_account_day (
  operator_id uuid not null,
  player_id uuid not null,
  day date not null,
  account_id int not null,
  currency text collate "C" not null,
  primary key (operator_id, day, account_id, currency, player_id)
);
comment on table player_account_day is 'who made a bet on a gaming day at a provider account: to count players by, without a row a game';

create table player_day (
  operator_id uuid not null,
  player_id uuid not null,
  first_bet_at timestamptz not null,
  day date not null,
  currency text collate "C" not null,
  primary key (operator_id, day, currency, player_id)
) with (fillfactor = 90);
comment on table player_day is 'who made a bet on a gaming day, and when the first one';`;

const ROUNDS = `
create table played_round (
  staked bigint not null,
  won bigint not null,
  opened_at timestamptz not null,
  last_at timestamptz not null,
  ended_at timestamptz,
  opened_day date not null,
  ended_day date,
  bets int not null,
  undone_bets int not null,
  wins int not null,
  account_id int not null,
  state round_state not null,
  player_id uuid not null,
  round uuid not null,
  operator_id uuid not null,
  currency text collate "C" not null,
  round_id text collate "C" not null,
  game_id text collate "C",
  primary key (player_id, account_id, round),
  constraint played_round_ends check ((state = 'open') = (ended_at is null) and (ended_at is null) = (ended_day is null))
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.1);
comment on table played_round is 'a round of a player at a provider account, with the totals of table round; without test players';
comment on column played_round.round is 'as in table round: the fingerprint of its id, and of its game where the account tells rounds apart by it';
comment on column played_round.wins is 'like bets: undone ones among them';
comment on column played_round.opened_day is 'the gaming day of opened_at';
comment on column played_round.game_id is 'of several the first by name';
create index played_round_open on played_round (operator_id, last_at) include (account_id, currency, staked) where ended_at is null;
create index played_round_ended on played_round (operator_id, last_at) where ended_at is not null;
create index played_round_of_player on played_round (player_id, last_at);

create table round_day (
  operator_id uuid not null,
  day date not null,
  account_id int not null,
  game_id text collate "C" not null,
  currency text collate "C" not null,
  opened bigint not null,
  ended bigint not null,
  primary key (operator_id, day, account_id, game_id, currency)
) with (fillfactor = 70);
comment on table round_day is 'how many rounds of played_round were opened and ended on a gaming day';
comment on column round_day.game_id is 'empty: no game was named';
create index round_day_empty on round_day (operator_id) where opened = 0 and ended = 0;`;

const TABLES = ['revenue_day', 'revenue_hour', 'player_game_day', 'player_account_day', 'player_day', 'played_round', 'round_day'];

const GRANTS = `
select guard_tenants('locked_day');
grant select on locked_day to croupier_read, croupier_worker, croupier_office;
grant insert on locked_day to croupier_office;
grant update on projection to croupier_office;`;

export class M0006Views extends Migration {
  override async up(): Promise<void> {
    this.addSql(REVENUE);
    this.addSql(ROUNDS);
    for (const table of TABLES) this.addSql(`select guard_view_table('${table}')`);
    this.addSql(GRANTS);
  }
}
