/** What the load step found, as the states that calls are judged by: fields of rows in the order in which `money.ts` names them. */
import type { Field, Step } from '../../libs/postgres/index.ts';
import type { Call } from './contract.ts';
import { findKey, findRound, type KeyRow, type PlayerState, type Round, type Session, type Wallet } from './state.ts';

/** The states of the players named; a player without one does not exist. Calls of *held* players must go elsewhere. */
export interface Loaded {
  readonly states: ReadonlyMap<string, PlayerState>;
  readonly held: ReadonlySet<string>;
}

export type LockedRow = [
  place: string, ctid: string, currency: string, balance: string, version: string, at: string, stop: Wallet['stop'], debt: string,
];

/** `there`: the wallets that there are, where some of them are held by another session. */
export function statesOf(owners: readonly Call[], locked: readonly LockedRow[], now: number, there: readonly [string, string][] | undefined): Loaded {
  const states = new Map<string, PlayerState>();
  for (const [place, ctid, currency, balance, version, at, stop, owed] of locked) {
    const { player, account: { operatorId: operator } } = owners[Number(place) - 1] as Call;
    let state = states.get(player);
    if (!state) states.set(player, state = { player, operator, now, wallets: [], keys: [], rounds: [], sessions: [] });
    const debt = owed === '0' ? 0n : BigInt(owed);
    state.wallets.push({
      player, currency, balance: BigInt(balance), debt, version: Number(version), at: Number(at), stop, loadedVersion: Number(version), loadedDebt: debt, ctid,
    });
  }
  const held = new Set<string>();
  for (const [place, currency] of there ?? []) {
    const { player } = owners[Number(place) - 1] as Call;
    if (!states.get(player)?.wallets.some((wallet) => wallet.currency === currency)) held.add(player);
  }
  for (const player of held) states.delete(player);
  return { states, held };
}

const plain = (uuid: Field | undefined) => uuid?.replaceAll('-', '');
const amount = (text: Field | undefined) => (text == null ? undefined : BigInt(text));
const number = (text: Field | undefined) => (text == null ? undefined : Number(text));

/** What the probes found, each row once, with whose it is. */
export function keep(states: Loaded['states'], steps: readonly Step[], found: readonly Field[][][]): void {
  for (const [i, { name }] of steps.entries()) {
    for (const row of found[i] ?? []) {
      if (name === 'read_sessions') keepSession(states, row);
      else if (name === 'read_rounds') keepRound(states.get(row[0] as string), row);
      else keepKey(states.get(row[0] as string), row);
    }
  }
}

function keepKey(state: PlayerState | undefined, fields: Field[]): void {
  const [
    player, account, operation, key, outcome, digest, id, currency, moved, wins, version, refusal, round, original, undoneBy, face, award, balance,
    debt, undoneDebt, lastWin,
  ] = fields;
  const row = {
    player, operator: state?.operator, account: number(account), operation, key: plain(key), outcome, digest: plain(digest), transactionId: id, currency,
    amount: amount(moved), wins: number(wins), version: number(version), refusal: refusal ?? undefined, round: plain(round), original: plain(original),
    undoneBy: undoneBy ?? undefined, face: amount(face), award: award ?? undefined, balanceAfter: amount(balance), debt: amount(debt),
    undoneDebt: amount(undoneDebt), lastWin: plain(lastWin), stored: 'yes',
  } as KeyRow;
  if (state && !findKey(state.keys, row.account, row.operation, row.key)) state.keys.push(row);
}

function keepRound(state: PlayerState | undefined, fields: Field[]): void {
  const [player, account, key, currency, roundState, staked, won, bets, undone, named, lastBet, first, last, settlements] = fields;
  const row = {
    player, operator: state?.operator, account: number(account), key: plain(key), currency, state: roundState, staked: amount(staked), won: amount(won),
    bets: number(bets), undone: number(undone), named: number(named), lastBetVersion: number(lastBet), firstVersion: number(first), lastVersion: number(last),
    settlements: settlements?.match(/\d+/g)?.map(Number) ?? [], stored: 'yes',
  } as Round;
  if (state && !findRound(state.rounds, row.account, row.key)) state.rounds.push(row);
}

/** Any player may name it; the rules say whose it is. */
function keepSession(states: Loaded['states'], fields: Field[]): void {
  const [hash, player, account, currency, standing, replaces, slides] = fields;
  const session = {
    hash, player, account: number(account), currency, standing, replaces: replaces ?? undefined, slides: slides === 't',
  } as Session;
  for (const state of states.values()) if (!state.sessions.some((other) => other.hash === hash)) state.sessions.push(session);
}
