/**
 * The one door for money: how a batch of calls is read under its players' locks and written.
 * A batch is two pipelined flushes and one commit: `load` (begin, lock, read), `decide` in between, `write` (rows, lane, commit).
 * Nothing else in this system inserts into or updates wallet, transaction_key or transaction.
 */
import type pg from 'pg';
import { byteas, flush, int4s, int8s, longs, run, sqlState, statement, texts, tids, times, uuids, type Field, type Step } from '../../libs/postgres/index.ts';
import { entryColumns, keyColumns, roundColumns, verdictColumns } from './columns.ts';
import type { Call, Position } from './contract.ts';
import { followUps, probesOf, type Probe, type SessionProbe } from './probes.ts';
import { findKey, findRound, type Entry, type KeyRow, type PlayerState, type Round, type Verdict, type Wallet } from './state.ts';

/** Every connection that moves money runs with these: nothing hangs, and every row is found by its index. */
export const MONEY_SETTINGS = {
  statement_timeout: '2s', transaction_timeout: '5s', idle_in_transaction_session_timeout: '2s', lock_timeout: '250ms',
  enable_hashjoin: 'off', enable_mergejoin: 'off', enable_seqscan: 'off', plan_cache_mode: 'force_generic_plan', jit: 'off',
};

/** What a batch leaves to be written. */
export interface Changes {
  readonly wallets: readonly Wallet[];
  readonly keys: readonly KeyRow[];
  readonly rounds: readonly Round[];
  readonly entries: readonly Entry[];
  readonly verdicts: readonly Verdict[];
}

export interface Lane {
  readonly client: pg.Client;
  readonly id: number;
  batch: number;
}

/** The database contradicts itself about some player. Carries a code of PostgreSQL's, so that the call is found and answered by itself. */
class MissingRow extends Error {
  readonly code = 'P0002';
}

/** COMMIT was answered by something else than a plain COMMIT: whether it happened is unknown. */
export class CommitUnknown extends Error {}

/**
 * L1 lock every wallet row of every player named, in order. It never waits for a held row, so it cannot deadlock.
 * On the side connection it waits up to `lock_timeout`, for one player only.
 * args: players, operators · answers a row a wallet: place of its player in the arguments, place of the row, currency, balance, version, at (ms), stop
 */
const LOCK = (wait: 'skip locked' | '') => `
select q.place, w.ctid, w.currency, w.balance, w.version, round(date_part('epoch', w.at) * 1000)::bigint, w.stop
from unnest($1::uuid[], $2::uuid[]) with ordinality q(player_id, operator_id, place)
join wallet w on w.player_id = q.player_id and w.operator_id = q.operator_id
order by w.player_id, w.currency for no key update of w ${wait}`;
type LockedRow = [place: string, ctid: string, currency: string, balance: string, version: string, at: string, stop: Wallet['stop']];
const lock = statement<LockedRow>('lock', LOCK('skip locked'));
const lockWaiting = statement<LockedRow>('lock_waiting', LOCK(''));

/**
 * L1b how many wallets there are: as many as were locked, or some are *held* and not absent; and the business time.
 * args: players, operators · answers one row: how many, now (ms)
 */
const countWallets = statement<[string, string]>('count_wallets', `
select count(*), floor(date_part('epoch', clock_timestamp()) * 1000)::bigint
from unnest($1::uuid[], $2::uuid[]) q(player_id, operator_id)
join wallet w on w.player_id = q.player_id and w.operator_id = q.operator_id`);

/** L1c which: only where L1b tells that some are held. args: players, operators · answers a row a wallet: place of its player, currency */
const nameWallets = statement<[string, string]>('name_wallets', `
select q.place, w.currency from unnest($1::uuid[], $2::uuid[]) with ordinality q(player_id, operator_id, place)
join wallet w on w.player_id = q.player_id and w.operator_id = q.operator_id`);

/**
 * L2 everything that bears a reference: own keys and originals, of all operations.
 * A statement of its own behind the lock, so that its snapshot is younger; read with the lock, a tombstone would be missed.
 * args: players, accounts, references · answers key rows
 */
