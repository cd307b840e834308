/** What a batch has to read: which references, rounds and sessions its calls name, and what those rows lead to. */
import type { Call, Movement } from './contract.ts';
import { keyId, roundId, type PlayerState } from './state.ts';

/** player, account, fingerprint of a reference or a round */
export type Probe = readonly [player: string, account: number, key: string];

class Probes {
  readonly list: Probe[] = [];
  private readonly seen = new Set<string>();
  add(call: Call, key: string | undefined): void {
    if (key === undefined) return;
    const id = `${call.player}${call.account.accountId}/${key}`;
    if (this.seen.has(id)) return;
    this.seen.add(id);
    this.list.push([call.player, call.account.accountId, key]);
  }
}

const partsOf = (movement: Movement) => (movement.kind === 'play' ? movement.actions : [movement]);

/** Sessions come as [token hash, operator]. */
export function probesOf(calls: readonly Call[]) {
  const keys = new Probes();
  const rounds = new Probes();
  const sessions: [string, string][] = [];
  for (const call of calls) {
    for (const part of partsOf(call.movement)) {
      if ('key' in part) keys.add(call, part.key);
      if (part.kind === 'win') keys.add(call, part.betKey);
      if (part.kind === 'rollback') keys.add(call, part.originalKey);
      if (part.kind === 'bet' && part.session !== undefined) sessions.push([part.session, call.account.operatorId]);
      if ('roundKey' in part && call.account.policy.rounds === 'kept') rounds.add(call, part.roundKey);
    }
  }
  return { keys: keys.list, rounds: rounds.list, sessions };
}

/**
 * Rows that the loaded ones lead to: the round of a bet that a win names, the round of a rollback's original, the bet that an undone
 * win named, and its round. Mostly none: a win names a bet of its own round.
 */
export function followUps(calls: readonly Call[], stateOf: (call: Call) => PlayerState | undefined) {
  const keys = new Probes();
  const rounds = new Probes();
  for (const call of calls) {
    const state = stateOf(call);
    if (!state) continue;
    const { accountId, policy } = call.account;
    const follow = (operation: 'bet' | 'win', key: string | undefined) => {
      const row = key === undefined ? undefined : state.keys.get(keyId(accountId, operation, key));
      if (!row) return undefined;
      if (row.round !== undefined && policy.rounds === 'kept' && !state.rounds.has(roundId(accountId, row.round))) rounds.add(call, row.round);
      return row;
    };
    for (const part of partsOf(call.movement)) {
      if (part.kind === 'win') follow('bet', part.betKey);
      if (part.kind !== 'rollback') continue;
      follow('bet', part.originalKey);
      const win = follow('win', part.originalKey);
      if (win?.original === undefined || win.wins === 0) continue;
      if (state.keys.has(keyId(accountId, 'bet', win.original))) follow('bet', win.original);
      else keys.add(call, win.original);
    }
  }
  return { keys: keys.list, rounds: rounds.list };
}
