import { describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import { EndSession, StartSession } from '../../src/sessions/commands.ts';
import { DepositMoney, OpenWallets, StopPlayer, WithdrawMoney, type CashierRequest } from '../../src/wallet/commands.ts';
import { Fault, isRefusal, type Account, type Answered, type Receipt } from '../../src/wallet/contract.ts';
import { parsePolicy } from '../../src/providers/contract.ts';
import { ground, said, type Seat } from '../support/ground.ts';

// What the operator asks of the money path, at its commands: the cashier, wallets, what stops a player's bets, sessions.

const here = ground({ players: { EUR: 12, JPY: 1 } });
const lossy = ground({ players: { EUR: 1 } }, {}, { proxied: true });
const commands = () => here.served.app.get(CommandBus);

async function cashier(): Promise<Account> {
  const operatorId = here.account().operatorId;
  const [row] = await here.sql<{ account_id: number }>(`select account_id from provider_account where operator_id = $1 and provider = 'cashier'`, [operatorId]);
  return { accountId: row?.account_id as number, operatorId, policy: parsePolicy({}), games: new Map() };
}

const units = (euros: string): bigint => BigInt(euros) * 1_000_000n;

async function at(seat: Seat, Message: typeof DepositMoney | typeof WithdrawMoney, reference: string, euros: string, more: Partial<CashierRequest> = {}) {
  const caller = { account: await cashier(), player: seat.player.id, deadlineAt: performance.now() + 5_000 };
  const request = { reference, currency: 'EUR', amount: units(euros), ...more };
  const answered = await commands().execute<Answered<Receipt>>(new Message(caller, request)).catch((fault: unknown) => fault as Fault);
  if (answered instanceof Fault) return `fault ${answered.code}`;
  const { answer } = answered;
  return isRefusal(answer) ? `${answer.refused} ${answer.wallet?.balance ?? '-'}` : `${answer.status} ${answer.amount} → ${answer.balance}`;
}

describe('the cashier', () => {
  it('takes 30.00 out of 100.00 once, and says the same when asked again', async () => {
    const seat = here.seat();
    expect(await at(seat, WithdrawMoney, 'out-1', '30')).toBe('applied 30000000 → 70000000');
    expect(await at(seat, WithdrawMoney, 'out-1', '30')).toBe('replayed 30000000 → 70000000');
    expect(said(await seat.balance())).toBe('ok 70.00');
    const rows = await here.sql('select kind, house, amount::text from transaction where player_id = $1 order by version', [seat.player.id]);
    expect(rows.at(-1)).toEqual({ kind: 'withdrawal', house: 4, amount: '-30000000' });
  });

  it('knows one name space: a deposit under the id of a withdrawal is a conflict, and so is another amount', async () => {
    const seat = here.seat();
    await at(seat, WithdrawMoney, 'id-1', '10');
    expect(await at(seat, DepositMoney, 'id-1', '10')).toBe('TRANSACTION_CONFLICT 90000000');
    expect(await at(seat, WithdrawMoney, 'id-1', '11')).toBe('TRANSACTION_CONFLICT 90000000');
  });

  it('gives out the last unit and no more; what it refused it does not remember', async () => {
    const seat = here.seat();
    expect(await at(seat, WithdrawMoney, 'all', '101')).toBe('INSUFFICIENT_FUNDS 100000000');
    expect(await at(seat, DepositMoney, 'more', '1')).toBe('applied 1000000 → 101000000');
    expect(await at(seat, WithdrawMoney, 'all', '101')).toBe('applied 101000000 → 0');
    expect(await at(seat, WithdrawMoney, 'cent', '0', { amount: 1n })).toBe('INSUFFICIENT_FUNDS 0');
  });

  it('needs a wallet in the currency', async () => {
    const seat = here.seat();
    expect(await at(seat, WithdrawMoney, 'yen', '1', { currency: 'JPY' })).toBe('CURRENCY_MISMATCH -');
  });

  it('serves a blocked player', async () => {
    const seat = here.seat();
    await commands().execute(new StopPlayer(seat.player.operatorId, seat.player.id, 'blocked'));
    expect(await at(seat, WithdrawMoney, 'mine', '100')).toBe('applied 100000000 → 0');
  });
});

describe('what stops a player', () => {
  const stop = (seat: Seat, to: 'none' | 'blocked' | 'closed', operator = seat.player.operatorId) =>
    commands().execute(new StopPlayer(operator, seat.player.id, to));

  it('holds from its commit on for bets, and never for wins and rollbacks', async () => {
    const seat = here.seat();
    await seat.bet('b1', '10.00');
    expect(await stop(seat, 'blocked')).toBe(true);
    expect(said(await seat.bet('b2', '1.00'))).toBe('PLAYER_BLOCKED 90.00');
    expect(said(await seat.win('w1', '5.00', { betTransactionId: 'b1' }))).toBe('applied 95.00');
    expect(said(await seat.rollback('k1', 'w1'))).toBe('applied 90.00');
    await stop(seat, 'none');
    expect(said(await seat.bet('b3', '1.00'))).toBe('applied 89.00');
    expect(said(await seat.bet('b2', '1.00'))).toBe('PLAYER_BLOCKED 89.00');
  });

  it('is another operator\'s to say for another operator\'s players only', async () => {
    const seat = here.seat();
    expect(await stop(seat, 'blocked', here.account(-1).operatorId)).toBe(false);
    expect(said(await seat.bet('b1', '1.00'))).toBe('applied 99.00');
  });

  it('stops a wallet that is opened later, also one opened at the same moment', async () => {
    const seat = here.seat();
    const { id, operatorId } = seat.player;
    await here.whileHeld(`select from wallet where player_id = '${id}' for update`, async (release) => {
      const both = [stop(seat, 'closed'), commands().execute(new OpenWallets(operatorId, id, ['JPY']))];
      await new Promise((resolve) => setTimeout(resolve, 100));
      await release();
      await Promise.all(both);
    });
    await commands().execute(new OpenWallets(operatorId, id, ['KWD', 'JPY']));
    expect(await here.sql('select currency, stop, balance::text from wallet where player_id = $1 order by 1', [id])).toEqual([
      { currency: 'EUR', stop: 'closed', balance: '100000000' }, { currency: 'JPY', stop: 'closed', balance: '0' },
      { currency: 'KWD', stop: 'closed', balance: '0' },
    ]);
  });

  it('is told as unknown where the answer to its COMMIT is lost, and is the same again', async () => {
    const seat = lossy.seat();
    const stopIt = () => lossy.served.app.get(CommandBus).execute(new StopPlayer(seat.player.operatorId, seat.player.id, 'blocked'));
    const lost = lossy.proxy.strikeCommit('reply lost');
    await expect(stopIt()).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await lost;
    expect(said(await seat.bet('b1', '1.00'))).toBe('PLAYER_BLOCKED 100.00');
    expect(await stopIt()).toBe(true);
  });

  it('waits for the wallet that somebody holds, and says so where it takes too long', async () => {
    const seat = here.seat();
    await here.whileHeld(`select from wallet where player_id = '${seat.player.id}' for update`, async () => {
      await expect(stop(seat, 'blocked')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });
    expect(said(await seat.bet('b1', '1.00'))).toBe('applied 99.00');
  });
});

describe('a session', () => {
  const start = (seat: Seat, more: Partial<StartSession['request']> = {}) => commands().execute(new StartSession(seat.player.operatorId, seat.player.id, {
    account: here.account().accountId, currency: 'EUR', expiresAt: new Date(Date.now() + 60_000), country: 'MT', ...more,
  }));

  it('is started with a token that nobody can read again, and ended', async () => {
    const seat = here.seat();
    const session = await start(seat);
    if (!session) throw new Error('the player has a wallet');
    expect(said(await seat.bet('b1', '1.00', { sessionToken: session.token }))).toBe('applied 99.00');
    const { body } = await seat.call('authenticate', { sessionToken: session.token });
    expect([body.playerId, body.currency, body.balance, body.country]).toEqual([seat.player.id, 'EUR', '99.00', 'MT']);
    expect(JSON.stringify(await here.sql('select * from session'))).not.toContain(session.token);
    const end = (operator: string) => commands().execute(new EndSession(operator, seat.player.id, session.sessionId));
    expect(await end(here.account(-1).operatorId)).toBe(false);
    expect(await end(seat.player.operatorId)).toBe(true);
    expect(said(await seat.bet('b2', '1.00', { sessionToken: session.token }))).toBe('SESSION_EXPIRED 99.00');
    expect(said(await seat.call('authenticate', { sessionToken: session.token }))).toBe('SESSION_EXPIRED');
    expect(await end(seat.player.operatorId)).toBe(true);
  });

  it('is not started without a wallet in its currency, nor at another operator\'s account', async () => {
    const seat = here.seat();
    expect(await start(seat, { currency: 'JPY' })).toBeUndefined();
    expect(await start(seat, { account: here.account(-1).accountId })).toBeUndefined();
  });
});
