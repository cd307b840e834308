/** Rows of a batch, turned into one array a column, in the order in which `money.ts` names them. */
import { bools, int2s, int4s, int8s, texts, times, uuids } from '../../libs/postgres/index.ts';
import type { Entry, KeyRow, Round, Verdict } from './state.ts';

interface Owned<Row> {
  readonly player: string;
  readonly operator: string;
  readonly row: Row;
}

const whole = (version: number | undefined) => (version === undefined ? undefined : BigInt(version));

export const keyColumns = (keys: readonly Owned<KeyRow>[]): Buffer[] => [
  uuids(keys.map((k) => k.player)),
  uuids(keys.map((k) => k.operator)),
  int4s(keys.map((k) => k.row.account)),
  texts(keys.map((k) => k.row.operation)),
  uuids(keys.map((k) => k.row.key)),
  texts(keys.map((k) => k.row.outcome)),
  uuids(keys.map((k) => k.row.digest)),
  uuids(keys.map((k) => k.row.transactionId)),
  texts(keys.map((k) => k.row.currency)),
  int8s(keys.map((k) => k.row.amount)),
  int2s(keys.map((k) => k.row.wins)),
  int8s(keys.map((k) => whole(k.row.version))),
  texts(keys.map((k) => k.row.refusal)),
  uuids(keys.map((k) => k.row.round)),
  uuids(keys.map((k) => k.row.original)),
  uuids(keys.map((k) => k.row.undoneBy)),
  int8s(keys.map((k) => k.row.face)),
  texts(keys.map((k) => k.row.award)),
  int8s(keys.map((k) => k.row.balanceAfter)),
];

export const roundColumns = (rounds: readonly Owned<Round>[]): Buffer[] => [
  uuids(rounds.map((r) => r.player)),
  uuids(rounds.map((r) => r.operator)),
  int4s(rounds.map((r) => r.row.account)),
  uuids(rounds.map((r) => r.row.key)),
  texts(rounds.map((r) => r.row.currency)),
  texts(rounds.map((r) => r.row.state)),
  int8s(rounds.map((r) => r.row.staked)),
  int8s(rounds.map((r) => r.row.won)),
  int4s(rounds.map((r) => r.row.bets)),
  int4s(rounds.map((r) => r.row.undone)),
  int4s(rounds.map((r) => r.row.named)),
  int8s(rounds.map((r) => BigInt(r.row.lastBetVersion))),
  texts(rounds.map((r) => (r.row.settlements.length === 0 ? undefined : `{${r.row.settlements.join(',')}}`))),
];

export const entryColumns = (entries: readonly Entry[]): Buffer[] => [
  uuids(entries.map((e) => e.player)),
  uuids(entries.map((e) => e.account.operatorId)),
  int4s(entries.map((e) => e.account.accountId)),
  texts(entries.map((e) => e.currency)),
  int8s(entries.map((e) => BigInt(e.version))),
  times(entries.map((e) => e.at)),
  uuids(entries.map((e) => e.transactionId)),
  texts(entries.map((e) => e.kind)),
  int2s(entries.map((e) => e.house)),
  int8s(entries.map((e) => e.amount)),
  int8s(entries.map((e) => e.balanceAfter)),
  bools(entries.map((e) => e.closesRound)),
  texts(entries.map((e) => e.reference)),
  texts(entries.map((e) => e.round)),
  texts(entries.map((e) => e.game)),
  uuids(entries.map((e) => e.undoes)),
  texts(entries.map((e) => e.bet)),
  int8s(entries.map((e) => e.face)),
  texts(entries.map((e) => e.campaign)),
  texts(entries.map((e) => e.award)),
];

export const verdictColumns = (verdicts: readonly Verdict[]): Buffer[] => [
  uuids(verdicts.map((v) => v.player)),
  uuids(verdicts.map((v) => v.account.operatorId)),
  int4s(verdicts.map((v) => v.account.accountId)),
  times(verdicts.map((v) => v.at)),
  texts(verdicts.map((v) => v.operation)),
  texts(verdicts.map((v) => v.code)),
  texts(verdicts.map((v) => v.currency)),
  texts(verdicts.map((v) => v.reference)),
  int8s(verdicts.map((v) => v.amount)),
  texts(verdicts.map((v) => v.round)),
];