const readKeys = statement('read_keys', `
select k.player_id, k.account_id, k.operation, k.reference, k.outcome, k.digest, k.transaction_id, k.currency, k.amount, k.wins, k.version,
  k.refusal, k.round, k.original, k.undone_by, k.face, k.award, k.balance_after
from unnest($1::uuid[], $2::int[], $3::uuid[]) q(player_id, account_id, reference)
cross join lateral (select * from transaction_key k
  where k.player_id = q.player_id and k.account_id = q.account_id and k.reference = q.reference offset 0) k`);

/** L3 args: players, accounts, rounds · answers round rows */
const readRounds = statement('read_rounds', `
select r.player_id, r.account_id, r.round, r.currency, r.state, r.staked, r.won, r.bets, r.undone, r.named, r.last_bet_version, r.first_version, r.last_version, r.settlements
from unnest($1::uuid[], $2::int[], $3::uuid[]) q(player_id, account_id, round)
cross join lateral (select * from round r
  where r.player_id = q.player_id and r.account_id = q.account_id and r.round = q.round offset 0) r`);

/** L4 args: token hashes, operators · answers a row a session: hash (hex), player, account, currency, live */
const readSessions = statement<[string, string, string, string, 't' | 'f']>('read_sessions', `
select encode(s.token_hash, 'hex'), s.player_id, s.account_id, s.currency, s.state = 'active' and s.expires_at > clock_timestamp()
from unnest($1::bytea[], $2::uuid[]) q(token_hash, operator_id)
join session s on s.token_hash = q.token_hash and s.operator_id = q.operator_id`);

/**
 * W1 each touched wallet once, where the lock found it and only from the version that was loaded. args: …, how many · answers one row, or
 * fails (division by zero): then the lock did not hold what `load` read, and nothing may be written.
 */
const writeWallets = statement('write_wallets', `
with w as (
  update wallet set balance = x.balance, version = x.version, at = x.at
  from unnest($1::tid[], $2::uuid[], $3::text[], $4::int8[], $5::int8[], $6::timestamptz[], $7::int8[])
    x(ctid, player_id, currency, balance, version, at, loaded)
  where wallet.ctid = x.ctid and wallet.player_id = x.player_id and wallet.currency = x.currency and wallet.version = x.loaded returning 1)
select 1 / (case when count(*) = $8::int then 1 else 0 end) from w`);

/** W2 new keys; the primary key is the last line against a second effect. */
const insertKeys = statement('insert_keys', `
insert into transaction_key (player_id, operator_id, account_id, operation, reference, outcome, digest_version, digest, transaction_id, currency,
  amount, wins, version, refusal, round, original, undone_by, face, award, balance_after)
select p, o, a, op::operation, ref, outcome::key_outcome, 1, digest, id, currency, amount, wins, version, refusal, round, original, undone_by, face,
  award::award, balance_after
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::int8[], $11::int[],
  $12::int8[], $13::text[], $14::uuid[], $15::uuid[], $16::uuid[], $17::int8[], $18::text[], $19::int8[])
  x(p, o, a, op, ref, outcome, digest, id, currency, amount, wins, version, refusal, round, original, undone_by, face, award, balance_after)`);

/** W3 known keys: how many wins name a bet, and what undid it. Counted as W1. */
const updateKeys = statement('update_keys', `
with w as (
  update transaction_key k set wins = x.wins, undone_by = x.undone_by
  from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int[], $6::uuid[]) x(p, a, ref, op, wins, undone_by)
  where k.player_id = x.p and k.account_id = x.a and k.reference = x.ref and k.operation = x.op::operation returning 1)
select 1 / (case when count(*) = $7::int then 1 else 0 end) from w`);

/** W4 rounds: the load step knows which are new, so no ON CONFLICT. */
const insertRounds = statement('insert_rounds', `
insert into round (operator_id, currency, player_id, account_id, round, state, staked, won, bets, undone, named, last_bet_version, first_version, last_version,
  settlements)
select o, currency, p, a, round, state::round_state, staked, won, bets, undone, named, last_bet, first, last, settlements::int8[]
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[], $5::uuid[], $6::text[], $7::int8[], $8::int8[], $9::int[], $10::int[], $11::int[],
  $12::int8[], $13::int8[], $14::int8[], $15::text[])
  x(o, currency, p, a, round, state, staked, won, bets, undone, named, last_bet, first, last, settlements)`);
