/** What a batch has to read: which references, rounds and sessions its calls name, and what those rows lead to; and what it has to claim. */
import type { Call, Movement, Operation, Rollback } from './contract.ts';
import { operationOf } from './posting.ts';
import { claimOf, findKey, findRound, type KeyRow, type PlayerState } from './state.ts';

export interface Probe {
  readonly player: string;
  readonly account: number;
  /** fingerprint of a reference or a round */
  readonly key: string;
}

export interface SessionProbe {
  readonly operator: string;
  readonly hash: string;
}

/** A reference that is unique across players, and who asks for it. */
export interface Claim extends Probe {
  readonly operator: string;
  readonly operation: Operation;
}

type StateOf = (call: Call) => PlayerState | undefined;

const partsOf = (movement: Movement) => (movement.kind === 'play' ? movement.actions : [movement]);

/** The same row may be named twice; it is kept once. */
export function probesOf(calls: readonly Call[]) {
  const keys: Probe[] = [];
  const rounds: Probe[] = [];
  const sessions: SessionProbe[] = [];
  for (const { player, account: { accountId: account, operatorId: operator, policy }, movement } of calls) {
    const whole = 'roundKey' in movement ? movement.roundKey : undefined;
    for (const part of partsOf(movement)) {
      if ('key' in part) keys.push({ player, account, key: part.key });
      if (part.kind === 'win' && part.betKey !== undefined) keys.push({ player, account, key: part.betKey });
      if (part.kind === 'win' && part.campaignKey !== undefined) keys.push({ player, account, key: part.campaignKey });
      if (part.kind === 'rollback') keys.push({ player, account, key: part.originalKey });
      if (part.kind === 'bet' && part.session !== undefined) sessions.push({ operator, hash: part.session });
      if (policy.rounds === 'kept' && 'roundKey' in part && part.roundKey !== undefined && part.roundKey !== whole) {
        rounds.push({ player, account, key: part.roundKey });
      }
    }
    if (whole !== undefined && policy.rounds === 'kept') rounds.push({ player, account, key: whole });
  }
  return { keys, rounds, sessions };
}

/**
 * Rows that the loaded ones lead to: the round of a bet that a win names, the round of a rollback's original, the bet that an undone
 * win named, and its round; the wins that a bet is undone with; the total that a campaign was paid by. Mostly none: a win names a bet of
 * its own round.
 */
export function followUps(calls: readonly Call[], stateOf: StateOf) {
  const keys: Probe[] = [];
  const rounds: Probe[] = [];
  for (const call of calls) {
    const state = stateOf(call);
    if (!state || state.keys.length === 0) continue;
    const { player, account: { accountId: account, policy } } = call;
    const known = (operation: Operation, key: string | undefined) => (key === undefined ? undefined : findKey(state.keys, account, operation, key));
    const follow = (row: KeyRow | undefined) => {
      if (row?.round !== undefined && policy.rounds === 'kept' && !findRound(state.rounds, account, row.round)) rounds.push({ player, account, key: row.round });
      return row;
    };
    const followKey = (operation: Operation, key: string) => follow(known(operation, key)) ?? void keys.push({ player, account, key });
    for (const part of partsOf(call.movement)) {
      if (part.kind === 'win') {
        follow(known('bet', part.betKey));
        const total = known('award', part.campaignKey);
        if (total?.digest === part.digest && total.original !== undefined && !known('award', total.original)) followKey('win', total.original);
      }
      if (part.kind !== 'rollback') continue;
      const bet = follow(known('bet', part.originalKey));
      const win = follow(known('win', part.originalKey));
      if (win?.original !== undefined && win.wins > 0) followKey('bet', win.original);
      if (policy.rollbackAfterWin !== 'reverse' || !bet || bet.wins === 0) continue;
      for (let next = bet.lastWin; next !== undefined;) next = followKey('win', next)?.lastWin;
    }
  }
  return { keys, rounds };
}

/** Rounds that there are and that are to be cancelled: their bets are not named by anything. */
export function roundsToCancel(calls: readonly Call[], stateOf: StateOf): Probe[] {
  return calls.flatMap((call) => {
    const { player, account: { accountId: account }, movement } = call;
    const state = movement.kind === 'cancel' ? stateOf(call) : undefined;
    const round = movement.kind === 'cancel' && state ? findRound(state.rounds, account, movement.roundKey) : undefined;
    return round && round.bets > 0 && round.state !== 'cancelled' ? [{ player, account, key: round.key }] : [];
  });
}

/**
 * What calls of accounts with references unique across players claim: their own references, and of what a rollback may bar for good.
 * Only of players that are there and not held. In one order for all, each reference once: the first to come claims it.
 */
export function claimsOf(calls: readonly Call[], stateOf: StateOf): Claim[] {
  const claims = new Map<string, Claim>();
  for (const call of calls) {
    if (call.account.policy.idScope !== 'global') continue;
    const state = stateOf(call);
    if (!state) continue;
    const { player, account: { accountId: account, operatorId: operator } } = call;
    const isKnown = (operation: Operation, key: string) => findKey(state.keys, account, operation, key) !== undefined;
    const claim = (operation: Operation, key: string) => {
      const name = claimOf(account, key);
      if (!claims.has(name)) claims.set(name, { player, account, operator, key, operation });
    };
    for (const part of partsOf(call.movement)) {
      if (!('key' in part) || part.kind === 'status') continue;
      const operation = operationOf(part);
      if (isKnown(operation, part.key)) continue;
      if (part.kind !== 'rollback') claim(operation, part.key);
      else claimOfRollback(part, isKnown, claim);
    }
  }
  return [...claims.values()].sort((one, other) => one.account - other.account || (one.key < other.key ? -1 : 1));
}

/** Its own reference, if it has one, and its original's, if that is not known and may be barred. */
function claimOfRollback(
  { key, originalKey, originalOperations }: Rollback, isKnown: (operation: Operation, key: string) => boolean, claim: (operation: Operation, key: string) => void,
): void {
  if (key !== originalKey) claim('rollback', key);
  const [first] = originalOperations;
  if (first && !originalOperations.some((operation) => isKnown(operation, originalKey))) claim(first, originalKey);
}
