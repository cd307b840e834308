import { describe, expect, it } from '@jest/globals';
import type { Seat } from '../../src/conformance/contract.ts';
import { caletaSpeaker, hub88Speaker } from '../../src/providers/hub88/simulator.ts';
import { bookKey, simulate, type Chaos } from '../../src/providers/simulator.ts';
import { ground } from '../support/ground.ts';
import { CALETA, HUB88, THEIRS } from './hub88-seat.ts';

/** A studio's own book, against the wallets it played with: whatever goes wrong on the way, they say the same. */
const here = ground({ players: { EUR: 12, JPY: 3 }, dialects: [HUB88, CALETA] });
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const privateKeyPem = THEIRS.privateKey.export({ type: 'pkcs8', format: 'pem' });
const CHAOS: Chaos = { delayMs: 15, dropAnswer: 0.2, duplicate: 0.2, reorder: 0.3, rollbackFirst: 0.1 };
const ROUNDS = 12;

/** In 1/100 000 of each player's currency; its scale is 6 digits. */
async function balances(): Promise<Map<string, bigint>> {
  const rows = await here.sql<{ player_id: string; currency: string; balance: string }>('select player_id, currency, balance::text from wallet');
  return new Map(rows.map(({ player_id: player, currency, balance }) => [bookKey({ player, currency }), BigInt(balance) / 10n]));
}

describe.each([['Hub88', hub88Speaker, 0], ['Caleta', caletaSpeaker, 1]] as const)('a studio that speaks %s', (_name, speaker, account) => {
  it.each([['on a good day', {}], ['through a bad network', CHAOS]])('%s has every player’s balance in its own book', async (_when, chaos) => {
    const { accountId, basePath } = here.world.dialects[account] as (typeof here.world.dialects)[number];
    const seats: Seat[] = here.world.players.map(({ id, currency, tokens }) => ({ player: id, currency, token: tokens[accountId] as string }));
    const before = await balances();
    const lines: string[] = [];
    const played = await simulate(speaker, speaker.secret({ privateKeyPem }), here.served.baseUrl + basePath, seats, {
      seed: SEED, rounds: ROUNDS, games: ['game-1', 'game-2'], chaos, timeoutMs: 10_000, tell: (line) => lines.push(line),
    });
    console.log(lines.join('\n'), `${played.calls} calls`, played.verdicts);
    expect(lines[0]).toContain(`seed ${SEED}`);
    expect([played.open, played.complaints, played.rounds]).toEqual([[], [], seats.length * ROUNDS]);
    const after = await balances();
    const gained = new Map(seats.map((seat) => [bookKey(seat), (after.get(bookKey(seat)) ?? 0n) - (before.get(bookKey(seat)) ?? 0n)]));
    expect(gained).toEqual(new Map(played.gained));
    expect([...gained.values()].some((each) => each !== 0n)).toBe(true);
    expect((played.verdicts.ok ?? 0) >= seats.length * ROUNDS).toBe(true);
  }, 120_000);
});