const updateRounds = statement('update_rounds', `
with w as (
  update round r set state = x.state::round_state, staked = x.staked, won = x.won, bets = x.bets, undone = x.undone, named = x.named,
    last_bet_version = x.last_bet, first_version = x.first, last_version = x.last, settlements = x.settlements::int8[]
  from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int8[], $6::int8[], $7::int[], $8::int[], $9::int[], $10::int8[], $11::int8[],
    $12::int8[], $13::text[]) x(p, a, round, state, staked, won, bets, undone, named, last_bet, first, last, settlements)
  where r.player_id = x.p and r.account_id = x.a and r.round = x.round returning 1)
select 1 / (case when count(*) = $14::int then 1 else 0 end) from w`);

/** W5 the ledger. */
const insertEntries = statement('insert_entries', `
insert into transaction (player_id, operator_id, account_id, currency, version, at, transaction_id, kind, house, amount, balance_after, closes_round,
  lane, batch, reference, round, game_id, undoes, bet, face, campaign, award)
select p, o, a, currency, version, at, id, kind::transaction_kind, house, amount, balance, closes, $21::int, $22::int, reference, round, game, undoes,
  bet, face, campaign, award::award
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::int8[], $6::timestamptz[], $7::uuid[], $8::text[], $9::int2[], $10::int8[],
  $11::int8[], $12::bool[], $13::text[], $14::text[], $15::text[], $16::uuid[], $17::text[], $18::int8[], $19::text[], $20::text[])
  x(p, o, a, currency, version, at, id, kind, house, amount, balance, closes, reference, round, game, undoes, bet, face, campaign, award)`);

/** W6 what moved nothing. */
const insertVerdicts = statement('insert_verdicts', `
insert into verdict (player_id, operator_id, account_id, at, operation, code, currency, reference, amount, round, lane, batch)
select p, o, a, at, operation, code, currency, reference, amount, round, $11::int, $12::int
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int8[], $10::text[])
  x(p, o, a, at, operation, code, currency, reference, amount, round)`);

/** W7 the lane's next step; its row lock makes a lane's batches visible in order. Counted as W1. */
const stepLane = statement('step_lane', `
with w as (update lane set batch = $2::int where lane = $1::int and batch = $2::int - 1 returning 1)
select 1 / (case when count(*) = 1 then 1 else 0 end) from w`);

/** In the order of the lanes' own lock, so that neither waits for the other in turn. args: players, operators · answers a row a wallet */
const lockOwned = statement('lock_owned', `
select 1 from wallet w join unnest($1::uuid[], $2::uuid[]) q(player_id, operator_id) on w.player_id = q.player_id and w.operator_id = q.operator_id
order by w.player_id, w.currency for no key update of w`);

/** A statement behind the lock: what stops the player's other wallets stops the new one. args: players, operators, currencies */
const insertWallets = statement('insert_wallets', `
insert into wallet (player_id, operator_id, currency, balance, version, at, stop)
select p, o, c, 0, 0, clock_timestamp(), coalesce((select w.stop from wallet w where w.player_id = p and w.operator_id = o limit 1), 'none')
from unnest($1::uuid[], $2::uuid[], $3::text[]) x(p, o, c) on conflict do nothing`);

/** A statement behind the lock: it finds a wallet that was opened while this waited. args: player, operator, stop */
const stopWallets = statement('stop_wallets', `
update wallet set stop = $3::player_stop where player_id = $1::uuid and operator_id = $2::uuid and stop <> $3::player_stop`);

/** Opens wallets at zero; one that is there stays as it is. Inside a transaction of the caller's, for more than one statement counts. */
export async function openWallets(client: pg.Client, wallets: readonly { player: string; operator: string; currency: string }[]): Promise<void> {
  const who = [uuids(wallets, (w) => w.player), uuids(wallets, (w) => w.operator)];
  await run(client, [lockOwned(who), insertWallets([...who, texts(wallets, (w) => w.currency)])]);
}

/** Inside a transaction of the caller's. False where the operator has no such player. */
export async function stopPlayer(client: pg.Client, operator: string, player: string, stop: Wallet['stop']): Promise<boolean> {
  const one = [{ player, operator }];
  const [owned] = await run(client, [lockOwned([uuids(one, (w) => w.player), uuids(one, (w) => w.operator)]), stopWallets([player, operator, stop])]);
  return owned.length > 0;
}

const begin = statement('begin', 'begin');
const commit = statement('commit', 'commit');

