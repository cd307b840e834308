/**
 * Seats that the conformance kit has for itself, apart for each dialect, so that it may be run while studios play: some with money and a
 * session, others that may not bet any more and have a bet open from before.
 */
import { randomUUID, type Hmac } from 'node:crypto';
import type pg from 'pg';
import { formatAmount, parseAmount, type Currency } from '../../libs/money/index.ts';
import type { Stopped } from '../../src/conformance/case.ts';
import type { Seat } from '../../src/conformance/contract.ts';
import type { StoppedSeat } from '../../src/conformance/setting.ts';
import { isRefusal, type Account } from '../../src/wallet/contract.ts';
import type { Lanes } from '../../src/wallet/lane.ts';
import { stopPlayer } from '../../src/wallet/money.ts';
import { betOf } from '../../src/wallet/movements.ts';
import { startSessions } from './seed-dialects.ts';

/** As the kit's credentials have them. */
export type KitSeats = { readonly seats: readonly Seat[] } & Readonly<Record<Stopped, readonly StoppedSeat[]>>;

export interface KitPlayer {
  readonly externalId: string;
  readonly dialect: string;
  readonly currency: string;
  readonly stopped?: Stopped;
}

export interface KitGround {
  readonly operatorId: string;
  readonly currencies: ReadonlyMap<string, Currency>;
  /** by dialect */
  readonly accounts: ReadonlyMap<string, Account>;
  /** by external id */
  readonly ids: ReadonlyMap<string, string>;
  readonly derived: (what: string) => Hmac;
}

const PLAYING = { EUR: 24, JPY: 4, BTC: 4 };
/** A run of the kit uses two open bets of each; a start of the local run lays them anew. */
const STOPPED: Readonly<Record<Stopped, number>> = { blocked: 24, expired: 16, superseded: 16 };
const STAKE = '2';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1).padStart(2, '0'));

export const kitPlayers = (dialects: readonly string[]): KitPlayer[] => dialects.flatMap((dialect): KitPlayer[] => [
  ...Object.entries(PLAYING).flatMap(([currency, count]) => numbered(count).map((n) => ({ dialect, currency, externalId: `kit-${dialect}-${currency.toLowerCase()}-${n}` }))),
  ...(Object.entries(STOPPED) as [Stopped, number][])
    .flatMap(([stopped, count]) => numbered(count).map((n) => ({ dialect, stopped, currency: 'EUR', externalId: `kit-${dialect}-${stopped}-${n}` }))),
]);

/** Their wallets are there. Sessions all run, until `layBets` ends some. */
export async function startKitSessions(client: pg.Client, ground: KitGround, players: readonly KitPlayer[]): Promise<void> {
  for (const [dialect, { accountId, operatorId }] of ground.accounts) {
    const its = players.filter((player) => player.dialect === dialect).map((player) => ({ ...player, id: ground.ids.get(player.externalId) as string }));
    await startSessions(client, { operatorId, players: its }, accountId, (externalId) => tokenOf(ground, dialect, externalId));
  }
}

const tokenOf = ({ derived }: KitGround, dialect: string, externalId: string): string => derived(`kit session ${dialect} ${externalId}`).digest('base64url');

/** Lays a new bet for each who is to be stopped, and stops them. Answers all seats, by dialect. */
export async function layBets(client: pg.Client, lanes: Lanes, ground: KitGround, players: readonly KitPlayer[]): Promise<Map<string, KitSeats>> {
  const stopped = players.filter((player) => player.stopped !== undefined);
  const playerOf = ({ externalId }: KitPlayer): string => ground.ids.get(externalId) as string;
  await stop(client, ground, stopped, 'none');
  const open = new Map(await Promise.all(stopped.map(async (player) => [player.externalId, await lay(lanes, ground, player)] as const)));
  await stop(client, ground, stopped, 'blocked');
  await endSessions(client, stopped.map((player) => ({ ...player, id: playerOf(player) })));
  const { rows } = await client.query<{ player_id: string; balance: string }>('select player_id, balance from wallet where player_id = any($1)', [stopped.map(playerOf)]);
  const balances = new Map(rows.map((row) => [row.player_id, BigInt(row.balance)]));
  const seatOf = (player: KitPlayer): Seat => ({ player: playerOf(player), currency: player.currency, token: tokenOf(ground, player.dialect, player.externalId) });
  const stoppedOf = (dialect: string, how: Stopped): StoppedSeat[] => stopped.filter((player) => player.dialect === dialect && player.stopped === how).map((player) => ({
    ...seatOf(player), open: [open.get(player.externalId) as StoppedSeat['open'][number]],
    balance: formatAmount(balances.get(playerOf(player)) ?? 0n, ground.currencies.get(player.currency) as Currency),
  }));
  return new Map([...ground.accounts.keys()].map((dialect) => [dialect, {
    seats: players.filter((player) => player.dialect === dialect && player.stopped === undefined).map(seatOf),
    blocked: stoppedOf(dialect, 'blocked'), expired: stoppedOf(dialect, 'expired'), superseded: stoppedOf(dialect, 'superseded'),
  }]));
}

async function stop(client: pg.Client, { operatorId, ids }: KitGround, stopped: readonly KitPlayer[], how: 'none' | 'blocked'): Promise<void> {
  await client.query('begin');
  for (const { externalId } of stopped.filter((player) => player.stopped === 'blocked')) await stopPlayer(client, operatorId, ids.get(externalId) as string, how);
  await client.query('commit');
}

async function lay(lanes: Lanes, { accounts, currencies, ids }: KitGround, player: KitPlayer): Promise<StoppedSeat['open'][number]> {
  const account = accounts.get(player.dialect) as Account;
  const currency = currencies.get(player.currency) as Currency;
  const bet = { reference: randomUUID(), round: randomUUID(), game: [...account.games.keys()][0] as string };
  const movement = betOf(account, { kind: 'bet', ...bet, currency: currency.code, amount: parseAmount(STAKE, currency) as bigint, free: false, closeRound: false });
  const { answer } = await lanes.submit({ account, player: ids.get(player.externalId) as string, movement, deadlineAt: performance.now() + 60_000 });
  if (isRefusal(answer)) throw new Error(`the open bet of ${player.externalId} was refused: ${answer.refused}`);
  return { ...bet, amount: STAKE };
}

async function endSessions(client: pg.Client, stopped: readonly (KitPlayer & { readonly id: string })[]): Promise<void> {
  const those = (how: Stopped): string[] => stopped.filter((player) => player.stopped === how).map(({ id }) => id);
  await client.query(`update session set expires_at = now() - interval '1 hour' where player_id = any($1)`, [those('expired')]);
  await client.query(`update session set state = 'superseded' where player_id = any($1)`, [those('superseded')]);
}
