/**
 * The one door for money: how a batch of calls is read under its players' locks and written.
 * A batch is two pipelined flushes and one commit: `load` (begin, lock, read), `decide` in between, `write` (rows, lane, commit).
 * Nothing else in this system inserts into or updates wallet, transaction_key or transaction.
 */
import type pg from 'pg';
import { byteas, flush, int4s, int8s, longs, run, sqlState, statement, texts, tids, times, uuids, type Step } from '../../libs/postgres/index.ts';
import { changedKeyColumns, entryColumns, keyColumns, roundColumns, verdictColumns, wideKeyColumns } from './columns.ts';
import type { Call, Position } from './contract.ts';
import { keep, statesOf, type Loaded, type LockedRow } from './found.ts';
import { claimsOf, followUps, probesOf, roundsToCancel, type Claim, type Probe, type SessionProbe } from './probes.ts';
import { claimOf, type Entry, type Holder, type KeyRow, type PlayerState, type Round, type Verdict, type Wallet } from './state.ts';

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
  /** tokens whose successor was used, and those whose expiry moves */
  readonly superseded: readonly SessionProbe[];
  readonly slid: readonly SessionProbe[];
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
 * args: players, operators · answers a row a wallet: place of its player in the arguments, place of the row, currency, balance, version, at (ms), stop, debt
 */
const LOCK = (wait: 'skip locked' | '') => `
select q.place, w.ctid, w.currency, w.balance, w.version, round(date_part('epoch', w.at) * 1000)::bigint, w.stop, w.debt
from unnest($1::uuid[], $2::uuid[]) with ordinality q(player_id, operator_id, place)
join wallet w on w.player_id = q.player_id and w.operator_id = q.operator_id
order by w.player_id, w.currency for no key update of w ${wait}`;
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
const KEY = `k.player_id, k.account_id, k.operation, k.reference, k.outcome, k.digest, k.transaction_id, k.currency, k.amount, k.wins, k.version,
  k.refusal, k.round, k.original, k.undone_by, k.face, k.award, k.balance_after, k.debt, k.undone_debt, k.last_win`;
const readKeys = statement('read_keys', `
select ${KEY}
from unnest($1::uuid[], $2::int[], $3::uuid[]) q(player_id, account_id, reference)
cross join lateral (select * from transaction_key k
  where k.player_id = q.player_id and k.account_id = q.account_id and k.reference = q.reference offset 0) k`);

/** L3 args: players, accounts, rounds · answers round rows */
const readRounds = statement('read_rounds', `
select r.player_id, r.account_id, r.round, r.currency, r.state, r.staked, r.won, r.bets, r.undone, r.named, r.last_bet_version, r.first_version, r.last_version, r.settlements
from unnest($1::uuid[], $2::int[], $3::uuid[]) q(player_id, account_id, round)
cross join lateral (select * from round r
  where r.player_id = q.player_id and r.account_id = q.account_id and r.round = q.round offset 0) r`);

/**
 * L3b the bets of rounds that are to be cancelled: the one place where money looks into the ledger, for no key says which bets a round has.
 * What is decided on are their keys. args: players, accounts, rounds · answers key rows
 */
const readBetsOfRounds = statement('read_bets_of_rounds', `
select ${KEY}
from unnest($1::uuid[], $2::int[], $3::uuid[]) q(player_id, account_id, round)
cross join lateral (select * from round r
  where r.player_id = q.player_id and r.account_id = q.account_id and r.round = q.round offset 0) r
cross join lateral (select distinct encode(substring(sha256(convert_to(t.reference, 'UTF8')) for 16), 'hex')::uuid as reference from transaction t
  where t.player_id = r.player_id and t.currency = r.currency and t.version between r.first_version and r.last_version and t.kind = 'bet'
    and t.account_id = r.account_id offset 0) t
cross join lateral (select * from transaction_key k
  where k.player_id = r.player_id and k.account_id = r.account_id and k.reference = t.reference and k.operation = 'bet' and k.round = r.round offset 0) k`);

/**
 * L4 args: token hashes, operators · answers a row a session: hash (hex), player, account, currency, standing, the hash of the token that it
 * replaces while that one is good still, and whether its expiry is due to be moved by a minute or more
 */
const readSessions = statement('read_sessions', `
select encode(s.token_hash, 'hex'), s.player_id, s.account_id, s.currency,
  case when s.state = 'superseded' then 'superseded' when s.state = 'active' and s.expires_at > clock_timestamp() then 'live' else 'over' end,
  case when s.replaces is not null then (select encode(b.token_hash, 'hex') from session b
    where b.player_id = s.player_id and b.token_hash = s.replaces and b.state = 'active') end,
  s.expires_at <= clock_timestamp() + (s.slide_s - 60) * interval '1 second'
from unnest($1::bytea[], $2::uuid[]) q(token_hash, operator_id)
join session s on s.token_hash = q.token_hash and s.operator_id = q.operator_id`);

