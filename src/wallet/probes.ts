/** What a batch has to read: which references, rounds and sessions its calls name, and what those rows lead to. */
import type { Call, Movement } from './contract.ts';
import { findKey, findRound, type PlayerState } from './state.ts';

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

const partsOf = (movement: Movement) => (movement.kind === 'play' ? movement.actions : [movement]);

/** The same row may be named twice; it is kept once. */
export function probesOf(calls: readonly Call[]) {
  const keys: Probe[] = [];
  const rounds: Probe[] = [];
  const sessions: SessionProbe[] = [];
  for (const { player, account: { accountId: account, operatorId: operator, policy }, movement } of calls) {
    for (const part of partsOf(movement)) {
      if ('key' in part) keys.push({ player, account, key: part.key });
      if (part.kind === 'win' && part.betKey !== undefined) keys.push({ player, account, key: part.betKey });
      if (part.kind === 'rollback') keys.push({ player, account, key: part.originalKey });
      if (part.kind === 'bet' && part.session !== undefined) sessions.push({ operator, hash: part.session });
    }
    if ('roundKey' in movement && movement.roundKey !== undefined && policy.rounds === 'kept') rounds.push({ player, account, key: movement.roundKey });
  }
  return { keys, rounds, sessions };
}

/**
 * Rows that the loaded ones lead to: the round of a bet that a win names, the round of a rollback's original, the bet that an undone
 * win named, and its round. Mostly none: a win names a bet of its own round.
 */
export function followUps(calls: readonly Call[], stateOf: (call: Call) => PlayerState | undefined) {
  const keys: Probe[] = [];
  const rounds: Probe[] = [];
  for (const call of calls) {
    const state = stateOf(call);
    if (!state || state.keys.length === 0) continue;
    const { player, account: { accountId: account, policy } } = call;
    const follow = (operation: 'bet' | 'win', key: string | undefined) => {
      const row = key === undefined ? undefined : findKey(state.keys, account, operation, key);
      if (row?.round !== undefined && policy.rounds === 'kept' && !findRound(state.rounds, account, row.round)) rounds.push({ player, account, key: row.round });
      return row;
    };
    for (const part of partsOf(call.movement)) {
      if (part.kind === 'win') follow('bet', part.betKey);
      if (part.kind !== 'rollback') continue;
      follow('bet', part.originalKey);
      const win = follow('win', part.originalKey);
      if (win?.original === undefined || win.wins === 0) continue;
      if (findKey(state.keys, account, 'bet', win.original)) follow('bet', win.original);
      else keys.push({ player, account, key: win.original });
    }
  }
  return { keys, rounds };
}
