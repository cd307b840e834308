/**
 * Remembers what was asked and every definite answer, outside of all that is killed, and then says what the database has lost of it,
 * done twice, or done without having said so.
 */
import { createHash } from 'node:crypto';
import { asSuperuser, type TestDatabase } from '../support/cluster.ts';
import type { Reply } from '../support/provider.ts';
import type { WorldPlayer } from '../support/world.ts';
import type { Command } from './traffic.ts';

interface Asked {
  readonly command: Command;
  /** the newest definite answer: done, or refused */
  answer?: Reply;
}

interface Receipt {
  readonly transactionId: string;
  readonly reference: string;
  readonly type: 'bet' | 'win' | 'rollback';
  readonly outcome: 'applied' | 'tombstoned' | 'ignored';
  readonly amount: string;
}

export interface Part {
  readonly operation: 'bet' | 'win' | 'rollback';
  readonly reference: string;
}

/** Refusals of a bet that its key does not remember. */
const NOT_REMEMBERED = ['ROLLED_BACK', 'TRANSACTION_CONFLICT', 'PLAYER_NOT_FOUND'];

/** Everything of a command that has a reference of its own. */
export function partsOf({ operation, fields }: Command): Part[] {
  if (operation === 'close-round') return [];
  if (operation !== 'play') return [{ operation, reference: fields['transactionId'] as string }];
  const actions = fields['actions'] as { type: 'bet' | 'win'; transactionId: string }[];
  return actions.map(({ type, transactionId }) => ({ operation: type, reference: transactionId }));
}

function receiptsOf({ status, body }: Reply): Receipt[] {
  if (status !== 200) return [];
  return body.receipts ?? (body.reference === undefined ? [] : [body]);
}

function nameOf(command: Command): string {
  const references = partsOf(command).map(({ reference }) => reference).join();
  return `${command.player.id} ${command.operation} ${references || String(command.fields['roundId'])}`;
}

export class Witness {
  private readonly asked = new Map<string, Asked>();
  /** of answers that were neither: status and code, how often */
  readonly undecided = new Map<string, number>();

  /** Says whether the answer was definite. */
  async ask(command: Command, send: (command: Command) => Promise<Reply>): Promise<boolean> {
    const name = nameOf(command);
    const asked = this.asked.get(name) ?? { command };
    this.asked.set(name, asked);
    const reply = await send(command).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
    if (typeof reply !== 'string' && [200, 404, 409, 422].includes(reply.status)) {
      // A refusal that raced the call's own success says nothing new.
      if (asked.answer?.status !== 200) asked.answer = reply;
      return true;
    }
    const kind = typeof reply === 'string' ? reply : `${reply.status} ${reply.body.code}`;
    this.undecided.set(kind, (this.undecided.get(kind) ?? 0) + 1);
    // Sent twice, refused once and lost once: what was refused for now may have been done since, and is asked for again.
    if (asked.answer?.body.retryable === true) asked.answer = undefined;
    return false;
  }

  get acknowledged(): number {
    return [...this.asked.values()].filter(({ answer }) => answer !== undefined).length;
  }

  /** Everything that has no definite answer yet. */
  get open(): Command[] {
    return [...this.asked.values()].filter(({ answer }) => answer === undefined).map(({ command }) => command);
  }

  forget(command: Command): void {
    const asked = this.asked.get(nameOf(command));
    if (asked) asked.answer = undefined;
  }

  /** Commands whose answer the database does not bear out, each with a sentence: I10 and I11. */
  async broken(database: TestDatabase): Promise<{ command: Command; what: string }[]> {
    const stored = await read(database);
    const broken: { command: Command; what: string }[] = [];
    for (const { command, answer } of this.asked.values()) {
      if (!answer) continue;
      const what = answer.status === 200 ? notDone(command, answer, stored) : notAbsent(command, answer, stored);
      if (what) broken.push({ command, what: `${nameOf(command)}: ${what}` });
    }
    return broken;
  }