/**
 * L5 only with accounts whose references are unique across players: claims them, behind the wallets' locks and in an order that all batches
 * keep. It waits for a batch that claimed one of them and is not over. args: accounts, references, players, operators, operations
 */
const claimReferences = statement('claim_references', `
insert into global_reference (account_id, reference, player_id, operator_id, operation)
select a, ref, p, o, op::operation from unnest($1::int[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) x(a, ref, p, o, op)
order by a, ref on conflict do nothing`);

/** L5b a statement behind it, so that it sees whom it waited for. args: accounts, references, operators · answers account, reference, player, operation */
const readHolders = statement<[string, string, string, Holder['operation']]>('read_holders', `
select g.account_id, g.reference, g.player_id, g.operation
from unnest($1::int[], $2::uuid[], $3::uuid[]) q(account_id, reference, operator_id)
cross join lateral (select * from global_reference g
  where g.account_id = q.account_id and g.reference = q.reference and g.operator_id = q.operator_id offset 0) g`);

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

/** W1b what a wallet owes, where that changed. args: players, currencies, debts, how many · counted as W1 */
const writeDebts = statement('write_debts', `
with w as (
  update wallet set debt = x.debt from unnest($1::uuid[], $2::text[], $3::int8[]) x(player_id, currency, debt)
  where wallet.player_id = x.player_id and wallet.currency = x.currency returning 1)
select 1 / (case when count(*) = $4::int then 1 else 0 end) from w`);

/** W2 new keys; the primary key is the last line against a second effect. Those of a second win, or with a debt, have columns more. */
const INSERT_KEYS = (wide: boolean) => `
insert into transaction_key (player_id, operator_id, account_id, operation, reference, outcome, digest_version, digest, transaction_id, currency,
  amount, wins, version, refusal, round, original, undone_by, face, award, balance_after${wide ? ', debt, undone_debt, last_win' : ''})
select p, o, a, op::operation, ref, outcome::key_outcome, 1, digest, id, currency, amount, wins, version, refusal, round, original, undone_by, face,
  award::award, balance_after${wide ? ', debt, undone_debt, last_win' : ''}
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::int8[], $11::int[],
  $12::int8[], $13::text[], $14::uuid[], $15::uuid[], $16::uuid[], $17::int8[], $18::text[], $19::int8[]${wide ? ', $20::int8[], $21::int8[], $22::uuid[]' : ''})
  x(p, o, a, op, ref, outcome, digest, id, currency, amount, wins, version, refusal, round, original, undone_by, face, award, balance_after
    ${wide ? ', debt, undone_debt, last_win' : ''})`;
const insertKeys = statement('insert_keys', INSERT_KEYS(false));
const insertWideKeys = statement('insert_wide_keys', INSERT_KEYS(true));

/** W3 known keys: how many wins name a bet and which is the newest, and what undid it. Counted as W1. */
const UPDATE_KEYS = (owing: boolean) => `
with w as (
  update transaction_key k set wins = x.wins, undone_by = x.undone_by, last_win = x.last_win${owing ? ', undone_debt = x.debt' : ''}
  from unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::int[], $7::uuid[], $8::uuid[]${owing ? ', $9::int8[]' : ''})
    x(p, a, ref, op, wins, undone_by, last_win${owing ? ', debt' : ''})
  where k.player_id = x.p and k.account_id = x.a and k.reference = x.ref and k.operation = x.op::operation returning 1)
select 1 / (case when count(*) = $1::int then 1 else 0 end) from w`;
const updateKeys = statement('update_keys', UPDATE_KEYS(false));
const updateOwingKeys = statement('update_owing_keys', UPDATE_KEYS(true));

/** W3b the refused bets that were judged again: all that a key says, but whose it is. Counted as W1. */
const replaceKeys = statement('replace_keys', `
with w as (
  update transaction_key k set outcome = x.outcome::key_outcome, transaction_id = x.id, amount = x.amount, wins = x.wins, version = x.version,
    refusal = x.refusal, round = x.round, undone_by = x.undone_by, face = x.face, balance_after = x.balance_after, last_win = x.last_win, undone_debt = x.undone_debt
  from unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::text[], $11::int8[], $12::int[],
    $13::int8[], $14::text[], $15::uuid[], $16::uuid[], $17::uuid[], $18::int8[], $19::text[], $20::int8[], $21::int8[], $22::int8[], $23::uuid[])
    x(p, o, a, op, ref, outcome, digest, id, currency, amount, wins, version, refusal, round, original, undone_by, face, award, balance_after, debt, undone_debt, last_win)
  where k.player_id = x.p and k.account_id = x.a and k.reference = x.ref and k.operation = x.op::operation and k.outcome = 'refused' returning 1)
select 1 / (case when count(*) = $1::int then 1 else 0 end) from w`);

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