/** Behind the COMMIT: timeline and WAL position, for the consistency token. */
const readPosition = statement<[string, string]>('position', `
select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), pg_current_wal_insert_lsn()::text`);

/** The states of the players named; a player without one does not exist. Calls of *held* players must go elsewhere. */
export interface Loaded {
  readonly states: ReadonlyMap<string, PlayerState>;
  readonly held: ReadonlySet<string>;
}

/** Flush 1. Leaves the transaction open. `waiting`: for one player, up to `lock_timeout`, where it fails with 55P03. */
export async function load(client: pg.Client, calls: readonly Call[], waiting: boolean): Promise<Loaded> {
  const owners = ownersOf(calls);
  const who = [uuids(owners, (call) => call.player), uuids(owners, (call) => call.account.operatorId)];
  const { keys, rounds, sessions } = probesOf(calls);
  const probed = [...probe(readKeys, keys), ...probe(readRounds, rounds), ...tokens(sessions)];
  const [, locked, counted, ...found] = await run(client, [begin(), (waiting ? lockWaiting : lock)(who), countWallets(who), ...probed]);
  const [count, now] = counted[0] as [string, string];
  const there = Number(count) === locked.length ? undefined : (await run(client, [nameWallets(who)]))[0];
  const loaded = statesOf(owners, locked, Number(now), there);
  keep(loaded.states, probed, found);
  for (let more = followUps(calls, stateIn(loaded)); more.keys.length + more.rounds.length > 0; more = followUps(calls, stateIn(loaded))) {
    const steps = [...probe(readKeys, more.keys), ...probe(readRounds, more.rounds)];
    const rows = await run(client, steps);
    if (rows.every((each) => each.length === 0)) throw new MissingRow('a key leads to a row that is not there');
    keep(loaded.states, steps, rows);
  }
  return loaded;
}

/** The state a call is judged by: none where the player is another operator's. */
export const stateIn = ({ states }: Loaded) => (call: Call): PlayerState | undefined => {
  const state = states.get(call.player);
  return state?.operator === call.account.operatorId ? state : undefined;
};

/** Each player once for each operator that names it: more than one only where somebody names what is not theirs. */
function ownersOf(calls: readonly Call[]): Call[] {
  const owners = new Map<string, Call>();
  const others: Call[] = [];
  for (const call of calls) {
    const known = owners.get(call.player);
    if (!known) owners.set(call.player, call);
    else if (known.account.operatorId !== call.account.operatorId) others.push(call);
  }
  return others.length === 0 ? [...owners.values()] : [...owners.values(), ...others];
}

