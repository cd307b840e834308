/** Where the model and the running system meet: an operator, its account for every policy there is, players with wallets in EUR and JPY. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { Provider, type Reply } from '../support/provider.ts';
import { serveHere } from '../support/server.ts';
import { brokenIn, createWorld, openFunded } from '../support/world.ts';
import type { Book, Facts, Policy } from './book.ts';
import { OTHER_SESSIONS, SESSIONS, type Sequence } from './commands.ts';
import type { Call } from './model.ts';

const CURRENCIES = {
  EUR: { exponent: 2, scale: 6, max: 10n ** 15n },
  JPY: { exponent: 0, scale: 6, max: 10n ** 17n },
  KWD: { exponent: 3, scale: 6, max: 10n ** 15n },
};
const OPENINGS = { EUR: 100_000_000n, JPY: 50_000_000n };
const GAMES = ['game-1', 'game-2'];
const CHUNK = 200;

/** the value that stands first is drawn as often as all others together */
const VALUES: { readonly [field in keyof Policy]: readonly Policy[field][] } = {
  duplicateAnswer: ['current', 'first', 'exists'], winNeeds: ['round', 'bet', 'nothing'], winsPerBet: ['many', 'one'],
  winAfterClose: ['accept', 'refuse'], rounds: ['kept', 'none'], idScope: ['operation', 'player', 'global'], roundScope: ['account', 'game'],
  winAfterRollback: ['refuse', 'accept'], rollbackAfterWin: ['refuse', 'reverse'], rollbackAfterClose: ['accept', 'refuse'],
  rollbackAmount: ['must-match', 'ignore'], spentWin: ['receivable', 'refuse'], refusedBet: ['final', 'judge-again'],
  tombstonedAction: ['refuse', 'skip'], freeRounds: ['either', 'per-round', 'total'],
};
const RECORDS = 96;

/** The native default, then records of drawn values, the same in every run. Without round rows each win must name its bet. */
export const POLICIES: readonly Policy[] = Array.from({ length: RECORDS }, (_, record) => {
  const drawn = Object.fromEntries(Object.entries(VALUES).map(([field, values]) => {
    const [lot] = createHash('sha256').update(`${record} ${field}`).digest();
    const isFirst = record === 0 || (lot as number) % 2 === 0 || (field === 'rounds' && (lot as number) % 8 !== 1);
    return [field, isFirst ? values[0] : values[1 + ((lot as number) >> 1) % (values.length - 1)]];
  })) as unknown as Policy;
  return { ...drawn, ...(drawn.rounds === 'none' ? { winNeeds: 'bet' } : {}) };
});

/** The numbers of those for which this holds. */
export const policiesWhere = (holds: (policy: Policy) => boolean): readonly number[] => [...POLICIES.keys()].filter((i) => holds(POLICIES[i] as Policy));
export const ALL = policiesWhere(() => true);

/** A new player: what the model knows of it, and its sessions' tokens. */
export interface Place {
  readonly book: Book;
  readonly tokens: Readonly<Record<string, string>>;
}

/** A new player at the place of a sequence, and a neighbour where ids reach across players; who its names are. */
export interface Seat {
  readonly places: readonly [Place, Place?];
  readonly accounts: readonly [number, number];
  readonly players: Readonly<Record<string, string>>;
  /** ends the references of this sequence where ids reach across players */
  readonly suffix: string;
}

