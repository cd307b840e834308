/** Rows of a batch, turned into one array a column, in the order in which `money.ts` names them. */
import { bools, int2s, int4s, int8s, longs, texts, times, uuids } from '../../libs/postgres/index.ts';
import type { Entry, KeyRow, Round, Verdict } from './state.ts';

export const keyColumns = (keys: readonly KeyRow[]): Buffer[] => [
  uuids(keys, (k) => k.player),
  uuids(keys, (k) => k.operator),
  int4s(keys, (k) => k.account),
  texts(keys, (k) => k.operation),
  uuids(keys, (k) => k.key),
  texts(keys, (k) => k.outcome),
  uuids(keys, (k) => k.digest),
  uuids(keys, (k) => k.transactionId),
  texts(keys, (k) => k.currency),
  int8s(keys, (k) => k.amount),
  int4s(keys, (k) => k.wins),
  longs(keys, (k) => k.version),
  texts(keys, (k) => k.refusal),
  uuids(keys, (k) => k.round),
  uuids(keys, (k) => k.original),
  uuids(keys, (k) => k.undoneBy),
  int8s(keys, (k) => k.face),
  texts(keys, (k) => k.award),
  int8s(keys, (k) => k.balanceAfter),
];

/** With the columns that few keys have. */
export const wideKeyColumns = (keys: readonly KeyRow[]): Buffer[] => [
  ...keyColumns(keys),
  int8s(keys, (k) => k.debt),
  int8s(keys, (k) => k.undoneDebt),
  uuids(keys, (k) => k.lastWin),
];

/** What may change of a key. */
export const changedKeyColumns = (keys: readonly KeyRow[]): Buffer[] => [
  uuids(keys, (k) => k.player),
  int4s(keys, (k) => k.account),
  uuids(keys, (k) => k.key),
  texts(keys, (k) => k.operation),
  int4s(keys, (k) => k.wins),
  uuids(keys, (k) => k.undoneBy),
  uuids(keys, (k) => k.lastWin),
];

export const roundColumns = (rounds: readonly Round[]): Buffer[] => [
  uuids(rounds, (r) => r.player),
  int4s(rounds, (r) => r.account),
  uuids(rounds, (r) => r.key),
  texts(rounds, (r) => r.state),
  int8s(rounds, (r) => r.staked),
  int8s(rounds, (r) => r.won),
  int4s(rounds, (r) => r.bets),
  int4s(rounds, (r) => r.undone),
  int4s(rounds, (r) => r.named),
  longs(rounds, (r) => r.lastBetVersion),
  longs(rounds, (r) => r.firstVersion),
  longs(rounds, (r) => r.lastVersion),
  texts(rounds, (r) => (r.settlements.length === 0 ? undefined : `{${r.settlements.join(',')}}`)),
];

export const entryColumns = (entries: readonly Entry[]): Buffer[] => [
  uuids(entries, (e) => e.player),
  uuids(entries, (e) => e.account.operatorId),
  int4s(entries, (e) => e.account.accountId),
  texts(entries, (e) => e.currency),
  longs(entries, (e) => e.version),
  times(entries, (e) => e.at),
  uuids(entries, (e) => e.transactionId),
  texts(entries, (e) => e.kind),
  int2s(entries, (e) => e.house),
  int8s(entries, (e) => e.amount),
  int8s(entries, (e) => e.balanceAfter),
  bools(entries, (e) => e.closesRound),
  texts(entries, (e) => e.reference),
  texts(entries, (e) => e.round),
  texts(entries, (e) => e.game),
  uuids(entries, (e) => e.undoes),
  texts(entries, (e) => e.bet),
  int8s(entries, (e) => e.face),
  texts(entries, (e) => e.campaign),
  texts(entries, (e) => e.award),
];

export const verdictColumns = (verdicts: readonly Verdict[]): Buffer[] => [
  uuids(verdicts, (v) => v.player),
  uuids(verdicts, (v) => v.account.operatorId),
  int4s(verdicts, (v) => v.account.accountId),
  times(verdicts, (v) => v.at),
  texts(verdicts, (v) => v.operation),
  texts(verdicts, (v) => v.code),
  texts(verdicts, (v) => v.currency),
  texts(verdicts, (v) => v.reference),
  int8s(verdicts, (v) => v.amount),
  texts(verdicts, (v) => v.round),
];
