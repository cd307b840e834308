import { expect, it } from '@jest/globals';
import { fingerprint } from '../../libs/crypto/index.ts';
import { verify } from '../../src/wallet/verify.ts';
import { laneGround, type LaneSeat } from '../support/lanes.ts';

// An account whose references are unique across players, asked through two processes. Everybody starts with 100 EUR.
const here = laneGround([{ idScope: 'global', deadlineMs: 10_000 }], 130);

const holders = (reference: string) => here.sql<{ player: string; operation: string }>(
  'select player_id as player, operation::text from global_reference where reference = $1', [fingerprint(reference)]);
const claim = (seat: LaneSeat, reference: string) => `insert into global_reference (account_id, reference, player_id, operator_id, operation)
  values (${seat.account.accountId}, '${fingerprint(reference)}', '${seat.player}', '${seat.account.operatorId}', 'bet')`;

it('the same id by two players at once, one at each process: one is taken, the other a conflict, and each of them is first at times', async () => {
  const seen = new Set<string>();
  for (let i = 0; i < 12 || (seen.size < 2 && i < 100); i++) {
    const [one, two] = [here.seat(), here.seat().at(here.two)];
    const answers = await Promise.all(i % 2 ? [one.bet(`x${i}`, 10), two.bet(`x${i}`, 10)] : [two.bet(`x${i}`, 10), one.bet(`x${i}`, 10)].reverse());
    seen.add(answers.join(', '));
    expect(answers.toSorted()).toEqual(['TRANSACTION_CONFLICT 100', 'applied 90']);
    const [holder] = await holders(`x${i}`);
    expect(holder).toEqual({ player: answers[0] === 'applied 90' ? one.player : two.player, operation: 'bet' });
    expect(await one.bet(`x${i}`, 10)).toBe(answers[0] === 'applied 90' ? 'replayed 90' : 'TRANSACTION_CONFLICT 100');
  }
  expect(seen.size).toBe(2);
});

it('one that waits for another’s claim is a conflict when that is committed, and taken when it is not', async () => {
  for (const [how, answer] of [['commit', 'TRANSACTION_CONFLICT 100'], ['rollback', 'applied 90']] as const) {
    const [seat, other] = [here.seat(), here.seat()];
    expect(await here.whileHeld(claim(other, `waits ${how}`), async (release) => {
      const asked = seat.bet(`waits ${how}`, 10);
      await here.untilWaiting(1);
      await release(how);
      return asked;
    })).toBe(answer);
    await here.sql('delete from global_reference where reference = $1 and player_id = $2', [fingerprint(`waits ${how}`), other.player]);
  }
});

it('crossing orders of twenty references through two processes do not deadlock, and each is taken once', async () => {
  const seats = Array.from({ length: 40 }, () => here.seat());
  const ids = Array.from({ length: 20 }, (_, i) => `cross ${i}`);
  const answers = await Promise.all(ids.flatMap((id, i) => [
    (seats[i] as LaneSeat).bet(id, 1), (seats[39 - i] as LaneSeat).at(here.two).bet(ids[19 - i] as string, 1),
  ]));
  expect(answers.filter((answer) => answer === 'applied 99').length).toBe(20);
  expect(answers.filter((answer) => answer === 'TRANSACTION_CONFLICT 100').length).toBe(20);
  const [deadlocks] = await here.sql<{ count: number }>('select deadlocks::int as count from pg_stat_database where datname = current_database()');
  expect([deadlocks?.count, here.alerts]).toEqual([0, []]);
});

it('a call of a held wallet claims nothing: whoever is judged meanwhile has the reference', async () => {
  const [held, free] = [here.seat(), here.seat()];
  const late = await here.whileHeld(`select from wallet where player_id = '${held.player}' for update`, async (release) => {
    const asked = held.bet('held', 10);
    await here.untilWaiting(1);
    expect(await holders('held')).toEqual([]);
    expect(await free.bet('held', 10)).toBe('applied 90');
    await release();
    return asked;
  });
  expect(late).toBe('TRANSACTION_CONFLICT 100');
});

it('a call that cannot be written leaves no claim behind, and those beside it keep theirs', async () => {
  const [bad, good, next] = [here.seat(), here.seat(), here.seat()];
  const answers = await Promise.all([bad.bet('bad', 1, { game: 'g\u0000' }).catch((error: Error) => error.message), good.bet('good', 1)]);
  expect(answers).toEqual([expect.stringContaining('0x00'), 'applied 99']);
  expect([await holders('bad'), (await holders('good')).length]).toEqual([[], 1]);
  expect(await next.bet('bad', 1)).toBe('applied 99');
  here.alerts.length = 0;
});

it('a win that is refused for want of its bet may come again, and nobody else may use its id', async () => {
  const [seat, other] = [here.seat(), here.seat()];
  expect(await seat.win('w', 5)).toBe('BET_NOT_FOUND 100');
  await seat.bet('b of w', 10);
  await other.bet('b of other', 10);
  expect([await other.win('w', 5), await seat.win('w', 5), await seat.bet('w', 5)]).toEqual(['TRANSACTION_CONFLICT 90', 'applied 95', 'TRANSACTION_CONFLICT 95']);
});

it('a tombstone holds what it bars: its own player’s bet is rolled back, another’s is a conflict', async () => {
  const [seat, other] = [here.seat(), here.seat()];
  expect(await seat.rollback('k', 'late')).toBe('tombstoned 100');
  expect([await other.bet('late', 1), await seat.bet('late', 1), await other.bet('k', 1)]).toEqual(['TRANSACTION_CONFLICT 100', 'ROLLED_BACK 100', 'TRANSACTION_CONFLICT 100']);
  expect([await other.rollback('k2', 'late'), await seat.rollback('k3', 'late')]).toEqual(['TRANSACTION_CONFLICT 100', 'replayed 100']);
});

it('a rollback that bears its original’s id, and both kinds in one batch', async () => {
  const [seat, other] = [here.seat(), here.seat()];
  expect(await Promise.all([seat.bet('same', 10), seat.rollback('same', 'same'), other.rollback('own', 'own'), other.bet('own', 1)])).toEqual([
    'applied 90', 'applied 100', 'tombstoned 100', 'ROLLED_BACK 100',
  ]);
});

it('all of it is well afterwards', async () => {
  const wrong = (await verify(here.database.url('croupier_worker'))).flatMap(({ invariant, violations }) => violations.map(({ what }) => `${invariant} ${what}`));
  expect(wrong).toEqual([]);
});
