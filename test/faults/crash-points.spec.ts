import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import type { Reply } from '../support/provider.ts';
import type { StopPoint } from '../support/proxy.ts';
import { createWorld, type World, type WorldPlayer } from '../support/world.ts';
import { OF_OPERATORS, OF_PROVIDERS, type Kind } from './commands.ts';
import { Line, operatorsDoor, providersDoor, type Door, type Served } from './doors.ts';
import { verified } from './fleet.ts';

// Every command is run once to learn how many round trips to the database it takes. Then its process is killed at each of them, before
// the database has seen it and after it has done it, and once behind the answer; a fresh process is asked the same again, and all must
// be as if nothing had happened. FAULT_POINTS=few: of the commonest commands only, as `npm test` does; some: and of every third of the others, as `.ci/run`.

const COMMON = ['bet', 'win naming its bet', 'rollback of a bet', 'rollback of the unknown', 'play', 'deposit'];
const POINTS = process.env['FAULT_POINTS'];
const THIRD = Number(process.env['FAULT_SEED'] ?? randomInt(2 ** 31 - 1)) % 3;
const chosen = (kinds: readonly Kind[]): Kind[] =>
  kinds.filter(({ name }, i) => COMMON.includes(name) || (POINTS === 'some' ? i % 3 === THIRD : POINTS !== 'few'));

/** Points at a moment, each with a process that dies and one that starts. */
const AT_ONCE = 2;
const POINTS_A_KIND = 40;
/** An answer that leaves too early shall have the time to arrive. */
const EARLY_ANSWER_MS = 15;
const DEFINITE_WITHIN_MS = 10_000;

type Point = Pick<StopPoint, 'roundTrip' | 'side'> | 'answered';

/** What the database has of a player, without ids and times. */
type Picture = Readonly<Record<'wallet' | 'ledger' | 'keys' | 'rounds' | 'verdicts', unknown>>;

interface Learnt {
  readonly roundTrips: number;
  readonly first: unknown;
  readonly again: unknown;
  readonly before: Picture;
  readonly after: Picture;
}

/** What became of one point: how the database stood when the process was dead (a question changes nothing), and how often the fresh one was asked. */
interface Outcome {
  readonly point: Point;
  readonly stood: 'undone' | 'done' | 'as before';
  readonly asked: number;
}

let database: TestDatabase;
let world: World;
let seated = 0;
const outcomes = new Map<Kind, { readonly roundTrips: number; readonly of: readonly Outcome[] }>();

const said = ({ body }: Reply): string =>
  body.receipts?.map((receipt: { status: string }) => receipt.status).join(' ') ?? body.code ?? body.status ?? body.state;

const OF_ONE_CALL = ['requestId', 'transactionId', 'processedAt'];

/** An answer without what differs from player to player and from call to call. */
function told({ status, body }: Reply, { id }: WorldPlayer): unknown {
  const text = JSON.stringify({ status, ...body }, (name, value: unknown) => (OF_ONE_CALL.includes(name) ? undefined : value));
  return JSON.parse(text.replaceAll(id, ''));
}

const idsIn = ({ body }: Reply): string[] => [body, ...(body.receipts ?? [])].flatMap(({ transactionId }) => transactionId ?? []);

/** Version 1 is the opening deposit. A reference of the cashier's holds the player's id, and its fingerprint says nothing. */
const PICTURE = `select
  (select json_agg(json_build_array(currency, balance, version, stop)) from wallet where player_id = $1::uuid) as wallet,
  (select json_agg(json_build_array(version, kind, house, amount, balance_after, closes_round, replace(reference, $1::text, ''), round, game_id,
    bet, face, campaign, award,
    (select version from transaction original where original.player_id = $1 and original.transaction_id = entry.undoes)) order by version)
    from transaction entry where player_id = $1 and version > 1) as ledger,
  (select json_agg(json_build_array(operation, nullif(reference, case operation when 'cashier' then reference end), outcome, refusal, amount, wins,
    version, face, award, undone_by is not null) order by operation, reference)
    from transaction_key where player_id = $1 and version is distinct from 1) as keys,
  (select json_agg(json_build_array(round, state, staked, won, bets, undone, named, last_bet_version, settlements) order by round)
    from round where player_id = $1) as rounds,
  (select json_agg(distinct concat_ws(' ', operation, code, replace(reference, $1::text, ''), amount, round))
    from verdict where player_id = $1) as verdicts`;

