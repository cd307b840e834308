/** Takes commands through the running system and through the model, and stops where they disagree. */
import type { Reply } from '../support/provider.ts';
import { claimsOf } from './ask.ts';
import { add, type Book, type Entry, type Facts } from './book.ts';
import type { CallStep, Sequence, Step } from './commands.ts';
import { compare, isSame, type Bound } from './compare.ts';
import type { Ground, Seat } from './ground.ts';
import { answer, type Call, type Expected } from './model.ts';
import { callOf, resolve, whoOf } from './spoken.ts';
import { expectedStored, storedOf, withoutFingerprints, type Stored } from './stored.ts';

/** what may have happened so far: one view, or several where an order among commands sent at once cannot be told from the answers */
interface View {
  /** one for each of the seat's players */
  readonly books: readonly Book[];
  readonly bounds: readonly Bound[];
}

/** a call and whose it is */
type Sent = Call & { readonly who: 0 | 1 };

type Happening = Exclude<Step, { do: 'call' | 'again' }>;

interface Walk {
  readonly ground: Ground;
  readonly seat: Seat;
  readonly sent: CallStep[];
  /** the transcript */
  readonly told: string[];
  views: readonly View[];
}

export interface Walker {
  /** these steps at once, the first of them at this place of its sequence */
  take(steps: readonly Step[], place: number): Promise<void>;
  /** compares the tables */
  finish(): Promise<void>;
}

export async function walkerOf(ground: Ground, accounts: Sequence['accounts']): Promise<Walker> {
  const seat = await ground.seat(accounts);
  const books = seat.places.flatMap((place) => (place ? [place.book] : []));
  const walk: Walk = { ground, seat, sent: [], told: [], views: [{ books, bounds: books.map(() => new Map()) }] };
  return { take: (steps, place) => take(walk, steps, place), finish: () => finish(walk) };
}

async function take(walk: Walk, steps: readonly Step[], place: number): Promise<void> {
  const calls: Sent[] = [];
  let { books } = walk.views[0] as View;
  for (const [i, step] of steps.entries()) {
    const real = resolve(step, place + i, { ...walk, books });
    if (real === undefined) continue;
    if (real.do !== 'call') {
      await happen(walk, real);
      continue;
    }
    walk.sent.push(real);
    const call = { ...callOf(walk.seat, real), who: whoOf(walk.seat, real) };
    calls.push(call);
    ({ books } = answerOf(books, call));
  }
  const replies = await Promise.all(calls.map((call) => walk.ground.send(call, call.who)));
  for (const [i, { operation, account, body, who }] of calls.entries()) {
    const what = `${who === 1 ? 'the neighbour: ' : ''}${operation} at account ${account} ${JSON.stringify(body)}`;
    walk.told.push(`${i > 0 ? 'and at once ' : ''}${what}\n  -> ${JSON.stringify(replies[i]?.body)}`);
  }
  const wrong: string[] = [];
  walk.views = walk.views.flatMap((view) => orders(calls.length).flatMap((order) => {
    const outcome = inOrder(walk, view, order.map((i) => [calls[i] as Sent, replies[i] as Reply]));
    if ('wrong' in outcome) wrong.push(`in the order ${order.join(' ')}: ${outcome.wrong}`);
    return 'wrong' in outcome ? [] : outcome;
  }));
  if (walk.views.length === 0) fail(walk, [...new Set(wrong)].join('\n'));
}

