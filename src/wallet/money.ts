/**
 * The one door for money: how a batch of calls is read under its players' locks and written.
 * A batch is two pipelined flushes and one commit: `load` (begin, lock, read), `decide` in between, `write` (rows, lane, commit).
 * Nothing else in this system inserts into or updates wallet, transaction_key or transaction.
 */
import type pg from 'pg';
import { byteas, inOneFlush, int2s, int4s, int8s, prepared, texts, times, uuids } from '../../libs/postgres/index.ts';
import { entryColumns, keyColumns, roundColumns, verdictColumns } from './columns.ts';
import type { Call, Position } from './contract.ts';
import { followUps, probesOf, type Probe } from './probes.ts';
import { keyId, roundId, type Entry, type KeyRow, type PlayerState, type Round, type Verdict, type Wallet } from './state.ts';

/** Every connection that moves money runs with these: nothing hangs, and the plans are the ones that are checked in. */
export const MONEY_SETTINGS = {
  statement_timeout: '2s', transaction_timeout: '5s', idle_in_transaction_session_timeout: '2s', lock_timeout: '250ms',
  enable_hashjoin: 'off', enable_mergejoin: 'off', enable_seqscan: 'off', plan_cache_mode: 'force_generic_plan', jit: 'off',
};

/** What a batch leaves to be written. */
export interface Changes {
  readonly wallets: readonly Wallet[];
  readonly keys: readonly { readonly player: string; readonly operator: string; readonly row: KeyRow }[];
  readonly rounds: readonly { readonly player: string; readonly operator: string; readonly row: Round }[];
  readonly entries: readonly Entry[];
  readonly verdicts: readonly Verdict[];
}

export interface Lane {
  readonly client: pg.Client;
  readonly id: number;
  batch: number;
}

/** COMMIT was answered by something else than a plain COMMIT: whether it happened is unknown. */
export class CommitUnknown extends Error {}

/**
 * L1 lock every wallet row of every player named, in order. It never waits for a held row, so it cannot deadlock.
 * On the side connection (`waiting`) it waits up to `lock_timeout`, for one player only.
 * args: players, operators · answers a row a wallet: player, operator, currency, balance, version, at (ms), stop
 */
const LOCK = (wait: 'skip locked' | '') => `
select w.player_id, w.operator_id, w.currency, w.balance, w.version, round(date_part('epoch', w.at) * 1000)::bigint, w.stop
from unnest($1::uuid[], $2::uuid[]) q(player_id, operator_id)
join wallet w on w.player_id = q.player_id and w.operator_id = q.operator_id
order by w.player_id, w.currency for no key update of w ${wait}`;
type LockedRow = [player: string, operator: string, currency: string, balance: string, version: string, at: string, stop: Wallet['stop']];
const lock = prepared<LockedRow>('lock', LOCK('skip locked'));
const lockWaiting = prepared<LockedRow>('lock_waiting', LOCK(''));

/**
 * L1b which wallets there are: tells *held* (here, but not among the locked) from *absent*; and the business time.
 * args: players, operators · answers a row a wallet: player, operator, currency, now (ms)
 */
const named = prepared<[string, string, string, string]>('named', `
select w.player_id, w.operator_id, w.currency, floor(date_part('epoch', clock_timestamp()) * 1000)::bigint
from unnest($1::uuid[], $2::uuid[]) q(player_id, operator_id)
join wallet w on w.player_id = q.player_id and w.operator_id = q.operator_id`);

/**
 * L2 everything that bears a reference: own keys and originals, of all operations.
 * A statement of its own behind the lock, so that its snapshot is younger; read with the lock, a tombstone would be missed.
 * args: players, accounts, references · answers key rows
 */
const readKeys = prepared<unknown[]>('read_keys', `
select k.player_id, k.account_id, k.operation, k.reference, k.outcome, k.digest, k.transaction_id, k.currency, k.amount, k.wins, k.version,
  k.refusal, k.round, k.original, k.undone_by, k.face, k.award, k.balance_after
from unnest($1::uuid[], $2::int[], $3::uuid[]) q(player_id, account_id, reference)
cross join lateral (select * from transaction_key k
  where k.player_id = q.player_id and k.account_id = q.account_id and k.reference = q.reference offset 0) k`);

/** L3 args: players, accounts, rounds · answers round rows */
const readRounds = prepared<unknown[]>('read_rounds', `
select r.player_id, r.account_id, r.round, r.currency, r.state, r.staked, r.won, r.bets, r.undone, r.named, r.last_bet_version, r.settlements
from unnest($1::uuid[], $2::int[], $3::uuid[]) q(player_id, account_id, round)
cross join lateral (select * from round r
  where r.player_id = q.player_id and r.account_id = q.account_id and r.round = q.round offset 0) r`);

