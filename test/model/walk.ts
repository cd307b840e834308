/** Takes one sequence through the running system and through the model, command by command. */
import { add, type Book } from './book.ts';
import type { CallStep, Sequence, Step } from './commands.ts';
import { compare, isSame, type Bound } from './compare.ts';
import type { Ground, Seat } from './ground.ts';
import { answer } from './model.ts';
import { callOf, resolve } from './spoken.ts';
import { expectedStored, storedOf } from './stored.ts';

export interface Walker {
  readonly seat: Seat;
  /** the step at this place in both; throws where they disagree */
  take(step: Step, place: number): Promise<void>;
  /** compares the tables */
  finish(): Promise<void>;
}

export async function happen(ground: Ground, seat: Seat, book: Book, step: Exclude<Step, { do: 'call' | 'again' }>): Promise<Book> {
  const { player } = book.facts;
  if (step.do === 'stop') {
    await ground.pool.query('update wallet set stop = $3 where player_id = $1 and currency = $2', [player, step.currency, step.on ? 'blocked' : 'none']);
    return add(book, { what: 'stop', currency: step.currency, on: step.on });
  }
  const token = seat.tokens[step.session] as string;
  await ground.pool.query(`update session set state = 'expired' where player_id = $1 and token_hash = sha256($2::bytea)`, [player, token]);
  return add(book, { what: 'session over', token });
}

export async function walkerOf(ground: Ground, accounts: Sequence['accounts']): Promise<Walker> {
  const seat = await ground.seat(accounts);
  const sent: CallStep[] = [];
  const told: string[] = [];
  let { book } = seat;
  let bound: Bound = new Map();
  const fail = (what: string): never => {
    throw new Error([`accounts ${accounts.map((account) => JSON.stringify(seat.book.facts.policies[account])).join(' and ')}`, ...told, what].join('\n'));
  };
  return {
    seat,
    async take(step, place) {
      const real = resolve(step, place, sent, book, seat);
      if (!real) return;
      if (real.do !== 'call') {
        told.push(JSON.stringify(real));
        book = await happen(ground, seat, book, real);
        return;
      }
      sent.push(real);
      const call = callOf(seat, real);
      const reply = await ground.send(call);
      const opinion = answer(book, call);
      const outcome = compare(opinion.expected, reply, bound);
      told.push(`${real.account} ${real.operation} ${JSON.stringify(real.body)} -> ${reply.status} ${JSON.stringify(reply.body)}`);
      if ('wrong' in outcome) return fail(outcome.wrong);
      const b = opinion.expected.body as any;
      const k = `${real.operation} ${b.code ?? (b.status ? b.status + '/' + b.outcome : b.state ?? 'ok')}`;
      const t = ((globalThis as any).tally ??= new Map());
      t.set(k, (t.get(k) ?? 0) + 1);
      ({ book } = opinion);
      ({ bound } = outcome);
    },
    async finish() {
      const [stored, expected] = [await storedOf(ground.pool, book.facts.player), expectedStored(book, bound, ground.accountIds)];
      for (const table of ['wallets', 'ledger', 'rounds', 'keys'] as const) {
        if (!isSame(stored[table], expected[table])) fail(`${table} expected ${JSON.stringify(expected[table], null, 1)}\nstored ${JSON.stringify(stored[table], null, 1)}`);
      }
    },
  };
}

export async function walk(ground: Ground, sequence: Sequence): Promise<void> {
  const walker = await walkerOf(ground, sequence.accounts);
  for (const [place, step] of sequence.steps.entries()) if (step) await walker.take(step, place);
  await walker.finish();
}