  /** Players whose balance is not their opening balance and all that was acknowledged, each movement once. */
  async wrongBalances(database: TestDatabase, opening: bigint): Promise<string[]> {
    const moved = new Map<string, bigint>();
    const counted = new Set<string>();
    for (const { command, answer } of this.asked.values()) {
      for (const { transactionId, type, outcome, amount } of answer ? receiptsOf(answer) : []) {
        if (outcome !== 'applied' || counted.has(transactionId)) continue;
        counted.add(transactionId);
        const undoesWin = type === 'rollback' && /-[wj]\d+$/.test(command.fields['originalTransactionId'] as string);
        const sign = type === 'bet' || undoesWin ? -1n : 1n;
        moved.set(command.player.id, (moved.get(command.player.id) ?? 0n) + sign * BigInt(amount.replace('.', '')) * 10_000n);
      }
    }
    const balances = 'select player_id as player, balance from wallet';
    const wallets = await asSuperuser<{ player: string; balance: string }>(database.url('superuser'), balances);
    const expected = (player: string) => opening + (moved.get(player) ?? 0n);
    return wallets.filter(({ player, balance }) => moved.has(player) && BigInt(balance) !== expected(player))
      .map(({ player, balance }) => `${player} has ${balance}, acknowledged were ${expected(player)}`);
  }
}

interface Stored {
  /** player, operation, fingerprint of the reference → transaction id, outcome or refusal */
  readonly keys: ReadonlyMap<string, { readonly id: string; readonly became: string }>;
  /** transaction id → how many rows */
  readonly rows: ReadonlyMap<string, number>;
  /** player, operation, reference of each row */
  readonly references: ReadonlySet<string>;
  /** player, round */
  readonly closed: ReadonlySet<string>;
}

export const keyOf = (player: WorldPlayer, { operation, reference }: Part): string =>
  `${player.id} ${operation} ${createHash('sha256').update(reference).digest('hex').slice(0, 32)}`;

async function read(database: TestDatabase): Promise<Stored> {
  const url = database.url('superuser');
  const keys = await asSuperuser<{ name: string; id: string; became: string }>(url, `select format('%s %s %s', player_id, operation,
    replace(reference::text, '-', '')) as name, transaction_id as id, coalesce(refusal, outcome::text) as became from transaction_key`);
  const rows = await asSuperuser<{ id: string; name: string; closes: string | null }>(url, `select transaction_id as id,
    format('%s %s %s', player_id, case kind when 'promo_win' then 'win' else kind::text end, reference) as name,
    case when closes_round then format('%s %s', player_id, round) end as closes from transaction`);
  const counts = new Map<string, number>();
  for (const { id } of rows) counts.set(id, (counts.get(id) ?? 0) + 1);
  return {
    keys: new Map(keys.map(({ name, id, became }) => [name, { id, became }])), rows: counts,
    references: new Set(rows.map(({ name }) => name)), closed: new Set(rows.map(({ closes }) => closes ?? '')),
  };
}

function notDone({ player, fields }: Command, answer: Reply, { keys, rows, closed }: Stored): string | undefined {
  if (answer.body.state === 'closed' && !closed.has(`${player.id} ${String(fields['roundId'])}`)) return 'the round is not closed';
  for (const { transactionId, reference, type, outcome } of receiptsOf(answer)) {
    const key = keys.get(keyOf(player, { operation: type, reference }));
    if (key?.id !== transactionId) return `its key ${key ? `stands for ${key.id}` : 'is not there'}, the answer was ${transactionId}`;
    const count = rows.get(transactionId) ?? 0;
    if (count !== (outcome === 'applied' ? 1 : 0)) return `${outcome}, and ${count} rows of the ledger`;
  }
  return undefined;
}

function notAbsent(command: Command, { body }: Reply, { keys, references }: Stored): string | undefined {
  for (const { operation, reference } of partsOf(command)) {
    const there = references.has(`${command.player.id} ${operation} ${reference}`);
    if (there) return `refused with ${body.code}, and the ledger has ${reference}`;
  }
  if (command.operation !== 'bet' || NOT_REMEMBERED.includes(body.code)) return undefined;
  const key = keys.get(keyOf(command.player, partsOf(command)[0] as Part));
  return key?.became === body.code ? undefined : `refused with ${body.code}, and its key ${key ? `says ${key.became}` : 'is not there'}`;
}