/** Two views, where a call may have claimed references together with those before it, and would not have claimed them behind those. */
function inOrder(walk: Walk, start: View, answered: readonly (readonly [Sent, Reply])[]): readonly View[] | { readonly wrong: string } {
  let views = [start];
  for (const [call, reply] of answered) {
    const wrong: string[] = [];
    views = views.flatMap((view) => {
      const behind = answerOf(view.books, call);
      const together = view === start ? behind : answerOf(view.books, call, start.books[call.who]?.entries.length);
      const entriesOf = ({ books }: Answer) => books[call.who]?.entries.length;
      return (entriesOf(behind) === entriesOf(together) ? [behind] : [behind, together]).flatMap(({ books, expected }) => {
        const outcome = compare(expected, reply, view.bounds[call.who] as Bound);
        if ('wrong' in outcome) {
          wrong.push(outcome.wrong);
          return [];
        }
        walk.ground.met(situation(call, expected));
        return [{ books, bounds: view.bounds.map((bound, who) => (who === call.who ? outcome.bound : bound)) }];
      });
    });
    if (views.length === 0) return { wrong: wrong.join('\nor ') };
  }
  return views;
}

interface Answer {
  readonly books: readonly Book[];
  readonly expected: Expected;
}

/** What the other player holds is known to whom it bars. */
function answerOf(books: readonly Book[], call: Sent, asOf?: number): Answer {
  const other = books[1 - call.who];
  const own = { ...books[call.who] as Book, asOf };
  const { book, expected } = answer(other ? { ...own, heldElsewhere: claimsOf(other) } : own, call);
  return { books: books.map((one, who) => (who === call.who ? book : one)), expected };
}

const orders = (count: number): number[][] =>
  (count === 0 ? [[]] : orders(count - 1).flatMap((order) => Array.from({ length: count }, (_, at) => order.toSpliced(at, 0, count - 1))));

function situation({ operation }: Call, { body }: Expected): string {
  const { status, state, code } = body as Record<string, string | undefined>;
  return `${operation} ${status ?? state ?? code ?? 'answered'}`;
}

/** What providers do not do: the operator stops the player, a session ends. */
async function happen(walk: Walk, step: Happening): Promise<void> {
  const { ground, seat } = walk;
  const { player } = (walk.views[0] as View).books[0]?.facts as Facts;
  walk.told.push(JSON.stringify(step));
  const note = (entry: Entry) => {
    walk.views = walk.views.map((view) => ({ ...view, books: view.books.map((book, who) => (who === 0 ? add(book, entry) : book)) }));
  };
  if (step.do === 'stop') {
    await ground.pool.query('update wallet set stop = $3 where player_id = $1 and currency = $2', [player, step.currency, step.to]);
    return note({ what: 'stop', currency: step.currency, on: step.to !== 'none' });
  }
  const token = seat.places[0].tokens[step.session] as string;
  await ground.pool.query(
    `update session set state = 'expired' where player_id = $1 and token_hash = sha256($2::bytea)`, [player, token]);
  return note({ what: 'session over', token });
}

async function finish(walk: Walk): Promise<void> {
  const players = (walk.views[0] as View).books.map(({ facts }) => facts.player);
  const stored = await Promise.all(players.map((player) => storedOf(walk.ground.pool, player)));
  const wrong = walk.views.map(({ books, bounds }) => books.map((book, who) => {
    const expected = expectedStored(book, bounds[who] as Bound, walk.ground.accountIds);
    const there = withoutFingerprints(stored[who] as Stored, expected);
    const tables = (Object.keys(expected) as (keyof typeof expected)[]).filter((table) => !isSame(there[table], expected[table]));
    return tables.map((table) => `${table} of ${who}: expected\n${lines(expected[table])}\nstored\n${lines(there[table])}`).join('\n');
  }).join(''));
  if (!wrong.includes('')) fail(walk, wrong.join('\nor '));
}

const lines = (rows: readonly unknown[]): string => rows.map((row) => `  ${JSON.stringify(row)}`).join('\n');

function fail({ seat, told }: Walk, wrong: string): never {
  const policies = [...new Set(seat.accounts)].map((account) => `account ${account} ${JSON.stringify(seat.places[0].book.facts.policies[account])}`);
  throw new Error([...policies, ...told, wrong].join('\n'));
}

export async function walk(ground: Ground, { accounts, steps }: Sequence): Promise<void> {
  const walker = await walkerOf(ground, accounts);
  for (const [place, step] of steps.entries()) if (step) await walker.take([step], place);
  await walker.finish();
}
