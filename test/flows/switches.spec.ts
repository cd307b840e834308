import { describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ground, said, type Seat } from '../support/ground.ts';

// Switches of operator, account and game stop bets within a second; wins and rollbacks go on.

const here = ground({ players: { EUR: 10 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000 }] });

/** How long it takes, in ms, until bets are answered so; each under a new reference. */
async function until(seat: Seat, wanted: string, more: object = {}): Promise<number> {
  const startedAt = performance.now();
  for (let i = 0; performance.now() - startedAt < 8_000; i++) {
    const { body } = await seat.bet(`${wanted}-${startedAt}-${i}`, '0.01', more);
    if ((body.code ?? body.status) === wanted) return performance.now() - startedAt;
    await pause(20);
  }
  throw new Error(`no bet came to ${wanted} within eight seconds`);
}

const SWITCHES = [
  ['a game', `game set bets_allowed = $1 where game_id = 'game-1' and account_id = $2`],
  ['a provider account', 'provider_account set bets_allowed = $1 where account_id = $2'],
  ['an operator', 'operator set bets_allowed = $1 where operator_id = (select operator_id from provider_account where account_id = $2)'],
] as const;

describe('a switch', () => {
  it.each(SWITCHES)('of %s stops bets within a second, and nothing else', async (what, set) => {
    const seat = here.seat();
    const turn = (on: boolean) => here.sql(`update ${set}`, [on, here.account().accountId]);
    expect(said(await seat.bet(`before ${what}`, '10.00'))).toBe('applied 90.00');
    // A machine that stands still for a moment is late once, not each time.
    const times: number[] = [];
    for (let i = 0; i < 3 && !times.some((ms) => ms < 1_000); i++) {
      await turn(true);
      await until(seat, 'applied', { roundId: 'r0' });
      await turn(false);
      times.push(await until(seat, 'GAME_DISABLED', { roundId: 'r0' }));
    }
    expect(Math.min(...times)).toBeLessThan(1_000);
    expect(said(await seat.win(`w ${what}`, '3.00', { betTransactionId: `before ${what}` }))).toMatch(/^applied /);
    expect(said(await seat.rollback(`k ${what}`, `w ${what}`))).toMatch(/^applied /);
    expect((await seat.closeRound()).status).toBe(200);
    const refused = await seat.bet(`during ${what}`, '1.00', { roundId: 'r2' });
    expect([refused.status, refused.body.code, refused.body.retryable]).toEqual([422, 'GAME_DISABLED', false]);
    const other = await seat.bet(`other ${what}`, '1.00', { gameId: 'game-2', roundId: 'r3' });
    expect(other.body.code ?? other.body.status).toBe(what === 'a game' ? 'applied' : 'GAME_DISABLED');
    await turn(true);
    await until(seat, 'applied', { roundId: 'r4' });
    // Remembered under its id, like every refusal of a bet.
    expect((await seat.bet(`during ${what}`, '1.00', { roundId: 'r2' })).body.code).toBe('GAME_DISABLED');
  }, 60_000);

  it('of one account leaves the other accounts of the operator alone', async () => {
    const seat = here.seat({ account: 1 });
    await here.sql('update provider_account set bets_allowed = false where account_id = $1', [here.account(0).accountId]);
    await until(here.seat({ account: 0 }), 'GAME_DISABLED');
    expect(said(await seat.bet('elsewhere', '1.00'))).toBe('applied 99.00');
    await here.sql('update provider_account set bets_allowed = true where account_id = $1', [here.account(0).accountId]);
  });
});