/** L4 args: token hashes, operators · answers a row a session: hash (hex), player, account, currency, live */
const readSessions = prepared<[string, string, number, string, boolean]>('read_sessions', `
select encode(s.token_hash, 'hex'), s.player_id, s.account_id, s.currency, s.state = 'active' and s.expires_at > clock_timestamp()
from unnest($1::bytea[], $2::uuid[]) q(token_hash, operator_id)
join session s on s.token_hash = q.token_hash and s.operator_id = q.operator_id`);

/**
 * W1 each touched wallet once, only from the version that was loaded. args: …, how many · answers one row, or fails (division by zero):
 * then the lock did not hold what `load` read, and nothing may be written.
 */
const writeWallets = prepared('write_wallets', `
with w as (
  update wallet set balance = x.balance, version = x.version, at = x.at
  from unnest($1::uuid[], $2::text[], $3::int8[], $4::int8[], $5::timestamptz[], $6::int8[]) x(player_id, currency, balance, version, at, loaded)
  where wallet.player_id = x.player_id and wallet.currency = x.currency and wallet.version = x.loaded returning 1)
select 1 / (case when count(*) = $7::int then 1 else 0 end) from w`);

/** W2 new keys; the primary key is the last line against a second effect. */
const insertKeys = prepared('insert_keys', `
insert into transaction_key (player_id, operator_id, account_id, operation, reference, outcome, digest_version, digest, transaction_id, currency,
  amount, wins, version, refusal, round, original, undone_by, face, award, balance_after)
select p, o, a, op::operation, ref, outcome::key_outcome, 1, digest, id, currency, amount, wins, version, refusal, round, original, undone_by, face,
  award::award, balance_after
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::int8[], $11::int2[],
  $12::int8[], $13::text[], $14::uuid[], $15::uuid[], $16::uuid[], $17::int8[], $18::text[], $19::int8[])
  x(p, o, a, op, ref, outcome, digest, id, currency, amount, wins, version, refusal, round, original, undone_by, face, award, balance_after)`);

/** W3 known keys: how many wins name a bet, and what undid it. Counted as W1. */
const updateKeys = prepared('update_keys', `
with w as (
  update transaction_key k set wins = x.wins, undone_by = x.undone_by
  from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int2[], $6::uuid[]) x(p, a, ref, op, wins, undone_by)
  where k.player_id = x.p and k.account_id = x.a and k.reference = x.ref and k.operation = x.op::operation returning 1)
select 1 / (case when count(*) = $7::int then 1 else 0 end) from w`);

/** W4 rounds: the load step knows which are new, so no ON CONFLICT. */
const insertRounds = prepared('insert_rounds', `
insert into round (player_id, operator_id, account_id, round, currency, state, staked, won, bets, undone, named, last_bet_version, settlements)
select p, o, a, round, currency, state::round_state, staked, won, bets, undone, named, last, settlements::int8[]
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::int8[], $8::int8[], $9::int[], $10::int[], $11::int[],
  $12::int8[], $13::text[]) x(p, o, a, round, currency, state, staked, won, bets, undone, named, last, settlements)`);
const updateRounds = prepared('update_rounds', `
with w as (
  update round r set state = x.state::round_state, staked = x.staked, won = x.won, bets = x.bets, undone = x.undone, named = x.named,
    last_bet_version = x.last, settlements = x.settlements::int8[]
  from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int8[], $6::int8[], $7::int[], $8::int[], $9::int[], $10::int8[], $11::text[])
    x(p, a, round, state, staked, won, bets, undone, named, last, settlements)
  where r.player_id = x.p and r.account_id = x.a and r.round = x.round returning 1)
select 1 / (case when count(*) = $12::int then 1 else 0 end) from w`);

/** W5 the ledger. */
const insertEntries = prepared('insert_entries', `
insert into transaction (player_id, operator_id, account_id, currency, version, at, transaction_id, kind, house, amount, balance_after, closes_round,
  lane, batch, reference, round, game_id, undoes, bet, face, campaign, award)
select p, o, a, currency, version, at, id, kind::transaction_kind, house, amount, balance, closes, $21::int, $22::int, reference, round, game, undoes,
  bet, face, campaign, award::award
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::int8[], $6::timestamptz[], $7::uuid[], $8::text[], $9::int2[], $10::int8[],
  $11::int8[], $12::bool[], $13::text[], $14::text[], $15::text[], $16::uuid[], $17::text[], $18::int8[], $19::text[], $20::text[])
  x(p, o, a, currency, version, at, id, kind, house, amount, balance, closes, reference, round, game, undoes, bet, face, campaign, award)`);