/** W5 the ledger. Rows with a debt have a column more. */
const INSERT_ENTRIES = (owing: boolean) => `
insert into transaction (player_id, operator_id, account_id, currency, version, at, transaction_id, kind, house, amount, balance_after, closes_round,
  lane, batch, reference, round, game_id, undoes, bet, face, campaign, award${owing ? ', debt' : ''})
select p, o, a, currency, version, at, id, kind::transaction_kind, house, amount, balance, closes, $21::int, $22::int, reference, round, game, undoes,
  bet, face, campaign, award::award${owing ? ', debt' : ''}
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::int8[], $6::timestamptz[], $7::uuid[], $8::text[], $9::int2[], $10::int8[],
  $11::int8[], $12::bool[], $13::text[], $14::text[], $15::text[], $16::uuid[], $17::text[], $18::int8[], $19::text[], $20::text[]${owing ? ', $23::int8[]' : ''})
  x(p, o, a, currency, version, at, id, kind, house, amount, balance, closes, reference, round, game, undoes, bet, face, campaign, award${owing ? ', debt' : ''})`;
const insertEntries = statement('insert_entries', INSERT_ENTRIES(false));
const insertOwingEntries = statement('insert_owing_entries', INSERT_ENTRIES(true));

/** W6 what moved nothing. */
const insertVerdicts = statement('insert_verdicts', `
insert into verdict (player_id, operator_id, account_id, at, operation, code, currency, reference, amount, round, lane, batch)
select p, o, a, at, operation, code, currency, reference, amount, round, $11::int, $12::int
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int8[], $10::text[])
  x(p, o, a, at, operation, code, currency, reference, amount, round)`);

/** W6b tokens whose successor was used; authenticating may have done it meanwhile. args: hashes, operators */
const supersedeSessions = statement('supersede_sessions', `
update session s set state = 'superseded' from unnest($1::bytea[], $2::uuid[]) x(token_hash, operator_id)
where s.token_hash = x.token_hash and s.operator_id = x.operator_id and s.state = 'active'`);

/** W6c at most once a minute each. args: hashes, operators */
const slideSessions = statement('slide_sessions', `
update session s set expires_at = greatest(s.expires_at, clock_timestamp() + s.slide_s * interval '1 second')
from unnest($1::bytea[], $2::uuid[]) x(token_hash, operator_id)
where s.token_hash = x.token_hash and s.operator_id = x.operator_id and s.state = 'active' and s.slide_s is not null`);

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

/** Flush 1. Leaves the transaction open. `waiting`: for one player, up to `lock_timeout`, where it fails with 55P03. */
export async function load(client: pg.Client, calls: readonly Call[], waiting: boolean): Promise<Loaded> {
  const owners = ownersOf(calls);
  const who = [uuids(owners, (call) => call.player), uuids(owners, (call) => call.account.operatorId)];
  const { keys, rounds, sessions } = probesOf(calls);
  const probed = [...probe(readKeys, keys), ...probe(readRounds, rounds), ...(sessions.length > 0 ? [readSessions(tokensOf(sessions))] : [])];
  const [, locked, counted, ...found] = await run(client, [begin(), (waiting ? lockWaiting : lock)(who), countWallets(who), ...probed]);
  const [count, now] = counted[0] as [string, string];
  const there = Number(count) === locked.length ? undefined : (await run(client, [nameWallets(who)]))[0];
  const loaded = statesOf(owners, locked, Number(now), there);
  keep(loaded.states, probed, found);
  const cancelled = roundsToCancel(calls, stateIn(loaded));
  if (cancelled.length > 0) await look(client, loaded, probe(readBetsOfRounds, cancelled));
  for (let more = followUps(calls, stateIn(loaded)); more.keys.length + more.rounds.length > 0; more = followUps(calls, stateIn(loaded))) {
    const rows = await look(client, loaded, [...probe(readKeys, more.keys), ...probe(readRounds, more.rounds)]);
    if (rows.every((each) => each.length === 0)) throw new MissingRow('a key leads to a row that is not there');
  }
  const claims = claimsOf(calls, stateIn(loaded));
  return claims.length === 0 ? loaded : { ...loaded, states: await claimed(client, loaded.states, claims) };
}

async function look(client: pg.Client, loaded: Loaded, steps: readonly Step[]) {
  const rows = await run(client, steps);
  keep(loaded.states, steps, rows);
  return rows;
}

