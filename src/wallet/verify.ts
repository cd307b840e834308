/**
 * Proves the invariants of money on a database, in one snapshot of it, so that they hold under load as well. It only reads, as a role that
 * sees all tenants (croupier_worker; the owner). One query an invariant, under `verify/`; the ledger never comes here, only what is wrong in it.
 *
 * What no query can see, because only the key holds it: a changed digest of a rollback or of a refused bet; a key that is gone of a
 * second rollback, or of a tombstone together with its rollback's.
 */
import type pg from 'pg';
import { connect } from '../../libs/postgres/index.ts';
import { BALANCES } from './verify/balances.ts';
import { TABLES, type Check, type Table } from './verify/check.ts';
import { KEYS } from './verify/keys.ts';
import { noHole } from './verify/lanes.ts';
import { ROLLBACKS } from './verify/rollbacks.ts';
import { ROUNDS } from './verify/rounds.ts';

const CHECKS: readonly Check[] = [
  BALANCES.conserved, BALANCES.summed, BALANCES.neverNegative, KEYS.keyed, KEYS.held, BALANCES.noGap, BALANCES.chained, ROLLBACKS.undoneOnce,
  ROUNDS.totals, ROUNDS.span, KEYS.refusedIsAbsent, KEYS.oneTenant, ROLLBACKS.undoneInFull, ROUNDS.state, BALANCES.owed, noHole,
];

/** Named of each invariant; the others are counted. */
const MOST_NAMED = 20;
const PROGRESS_MS = 10_000;
/** Every check goes through whole tables: rows are met by hash or in order, never one at a time. */
const SETTINGS = {
  default_transaction_read_only: 'on', statement_timeout: 0, transaction_timeout: 0, idle_in_transaction_session_timeout: 0,
  lock_timeout: '5s', work_mem: '64MB', jit: 'off', enable_nestloop: 'off',
};

export interface Violation {
  readonly player?: string;
  readonly currency?: string;
  readonly version?: number;
  readonly transactionId?: string;
  /** a sentence */
  readonly what: string;
}

export interface Finding {
  readonly invariant: string;
  readonly says: string;
  /** "1000 wallets, 20000 ledger rows" */
  readonly looked: string;
  readonly ms: number;
  /** of how many the first are in `violations` */
  readonly count: number;
  readonly violations: readonly Violation[];
}

export interface VerifyOptions {
  /** Told of each invariant as soon as it is checked. */
  readonly found?: (finding: Finding) => void;
  /** Told from time to time what takes long. */
  readonly progress?: (sentence: string) => void;
  /** Checked behind those of money: what is made of the ledger elsewhere. */
  readonly also?: readonly Check[];
}

/** Throws where the database cannot be read; what is wrong in it comes as findings. */
export async function verify(url: string, options: VerifyOptions = {}): Promise<Finding[]> {
  const client = await connect(url, { name: 'croupier verify', settings: SETTINGS, connectMs: 10_000 });
  try {
    await client.query('begin isolation level repeatable read read only');
    await mustSeeAllTenants(client);
    const findings = await verifyWith(client, options);
    await client.query('commit');
    return findings;
  } finally {
    await client.end();
  }
}

/** A role that is walled in to one tenant would find less than there is, or nothing, and call it well. */
async function mustSeeAllTenants(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ role: string; walled: boolean }>(`select current_user as role,
    exists (select 1 from pg_policies where tablename = 'wallet' and policyname = 'one_tenant' and current_user = any(roles)) as walled`);
  if (rows[0]?.walled) throw new Error(`${rows[0].role} sees one operator's rows only; verify needs croupier_worker`);
}

/** What a transaction sees that its caller began. */
export async function verifyWith(client: pg.ClientBase, { found, progress = () => undefined, also = [] }: VerifyOptions = {}): Promise<Finding[]> {
  const rows = await timed('counting rows', progress, () => countRows(client));
  const findings: Finding[] = [];
  for (const check of [...CHECKS, ...also]) {
    const finding = await timed(`${check.invariant}, ${check.says}`, progress, () => find(client, check, rows));
    findings.push(finding);
    found?.(finding);
  }
  return findings;
}

async function countRows(client: pg.ClientBase): Promise<Record<Table, string>> {
  const counts = Object.keys(TABLES).map((table) => `(select count(*) from ${table}) as ${table}`);
  const { rows } = await client.query<Record<Table, string>>(`select ${counts.join(', ')}`);
  return rows[0] as Record<Table, string>;
}

interface ViolationRow {
  readonly player_id: string | null;
  readonly currency: string | null;
  readonly version: string | null;
  readonly transaction_id: string | null;
  readonly what: string;
  readonly found: string;
}

async function find(client: pg.ClientBase, { invariant, says, over, query }: Check, counts: Record<Table, string>): Promise<Finding> {
  const startedAt = performance.now();
  const { rows } = await client.query<ViolationRow>(`
    select v.*, count(*) over () as found from (${query}) v
    order by player_id, currency, version, transaction_id, what limit ${MOST_NAMED}`);
  const violations = rows.map(({ player_id, currency, version, transaction_id, what }) => ({
    what, ...(player_id !== null && { player: player_id }), ...(currency !== null && { currency }),
    ...(version !== null && { version: Number(version) }), ...(transaction_id !== null && { transactionId: transaction_id }),
  }));
  const looked = over.map((table) => `${counts[table]} ${TABLES[table]}`).join(', ');
  return { invariant, says, looked, ms: performance.now() - startedAt, count: Number(rows[0]?.found ?? 0), violations };
}

async function timed<T>(what: string, progress: (sentence: string) => void, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const timer = setInterval(() => progress(`${what}: ${((performance.now() - startedAt) / 1000) | 0} s`), PROGRESS_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