/** W6 what moved nothing. */
const insertVerdicts = prepared('insert_verdicts', `
insert into verdict (player_id, operator_id, account_id, at, operation, code, currency, reference, amount, round, lane, batch)
select p, o, a, at, operation, code, currency, reference, amount, round, $11::int, $12::int
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int8[], $10::text[])
  x(p, o, a, at, operation, code, currency, reference, amount, round)`);

/** W7 the lane's next step; its row lock makes a lane's batches visible in order. Counted as W1. */
const stepLane = prepared('step_lane', `
with w as (update lane set batch = $2::int where lane = $1::int and batch = $2::int - 1 returning 1)
select 1 / (case when count(*) = 1 then 1 else 0 end) from w`);

/** Opens wallets at zero; one that is there stays as it is. args: players, operators, currencies */
export const openWallets = prepared('open_wallets', `
insert into wallet (player_id, operator_id, currency, balance, version, at)
select p, o, c, 0, 0, clock_timestamp() from unnest($1::uuid[], $2::uuid[], $3::text[]) x(p, o, c) on conflict do nothing`);

/** Behind the COMMIT: timeline and WAL position, for the consistency token. */
const readPosition = prepared<[string, string]>('position', `
select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), pg_current_wal_insert_lsn()::text`);

/** The states of the players named, by `stateKey`; a player without one does not exist. Calls of *held* players must go elsewhere. */
export interface Loaded {
  readonly states: Map<string, PlayerState>;
  readonly held: ReadonlySet<string>;
}

export const stateKey = (call: Call): string => call.player + call.account.operatorId;

/** Flush 1. Leaves the transaction open. `waiting`: for one player, up to `lock_timeout`, where it fails with 55P03. */
export async function load(client: pg.Client, calls: readonly Call[], waiting: boolean): Promise<Loaded> {
  const owners = [...new Map(calls.map((call) => [stateKey(call), call])).values()];
  const who = [uuids(owners.map((call) => call.player)), uuids(owners.map((call) => call.account.operatorId))];
  const { keys, rounds, sessions } = probesOf(calls);
  const tokens = [byteas(sessions.map(([hash]) => Buffer.from(hash, 'hex'))), uuids(sessions.map(([, operator]) => operator))];
  const [, locked, there, keyRows, roundRows, sessionRows] = await inOneFlush(client, () => Promise.all([
    client.query('begin'),
    (waiting ? lockWaiting : lock)(client, who),
    named(client, who),
    probe(readKeys, client, keys),
    probe(readRounds, client, rounds),
    sessions.length === 0 ? [] : readSessions(client, tokens),
  ]));
  const loaded = statesOf(locked, there);
  const byPlayer = new Map([...loaded.states.values()].map((state) => [state.player, state]));
  for (const [hash, player, account, currency, live] of sessionRows) {
    for (const state of byPlayer.values()) state.sessions.set(hash, { player, account, currency, live });
  }
  keepRows(byPlayer, keyRows, roundRows);
  const stateOf = (call: Call) => loaded.states.get(stateKey(call));
  for (let more = followUps(calls, stateOf); more.keys.length + more.rounds.length > 0; more = followUps(calls, stateOf)) {
    const found = await inOneFlush(client, () => Promise.all([probe(readKeys, client, more.keys), probe(readRounds, client, more.rounds)]));
    if (found[0].length + found[1].length === 0) throw new Error('a key leads to a row that is not there');
    keepRows(byPlayer, ...found);
  }
  return loaded;
}

function statesOf(locked: LockedRow[], there: [string, string, string, string][]): Loaded {
  const states = new Map<string, PlayerState>();
  for (const [player, operator, , now] of there) {
    states.set(player + operator, { player, now: Number(now), wallets: new Map(), keys: new Map(), rounds: new Map(), sessions: new Map() });
  }
  for (const [player, operator, currency, balance, version, at, stop] of locked) {
    const wallet = { player, currency, balance: BigInt(balance), version: Number(version), at: Number(at), stop, loadedVersion: Number(version) };
    states.get(player + operator)?.wallets.set(currency, wallet);
  }
  const held = new Set<string>();
  for (const [player, operator, currency] of there) if (!states.get(player + operator)?.wallets.has(currency)) held.add(player + operator);
  for (const key of held) states.delete(key);
  return { states, held };
}

function probe(read: (client: pg.Client, values: unknown[]) => Promise<unknown[][]>, client: pg.Client, probes: readonly Probe[]) {
  if (probes.length === 0) return [];
  return read(client, [uuids(probes.map((p) => p[0])), int4s(probes.map((p) => p[1])), uuids(probes.map((p) => p[2]))]);
}

const plain = (uuid: unknown) => (uuid === null ? undefined : (uuid as string).replaceAll('-', ''));
const amount = (text: unknown) => (text === null ? undefined : BigInt(text as string));