/** The states, each with who holds the references that were claimed. */
async function claimed(client: pg.Client, states: Loaded['states'], claims: readonly Claim[]): Promise<Loaded['states']> {
  const [accounts, references] = [int4s(claims, (c) => c.account), uuids(claims, (c) => c.key)];
  const operators = uuids(claims, (c) => c.operator);
  const [, rows] = await run(client, [
    claimReferences([accounts, references, uuids(claims, (c) => c.player), operators, texts(claims, (c) => c.operation)]),
    readHolders([accounts, references, operators]),
  ]);
  const holders = new Map(rows.map(([account, reference, player, operation]): [string, Holder] =>
    [claimOf(Number(account), reference.replaceAll('-', '')), { player, operation }]));
  return new Map([...states].map(([player, state]) => [player, { ...state, holders }]));
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

function probe(read: typeof readKeys, probes: readonly Probe[]): Step[] {
  if (probes.length === 0) return [];
  return [read([uuids(probes, (p) => p.player), int4s(probes, (p) => p.account), uuids(probes, (p) => p.key)])];
}

const tokensOf = (sessions: readonly SessionProbe[]) => [byteas(sessions, (s) => Buffer.from(s.hash, 'hex')), uuids(sessions, (s) => s.operator)];

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

function stepsOf(changes: Changes, lane: number, batch: number): Step[] {
  const { wallets, rounds, verdicts, superseded, slid } = changes;
  const sent: Step[] = [];
  if (wallets.length > 0) {
    sent.push(writeWallets([
      tids(wallets, (w) => w.ctid), uuids(wallets, (w) => w.player), texts(wallets, (w) => w.currency), int8s(wallets, (w) => w.balance),
      longs(wallets, (w) => w.version), times(wallets, (w) => w.at), longs(wallets, (w) => w.loadedVersion), wallets.length,
    ]));
  }
  const owing = wallets.filter((wallet) => wallet.debt !== wallet.loadedDebt);
  if (owing.length > 0) {
    sent.push(writeDebts([uuids(owing, (w) => w.player), texts(owing, (w) => w.currency), int8s(owing, (w) => w.debt), owing.length]));
  }
  keySteps(changes.keys, sent);
  const newRounds = rounds.filter((row) => row.stored === 'no');
  if (newRounds.length > 0) sent.push(insertRounds([uuids(newRounds, (r) => r.operator), texts(newRounds, (r) => r.currency), ...roundColumns(newRounds)]));
  const knownRounds = rounds.filter((row) => row.stored === 'changed');
  if (knownRounds.length > 0) sent.push(updateRounds([...roundColumns(knownRounds), knownRounds.length]));
  const entries = apart(changes.entries, (entry) => entry.debt !== undefined);
  if (entries.no.length > 0) sent.push(insertEntries([...entryColumns(entries.no), lane, batch]));
  if (entries.yes.length > 0) sent.push(insertOwingEntries([...entryColumns(entries.yes), lane, batch, int8s(entries.yes, (e) => e.debt)]));
  if (verdicts.length > 0) sent.push(insertVerdicts([...verdictColumns(verdicts), lane, batch]));
  if (superseded.length > 0) sent.push(supersedeSessions(tokensOf(superseded)));
  if (slid.length > 0) sent.push(slideSessions(tokensOf(slid)));
  return sent;
}

function apart<Row>(rows: readonly Row[], test: (row: Row) => boolean): { no: readonly Row[]; yes: readonly Row[] } {
  return rows.some(test) ? { no: rows.filter((row) => !test(row)), yes: rows.filter(test) } : { no: rows, yes: [] };
}

function keySteps(keys: readonly KeyRow[], sent: Step[]): void {
  const added = apart(keys.filter((row) => row.stored === 'no'), (row) => row.debt !== undefined || row.lastWin !== undefined || row.undoneDebt !== undefined);
  if (added.no.length > 0) sent.push(insertKeys(keyColumns(added.no)));
  if (added.yes.length > 0) sent.push(insertWideKeys(wideKeyColumns(added.yes)));
  const known = apart(keys.filter((row) => row.stored === 'changed'), (row) => row.undoneDebt !== undefined);
  if (known.no.length > 0) sent.push(updateKeys([known.no.length, ...changedKeyColumns(known.no)]));
  if (known.yes.length > 0) sent.push(updateOwingKeys([known.yes.length, ...changedKeyColumns(known.yes), int8s(known.yes, (k) => k.undoneDebt)]));
  const replaced = keys.filter((row) => row.stored === 'replaced');
  if (replaced.length > 0) sent.push(replaceKeys([replaced.length, ...wideKeyColumns(replaced)]));
}
