/** What the office knows: rows of one operator each, but for currencies. They describe tables that the migrations make; nothing is derived from them. */
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const OperatorEntity = defineEntity({
  name: 'Operator', tableName: 'operator',
  properties: { operatorId: p.uuid().primary(), name: p.text(), betsAllowed: p.boolean().default(true), timeZone: p.text().default('UTC'), dayStarts: p.text().default('00:00'), createdAt: p.datetime().defaultRaw('now()') },
});

export const ApiKeyEntity = defineEntity({
  name: 'ApiKey', tableName: 'api_key',
  properties: {
    apiKeyId: p.uuid().primary(), operatorId: p.uuid(), name: p.text(), secretHash: p.blob(), roles: p.array(), permissions: p.array(),
    createdAt: p.datetime().defaultRaw('now()'), expiresAt: p.datetime(), revokedAt: p.datetime().nullable(),
  },
});

/** A command that was done, so that its repetition is answered and not done again. */
export const OfficeCommandEntity = defineEntity({
  name: 'OfficeCommand', tableName: 'office_command',
  properties: {
    operatorId: p.uuid().primary(), idempotencyKey: p.text().primary(), digest: p.blob(), status: p.smallint(), answer: p.json<object>(),
    at: p.datetime().defaultRaw('now()'),
  },
});

export const PlayerEntity = defineEntity({
  name: 'Player', tableName: 'player',
  properties: { playerId: p.uuid().primary(), operatorId: p.uuid(), externalId: p.text(), test: p.boolean().default(false), createdAt: p.datetime().defaultRaw('now()') },
});

/** Read here, never written: money has one door, and it is not this one. */
export const WalletEntity = defineEntity({
  name: 'Wallet', tableName: 'wallet', readonly: true,
  properties: {
    playerId: p.uuid().primary(), currency: p.text().primary(), operatorId: p.uuid(), balance: p.bigint('bigint'), debt: p.bigint('bigint'),
    version: p.bigint('bigint'), stop: p.text().$type<'none' | 'blocked' | 'closed'>(),
  },
});

/** Read here: sessions are started and ended by their own messages. Its token's hash is of no use to anybody here. */
export const SessionEntity = defineEntity({
  name: 'Session', tableName: 'session', readonly: true,
  properties: {
    sessionId: p.uuid().primary(), playerId: p.uuid(), operatorId: p.uuid(), accountId: p.integer(), currency: p.text(),
    state: p.text().$type<'active' | 'superseded' | 'expired' | 'closed'>(), startedAt: p.datetime(), expiresAt: p.datetime(), slideS: p.integer().nullable(),
    country: p.text().nullable(), jurisdiction: p.text().nullable(), language: p.text().nullable(),
  },
});

export const AccountEntity = defineEntity({
  name: 'ProviderAccount', tableName: 'provider_account',
  properties: {
    accountId: p.integer().primary().autoincrement(), operatorId: p.uuid(), provider: p.text(), dialect: p.text(), policy: p.json<Record<string, unknown>>(),
    settings: p.json<Record<string, unknown>>(), addresses: p.array(), betsAllowed: p.boolean().default(true), createdAt: p.datetime().defaultRaw('now()'),
  },
});

export const CredentialEntity = defineEntity({
  name: 'Credential', tableName: 'credential',
  properties: { apiKey: p.text().primary(), accountId: p.integer(), operatorId: p.uuid(), secrets: p.array() },
});

/** A secret that was replaced and still verifies; sealed like those of a credential. */
export const RetiredSecretEntity = defineEntity({
  name: 'RetiredSecret', tableName: 'retired_secret',
  properties: { secretId: p.uuid().primary(), apiKey: p.text(), operatorId: p.uuid(), secret: p.text(), verifiesUntil: p.datetime() },
});

/** Whose free rounds an issue is: a provider's total may name nothing else. */
export const FreeRoundIssueEntity = defineEntity({
  name: 'FreeRoundIssue', tableName: 'free_round_issue',
  properties: { accountId: p.integer().primary(), issueId: p.text().primary(), operatorId: p.uuid(), playerId: p.uuid(), currency: p.text() },
});

export const GameEntity = defineEntity({
  name: 'Game', tableName: 'game',
  properties: { accountId: p.integer().primary(), gameId: p.text().primary(), operatorId: p.uuid(), name: p.text(), betsAllowed: p.boolean().default(true) },
});

export const CurrencyEntity = defineEntity({
  name: 'Currency', tableName: 'currency', readonly: true,
  properties: { code: p.text().primary(), exponent: p.smallint(), scale: p.smallint(), maxAmount: p.bigint('bigint') },
});

export const ENTITIES = [
  OperatorEntity, ApiKeyEntity, OfficeCommandEntity, PlayerEntity, WalletEntity, SessionEntity, AccountEntity, CredentialEntity, RetiredSecretEntity,
  FreeRoundIssueEntity, GameEntity, CurrencyEntity,
];

export type Operator = InferEntity<typeof OperatorEntity>;
export type ApiKey = InferEntity<typeof ApiKeyEntity>;
export type Player = InferEntity<typeof PlayerEntity>;
export type Wallet = InferEntity<typeof WalletEntity>;
export type Session = InferEntity<typeof SessionEntity>;
export type ProviderAccount = InferEntity<typeof AccountEntity>;
export type Credential = InferEntity<typeof CredentialEntity>;
export type RetiredSecret = InferEntity<typeof RetiredSecretEntity>;
export type Game = InferEntity<typeof GameEntity>;