async function pictureOf({ id }: WorldPlayer): Promise<Picture> {
  const [picture] = await asSuperuser<Picture>(database.url('superuser'), PICTURE, [id]);
  return picture as Picture;
}

const isSame = (one: Picture, other: Picture): boolean => JSON.stringify(one) === JSON.stringify(other);

async function keptIds({ id }: WorldPlayer): Promise<string[]> {
  const rows = await asSuperuser<{ id: string }>(database.url('superuser'), `select transaction_id as id from transaction where player_id = $1
    union select transaction_id from transaction_key where player_id = $1 order by 1`, [id]);
  return rows.map((row) => row.id);
}

/** The wallet, how many rows and how many keys: what a hand can count. */
function summed({ wallet, ledger, keys }: Picture): string {
  const [[, balance, version]] = wallet as [[string, number, number]];
  const count = (list: unknown, what: string) => {
    const { length } = (list ?? []) as unknown[];
    return `${length} ${what}${length === 1 ? '' : 's'}`;
  };
  return `${(balance / 1e6).toFixed(2)} v${version}, ${count(ledger, 'row')}, ${count(keys, 'key')}`;
}

/** A player who has done what comes before. */
async function seat({ before }: Kind, served: Served): Promise<WorldPlayer> {
  const player = world.players[seated++];
  if (!player) throw new Error('the world has no more players: ask for more');
  for (const call of before) expect((await served.ask(player, call)).status).toBeLessThan(500);
  return player;
}

async function learn(kind: Kind, { connections }: Door, served: Served): Promise<Learnt> {
  const player = await seat(kind, served);
  const before = await pictureOf(player);
  const behind = served.proxy.roundTrips(connections);
  const first = await served.ask(player, kind.call);
  const roundTrips = served.proxy.roundTrips(connections) - behind;
  const after = await pictureOf(player);
  const again = await served.ask(player, kind.call);
  expect([said(first), said(again), summed(after)]).toEqual([kind.says, kind.again, kind.leaves]);
  expect(await pictureOf(player)).toEqual(after);
  return { roundTrips, first: told(first, player), again: told(again, player), before, after };
}

/** Brings the command to that point and kills its process there; what it had answered by then. */
async function die(kind: Kind, point: Point, player: WorldPlayer, victim: Served, connection: RegExp): Promise<Reply | undefined> {
  const reached = point === 'answered' ? undefined : victim.proxy.stopAt({ connection, ...point });
  const answer = victim.ask(player, kind.call).catch(() => undefined);
  const first = await Promise.race([answer, ...(reached ? [reached.then(() => 'reached' as const)] : [])]);
  if (reached && first !== 'reached') throw new Error(`answered ${first && said(first)}, and has not come to that point`);
  if (reached) await pause(EARLY_ANSWER_MS);
  await victim.end('SIGKILL');
  return answer;
}

/** What a caller does: the same again until the answer is definite. */
async function untilDefinite(kind: Kind, player: WorldPlayer, served: Served): Promise<{ reply: Reply; asked: number }> {
  const deadline = performance.now() + DEFINITE_WITHIN_MS;
  for (let asked = 1; ; asked++) {
    const reply = await served.ask(player, kind.call);
    if (reply.status !== 503) return { reply, asked };
    if (performance.now() > deadline) throw new Error(`no definite answer after ${asked} attempts, but ${said(reply)}`);
  }
}

function killAt(kind: Kind, point: Point, learnt: Learnt, line: Line): Promise<Outcome> {
  return line.at(async (victim, successor) => {
    const player = await seat(kind, victim);
    const early = await die(kind, point, player, victim, line.door.connections);
    const left = await pictureOf(player);
    const ids = await keptIds(player);
    const stood = isSame(learnt.before, learnt.after) ? 'as before' : isSame(left, learnt.after) ? 'done' : 'undone';
    // All of it or nothing: never a part, and nothing was said of what is not there.
    expect(left).toEqual(stood === 'undone' ? learnt.before : learnt.after);
    expect(early && told(early, player)).toEqual(point === 'answered' ? learnt.first : undefined);
    if (point === 'answered' || (point.roundTrip === learnt.roundTrips && point.side === 'after')) expect(stood).not.toBe('undone');

    const { reply, asked } = await untilDefinite(kind, player, await successor);
    expect(told(reply, player)).toEqual(stood === 'undone' ? learnt.first : learnt.again);
    expect(await pictureOf(player)).toEqual(learnt.after);
    const now = await keptIds(player);
    if (stood !== 'undone') expect(now).toEqual(ids);
    if (early) expect(idsIn(reply)).toEqual(idsIn(early));
    expect(now).toEqual(expect.arrayContaining(idsIn(reply)));
    return { point, stood, asked };
  });
}