function statesOf(owners: readonly Call[], locked: readonly LockedRow[], now: number, there: readonly [string, string][] | undefined): Loaded {
  const states = new Map<string, PlayerState>();
  for (const [place, ctid, currency, balance, version, at, stop] of locked) {
    const { player, account: { operatorId: operator } } = owners[Number(place) - 1] as Call;
    let state = states.get(player);
    if (!state) states.set(player, state = { player, operator, now, wallets: [], keys: [], rounds: [], sessions: [] });
    state.wallets.push({
      player, currency, balance: BigInt(balance), version: Number(version), at: Number(at), stop, loadedVersion: Number(version), ctid,
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

function probe(read: typeof readKeys, probes: readonly Probe[]): Step[] {
  if (probes.length === 0) return [];
  return [read([uuids(probes, (p) => p.player), int4s(probes, (p) => p.account), uuids(probes, (p) => p.key)])];
}

function tokens(sessions: readonly SessionProbe[]): Step[] {
  if (sessions.length === 0) return [];
  return [readSessions([byteas(sessions, (s) => Buffer.from(s.hash, 'hex')), uuids(sessions, (s) => s.operator)])];
}

const plain = (uuid: Field | undefined) => uuid?.replaceAll('-', '');
const amount = (text: Field | undefined) => (text == null ? undefined : BigInt(text));
const number = (text: Field | undefined) => (text == null ? undefined : Number(text));

/** What the probes found, each row once, with whose it is. */
function keep(states: Loaded['states'], steps: readonly Step[], found: readonly Field[][][]): void {
  for (const [i, { name }] of steps.entries()) {
    for (const row of found[i] ?? []) {
      if (name === 'read_sessions') keepSession(states, row);
      else if (name === 'read_keys') keepKey(states.get(row[0] as string), row);
      else keepRound(states.get(row[0] as string), row);
    }
  }
}

function keepKey(state: PlayerState | undefined, fields: Field[]): void {
  const [player, account, operation, key, outcome, digest, id, currency, moved, wins, version, refusal, round, original, undoneBy, face, award, balance] = fields;
  const row = {
    player, operator: state?.operator, account: number(account), operation, key: plain(key), outcome, digest: plain(digest), transactionId: id, currency,
    amount: amount(moved), wins: number(wins), version: number(version), refusal: refusal ?? undefined, round: plain(round), original: plain(original),
    undoneBy: undoneBy ?? undefined, face: amount(face), award: award ?? undefined, balanceAfter: amount(balance), stored: 'yes',
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
  const [hash, player, account, currency, live] = fields as string[];
  const session = { hash, player, account: Number(account), currency, live: live === 't' } as PlayerState['sessions'][number];
  for (const state of states.values()) state.sessions.push(session);
}

/**
 * Flush 2: rows, the lane's step, COMMIT, and the position behind it. The server skips what stands behind an error: with one before the
 * COMMIT nothing was committed, and the caller rolls back. Fails with `CommitUnknown` where nobody says whether it was.
 */
export async function write(lane: Lane, changes: Changes): Promise<Position | undefined> {
  const { client } = lane;
  const batch = lane.batch + 1;
  const stamped = changes.entries.length + changes.verdicts.length > 0;
  const rows = [...stepsOf(changes, lane.id, batch), ...(stamped ? [stepLane([lane.id, batch])] : [])];
  let warned = false;
  const onNotice = (notice: { code?: string }) => { warned ||= notice.code === '01000'; };
  client.on('notice', onNotice);
  const { rows: found, tags, error } = await flush(client, [...rows, commit(), readPosition()]);
  client.off('notice', onNotice);
  const tag = tags[rows.length];
  if (tag === undefined && error && sqlState(error) && tags.length < rows.length) throw error;
  if (tag !== 'COMMIT' || warned) throw new CommitUnknown('COMMIT was sent and not confirmed', { cause: error });
  if (stamped) lane.batch = batch;
  const [position] = found[rows.length + 1] ?? [];
  if (!position) return undefined;
  const [timeline, lsn] = position as [string, string];
  return { timeline, lsn, ...(stamped && { lane: lane.id, batch }) };
}

function stepsOf({ wallets, keys, rounds, entries, verdicts }: Changes, lane: number, batch: number): Step[] {
  const sent: Step[] = [];
  if (wallets.length > 0) {
    sent.push(writeWallets([
      tids(wallets, (w) => w.ctid), uuids(wallets, (w) => w.player), texts(wallets, (w) => w.currency), int8s(wallets, (w) => w.balance),
      longs(wallets, (w) => w.version), times(wallets, (w) => w.at), longs(wallets, (w) => w.loadedVersion), wallets.length,
    ]));
  }
  const newKeys = keys.filter((row) => row.stored === 'no');
  if (newKeys.length > 0) sent.push(insertKeys(keyColumns(newKeys)));
  const knownKeys = keys.filter((row) => row.stored === 'changed');
  if (knownKeys.length > 0) {
    sent.push(updateKeys([
      uuids(knownKeys, (k) => k.player), int4s(knownKeys, (k) => k.account), uuids(knownKeys, (k) => k.key), texts(knownKeys, (k) => k.operation),
      int4s(knownKeys, (k) => k.wins), uuids(knownKeys, (k) => k.undoneBy), knownKeys.length,
    ]));
  }
  const newRounds = rounds.filter((row) => row.stored === 'no');
  if (newRounds.length > 0) sent.push(insertRounds([uuids(newRounds, (r) => r.operator), texts(newRounds, (r) => r.currency), ...roundColumns(newRounds)]));
  const knownRounds = rounds.filter((row) => row.stored === 'changed');
  if (knownRounds.length > 0) sent.push(updateRounds([...roundColumns(knownRounds), knownRounds.length]));
  if (entries.length > 0) sent.push(insertEntries([...entryColumns(entries), lane, batch]));
  if (verdicts.length > 0) sent.push(insertVerdicts([...verdictColumns(verdicts), lane, batch]));
  return sent;
}