export interface Ground {
  /** as superuser */
  readonly pool: pg.Pool;
  /** the database's number of each account that the model counts from 0 */
  readonly accountIds: readonly number[];
  seat(accounts: Sequence['accounts']): Promise<Seat>;
  /** through one of two instances of the service */
  send(call: Call, at?: 0 | 1): Promise<Reply>;
  /** what breaks an invariant, as `verify` tells it */
  wrong(): Promise<string[]>;
  /** notes that this kind of answer was seen */
  met(situation: string): void;
  readonly situations: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function openGround(): Promise<Ground> {
  const database = await freshDatabase();
  const policies = POLICIES.map((policy) => ({ ...policy, deadlineMs: 10_000 }));
  const world = await createWorld(database, { players: { EUR: 1 }, policies });
  const served = [await serveHere(database), await serveHere(database)] as const;
  const providers = served.map(({ baseUrl }) => world.accounts.map((account) => new Provider(baseUrl, account)));
  const pool = new pg.Pool({ connectionString: database.url('superuser'), max: 4 });
  const accountIds = world.accounts.map(({ accountId }) => accountId);
  const ids: Promise<string>[] = [];

  const nextPlayer = async (): Promise<string> => {
    if (ids.length === 0) {
      const opened = openPlayers(pool, database, world.operators[0] as string);
      ids.push(...Array.from({ length: CHUNK }, async (_, i) => (await opened)[i] as string));
    }
    return ids.pop() as Promise<string>;
  };
  const place = async (accounts: Sequence['accounts']): Promise<Place> => {
    const player = await nextPlayer();
    const names = Object.keys(SESSIONS) as (keyof typeof SESSIONS)[];
    const tokens = Object.fromEntries([...names, ...OTHER_SESSIONS].map((name) => [name, randomBytes(24).toString('base64url')]));
    tokens['of another player'] = world.players[0]?.sessionToken as string;
    const sessions = names.map((name) => {
      const [account, currency, over] = SESSIONS[name];
      return { name, token: tokens[name] as string, account: accounts[account], currency, over };
    });
    const facts: Facts = { player, currencies: CURRENCIES, openings: OPENINGS, policies: POLICIES, games: GAMES, sessions };
    await addSessions(pool, facts, sessions.map(({ name }) => name), accountIds, world.operators[0] as string);
    return { book: { facts, entries: [] }, tokens };
  };
  const seat = async (accounts: Sequence['accounts']): Promise<Seat> => {
    const first = await place(accounts);
    const { player } = first.book.facts;
    const players = { 'of another operator': world.strangers[0]?.id as string, nobody: randomUUID(), 'in capitals': player.toUpperCase() };
    const reachesAcross = accounts.some((account) => POLICIES[account]?.idScope === 'global');
    return { places: reachesAcross ? [first, await place(accounts)] : [first], accounts, players, suffix: ` of ${player}` };
  };
  const situations = new Map<string, number>();
  return {
    pool, accountIds, seat, situations,
    met: (situation) => void situations.set(situation, 1 + (situations.get(situation) ?? 0)),
    send: ({ account, operation, body }, at = 0) => (providers[at]?.[account] as Provider).call(operation, body),
    wrong: () => brokenIn(database),
    close: async () => {
      for (const provider of providers.flat()) provider.close();
      await pool.end();
      for (const { close } of served) await close();
    },
  };
}

/** Wallets at version 1, after their first deposit. */
async function openPlayers(pool: pg.Pool, database: TestDatabase, operatorId: string): Promise<readonly string[]> {
  const ids = Array.from({ length: CHUNK }, () => randomUUID());
  await pool.query(
    'insert into player (player_id, operator_id, external_id) select id, $2, id::text from unnest($1::uuid[]) id', [ids, operatorId]);
  for (const [currency, balance] of Object.entries(OPENINGS)) await openFunded(database, operatorId, ids.map((id) => ({ id, currency })), balance);
  return ids;
}

/** One session is past its time, one is ended by its state, the others are good for a day. */
async function addSessions(
  pool: pg.Pool, { player, sessions }: Facts, names: readonly string[], accountIds: readonly number[], operator: string,
): Promise<void> {
  const tokens = sessions.map(({ token }) => token);
  const accounts = sessions.map(({ account }) => accountIds[account]);
  await pool.query({
    name: 'add sessions',
    text: `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at, state)
      select $1, sha256(t::bytea), $2, a, c, now() + (case n when 'past' then '-1 second' else '1 day' end)::interval,
        (case n when 'ended' then 'closed' else 'active' end)::session_state
      from unnest($3::text[], $4::text[], $5::int[], $6::text[]) x(n, t, a, c)`,
    values: [player, operator, names, tokens, accounts, sessions.map(({ currency }) => currency)],
  });
}