function pointsOf(roundTrips: number): Point[] {
  const each = Array.from({ length: roundTrips }, (_, i) => i + 1);
  return [...each.flatMap((roundTrip) => (['before', 'after'] as const).map((side) => ({ roundTrip, side }))), 'answered'];
}

async function killEverywhere(kind: Kind, lines: readonly Line[]): Promise<void> {
  const [line] = lines as [Line];
  const learnt = await learn(kind, line.door, await line.standing);
  // One that reads under the lock, and one that writes and commits.
  expect(learnt.roundTrips).toBeGreaterThanOrEqual(2);
  const left = pointsOf(learnt.roundTrips);
  const of: Outcome[] = [];
  outcomes.set(kind, { roundTrips: learnt.roundTrips, of });
  const ends = await Promise.allSettled(lines.map(async (its) => {
    for (let point = left.shift(); point; point = left.shift()) {
      const where = JSON.stringify(point);
      await killAt(kind, point, learnt, its).then((outcome) => of.push(outcome), (error: unknown) => {
        left.length = 0;
        throw new Error(`killed at ${where}: ${(error as Error).message}`, { cause: error });
      });
    }
  }));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  expect(of).toHaveLength(pointsOf(learnt.roundTrips).length);
}

function table(): string {
  const row = (name: string, ...cells: (string | number)[]) => `${name.padEnd(46)}${cells.map((cell) => String(cell).padStart(14)).join('')}`;
  const lines = [...outcomes].map(([{ name }, { roundTrips, of }]) => {
    const stood = (how: Outcome['stood']) => of.filter((outcome) => outcome.stood === how).length;
    const asked = of.reduce((sum, outcome) => sum + outcome.asked, 0);
    return { name, cells: [roundTrips, of.length, stood('undone'), stood('done'), stood('as before'), asked] };
  });
  const totals = lines.reduce((sums, { cells }) => sums.map((sum, i) => sum + (cells[i] ?? 0)), [0, 0, 0, 0, 0, 0]);
  return [
    row('killed in the middle of', 'round trips', 'points', 'found undone', 'found done', 'a question', 'asked again'),
    ...lines.map(({ name, cells }) => row(name, ...cells)),
    row(`${lines.length} commands`, ...totals),
  ].join('\n');
}

beforeAll(async () => {
  database = await freshDatabase();
  world = await createWorld(database, { players: { EUR: (OF_PROVIDERS.length + OF_OPERATORS.length) * POINTS_A_KIND } });
});
afterAll(() => void process.stdout.write(`crash points${POINTS === 'some' ? ` (FAULT_SEED=${THIRD})` : ''}\n${table()}\n`));

describe.each([
  ['a provider', chosen(OF_PROVIDERS), () => providersDoor(database, world)],
  ['an operator', chosen(OF_OPERATORS), () => operatorsDoor(database, world)],
] as const)('a process killed at each round trip of what %s asks, and a fresh one asked the same: as if nothing had happened', (_, kinds, door) => {
  let lines: readonly Line[] = [];

  beforeAll(async () => {
    const opened = await door();
    lines = Array.from({ length: AT_ONCE }, () => new Line(opened));
    await Promise.all(lines.map(({ standing }) => standing));
  }, 60_000);
  afterAll(() => Promise.all(lines.map((line) => line.end())));

  it.each(kinds.map((kind) => [kind.name, kind] as const))('%s', (__, kind) => killEverywhere(kind, lines), 180_000);
});

it('leaves a ledger that verifies', async () => {
  expect(await verified(database)).toMatch(/All \d+ invariants hold/);
}, 60_000);
