import { describe, expect, it } from '@jest/globals';
import type { Seat as Told } from '../../src/conformance/contract.ts';
import { bookKey, sender, simulate } from '../../src/providers/simulator.ts';
import { softswissSpeaker as speaker } from '../../src/providers/softswiss/simulator.ts';
import { verify } from '../../src/wallet/verify.ts';
import { ground } from '../support/ground.ts';
import { SOFTSWISS, TOKEN } from './softswiss-seat.ts';

/** The aggregator's own side plays against the wallet, over a network that fails on purpose, and keeps a book of its own. */
const here = ground({ players: { EUR: 12, JPY: 2, BTC: 2 }, balance: 100_000_000_000n, dialects: [SOFTSWISS] });
const secret = speaker.secret({ authToken: TOKEN });
const seats = (): Told[] =>
  here.world.players.map(({ id, currency, tokens }) => ({ player: id, currency, token: tokens[here.world.dialects[0]?.accountId ?? 0] as string }));
const baseUrl = () => `${here.served.baseUrl}${here.world.dialects[0]?.basePath}`;
const balanceOf = async ({ player, currency }: Told) =>
  BigInt((await here.sql<{ units: string }>('select (balance * (10::numeric ^ (5 - (select scale from currency c where c.code = w.currency))))::bigint::text as units from wallet w where player_id = $1 and currency = $2',
    [player, currency]))[0]?.units as string);

describe('rounds that the aggregator plays', () => {
  const CHAOS = { delayMs: 20, dropAnswer: 0.15, duplicate: 0.2, reorder: 0.3, rollbackFirst: 0.1 };
  it.each([
    ['on a calm network', {}, undefined],
    ['late, lost, doubled, out of order and rolled back before their bets', CHAOS, undefined],
    // A win that came before its bet was paid, its answer lost, and its bet refused because the round was finished.
    ['in the order of a seed that the book once got wrong', CHAOS, 414_711_383],
  ])('%s leave each player with what its book says', async (_name, chaos, known) => {
    const seed = known ?? Math.floor(Math.random() * 2 ** 31);
    const before = new Map(await Promise.all(seats().map(async (seat) => [bookKey(seat), await balanceOf(seat)] as const)));
    const played = await simulate(speaker, secret, baseUrl(), seats(), {
      seed, rounds: 12, games: ['game-1', 'game-2'], chaos, timeoutMs: 10_000, tell: (line) => console.log(line),
    });
    expect([played.rounds, played.open, played.complaints]).toEqual([192, [], []]);
    for (const seat of seats()) {
      const gained = (await balanceOf(seat)) - (before.get(bookKey(seat)) as bigint);
      expect([seed, bookKey(seat), gained]).toEqual([seed, bookKey(seat), played.gained.get(bookKey(seat))]);
    }
  });

  it('are understood: each thing that it can say is answered with what it expects', async () => {
    const [seat] = seats() as [Told];
    const { send, close } = sender(baseUrl());
    const told = { seat, round: 'one', game: 'game-1' };
    const heard = [];
    for (const said of [
      { say: 'balance', seat } as const,
      { say: 'bet', ...told, reference: 'b1', amount: '1.00' } as const,
      { say: 'win', ...told, reference: 'w1', amount: '2.50' } as const,
      { say: 'play', ...told, actions: [{ kind: 'bet', reference: 'b2', amount: '1.00' }, { kind: 'win', reference: 'w2', amount: '0' }] } as const,
      { say: 'rollback', ...told, reference: 'x1', original: 'never seen' } as const,
      { say: 'rollback', ...told, reference: 'x2', original: 'w1' } as const,
      { say: 'close', ...told } as const,
      { say: 'award', seat, reference: 'p1', amount: '3.00', award: 'total', campaign: 'c1' } as const,
      { say: 'award', seat, reference: 'p2', amount: '4.00', award: 'jackpot' } as const,
      { say: 'bet', ...told, reference: 'b3', amount: '1.00' } as const,
      { say: 'bet', ...told, round: 'two', reference: 'b4', amount: '99999999.00' } as const,
    ]) heard.push(speaker.hear(said, await send(speaker.say(said, secret))));
    close();
    expect(heard.map(({ complaint }) => complaint)).toEqual(heard.map(() => undefined));
    expect(heard.map(({ verdicts }) => verdicts[0])).toEqual([...Array.from({ length: 9 }, () => 'ok'), 'bad-request', 'insufficient-funds']);
    expect(heard[9]?.verdicts).toContain('round-closed');
    expect(heard[4]?.transactions).toEqual(['']);
    const [start] = heard.map(({ balance }) => balance?.replace('.', ''));
    expect(heard.map(({ balance }) => BigInt(balance?.replace('.', '') as string) - BigInt(start as string)))
      .toEqual([0n, -100n, 150n, 50n, 50n, -200n, -200n, 100n, 500n, 500n, 500n]);
  });
});

it('behind all of it every invariant holds', async () => {
  const wrong = (await verify(here.database.url('croupier_worker'))).flatMap(({ invariant, violations }) => violations.map(({ what }) => `${invariant} ${what}`));
  expect(wrong).toEqual([]);
});