function keepRows(byPlayer: Map<string, PlayerState>, keyRows: unknown[][], roundRows: unknown[][]): void {
  for (const [player, account, operation, key, outcome, digest, id, currency, moved, wins, version, refusal, round, original, undoneBy, face, award,
    balanceAfter] of keyRows) {
    const row = {
      account, operation, key: plain(key), outcome, digest: plain(digest), transactionId: id, currency, amount: amount(moved), wins,
      version: version === null ? undefined : Number(version), refusal: refusal ?? undefined, round: plain(round), original: plain(original),
      undoneBy: undoneBy ?? undefined, face: amount(face), award: award ?? undefined, balanceAfter: amount(balanceAfter), stored: true,
    } as KeyRow;
    byPlayer.get(player as string)?.keys.set(keyId(row.account, row.operation, row.key), row);
  }
  for (const [player, account, key, currency, state, staked, won, bets, undone, namedBets, last, settlements] of roundRows) {
    const row = {
      account, key: plain(key), currency, state, staked: amount(staked), won: amount(won), bets, undone, named: namedBets, lastBetVersion: Number(last),
      settlements: ((settlements ?? []) as string[]).map(Number), stored: true,
    } as Round;
    byPlayer.get(player as string)?.rounds.set(roundId(row.account, row.key), row);
  }
}

/**
 * Flush 2: rows, the lane's step, COMMIT, and the position behind it.
 * Fails with the first statement's error where the server says that nothing was committed, with `CommitUnknown` where nobody says so.
 */
export async function write(lane: Lane, changes: Changes): Promise<Position | undefined> {
  const { client } = lane;
  const batch = lane.batch + 1;
  const stamped = changes.entries.length + changes.verdicts.length > 0;
  let warned = false;
  const onNotice = (notice: { code?: string }) => { warned ||= notice.code === '01000'; };
  client.on('notice', onNotice);
  const sent = inOneFlush(client, () => {
    const rows = sendRows(client, changes, lane.id, batch);
    if (stamped) rows.push(stepLane(client, [lane.id, batch]));
    return Promise.allSettled([client.query('commit'), readPosition(client, []), ...rows]);
  });
  const [commit, position, ...rows] = await sent.finally(() => client.off('notice', onNotice));
  const failed = rows.find((row) => row.status === 'rejected')?.reason as Error | undefined;
  const tag = commit.status === 'fulfilled' ? (commit.value as pg.QueryResult).command : undefined;
  if (tag === 'ROLLBACK') throw failed ?? new Error('the transaction was aborted');
  if (tag !== 'COMMIT' || warned || failed) throw new CommitUnknown('COMMIT was sent and not confirmed', { cause: failed ?? commit });
  if (stamped) lane.batch = batch;
  if (position.status === 'rejected') return undefined;
  const [timeline, lsn] = (position.value as [string, string][])[0] as [string, string];
  return { timeline, lsn, ...(stamped && { lane: lane.id, batch }) };
}

function sendRows(client: pg.Client, { wallets, keys, rounds, entries, verdicts }: Changes, lane: number, batch: number): Promise<unknown>[] {
  const sent: Promise<unknown>[] = [];
  if (wallets.length > 0) {
    sent.push(writeWallets(client, [
      uuids(wallets.map((w) => w.player)), texts(wallets.map((w) => w.currency)), int8s(wallets.map((w) => w.balance)),
      int8s(wallets.map((w) => BigInt(w.version))), times(wallets.map((w) => w.at)), int8s(wallets.map((w) => BigInt(w.loadedVersion))), wallets.length,
    ]));
  }
  const newKeys = keys.filter(({ row }) => !row.stored);
  if (newKeys.length > 0) sent.push(insertKeys(client, keyColumns(newKeys)));
  const knownKeys = keys.filter(({ row }) => row.stored);
  if (knownKeys.length > 0) {
    sent.push(updateKeys(client, [
      uuids(knownKeys.map((k) => k.player)), int4s(knownKeys.map((k) => k.row.account)), uuids(knownKeys.map((k) => k.row.key)),
      texts(knownKeys.map((k) => k.row.operation)), int2s(knownKeys.map((k) => k.row.wins)), uuids(knownKeys.map((k) => k.row.undoneBy)), knownKeys.length,
    ]));
  }
  const newRounds = rounds.filter(({ row }) => !row.stored);
  if (newRounds.length > 0) sent.push(insertRounds(client, roundColumns(newRounds)));
  const knownRounds = rounds.filter(({ row }) => row.stored);
  if (knownRounds.length > 0) sent.push(updateRounds(client, [...roundColumns(knownRounds).filter((_, i) => i !== 1 && i !== 4), knownRounds.length]));
  if (entries.length > 0) sent.push(insertEntries(client, [...entryColumns(entries), lane, batch]));
  if (verdicts.length > 0) sent.push(insertVerdicts(client, [...verdictColumns(verdicts), lane, batch]));
  return sent;
}
