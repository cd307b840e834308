/** The rival's three tables as entities. */
import { defineEntity, p } from '@mikro-orm/core';

export const Wallet = defineEntity({
  name: 'Wallet', tableName: 'wallet',
  properties: {
    playerId: p.uuid().primary(), currency: p.text().primary(), operatorId: p.uuid(), balance: p.bigint('bigint'), version: p.integer(),
  },
});

/** Which references are known, and what was answered. */
export const TransactionKey = defineEntity({
  name: 'TransactionKey', tableName: 'transaction_key',
  properties: {
    playerId: p.uuid().primary(), accountId: p.integer().primary(), reference: p.text().primary(), operatorId: p.uuid(), transactionId: p.uuid(),
    currency: p.text(), amount: p.bigint('bigint'), gameId: p.text(), roundId: p.text(), createdAt: p.datetime(),
  },
});

export const LedgerEntry = defineEntity({
  name: 'LedgerEntry', tableName: 'ledger_entry',
  properties: {
    transactionId: p.uuid().primary(), playerId: p.uuid(), operatorId: p.uuid(), accountId: p.integer(), currency: p.text(), kind: p.text(),
    amount: p.bigint('bigint'), balanceAfter: p.bigint('bigint'), version: p.integer(), reference: p.text(), gameId: p.text(), roundId: p.text(),
    createdAt: p.datetime(),
  },
});

/** As a team's first migration has them; an index more than the primary keys, to list a wallet's entries in their order. */
export const TABLES = `
create table wallet (
  player_id uuid not null, currency text not null, operator_id uuid not null, balance bigint not null check (balance >= 0), version int not null,
  primary key (player_id, currency)
) with (fillfactor = 60);
create table transaction_key (
  player_id uuid not null, account_id int not null, reference text not null, operator_id uuid not null, transaction_id uuid not null,
  currency text not null, amount bigint not null, game_id text not null, round_id text not null, created_at timestamptz not null,
  primary key (player_id, account_id, reference)
);
create table ledger_entry (
  transaction_id uuid primary key, player_id uuid not null, operator_id uuid not null, account_id int not null, currency text not null,
  kind text not null, amount bigint not null, balance_after bigint not null, version int not null, reference text not null,
  game_id text not null, round_id text not null, created_at timestamptz not null
);
create unique index ledger_entry_of_wallet on ledger_entry (player_id, currency, version)`;
