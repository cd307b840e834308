import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { z } from 'zod';
import { formatAmount, parseAmount, type Currency } from '../../libs/money/index.ts';
import { refuse } from '../access/contract.ts';
import { parsePolicy } from '../providers/contract.ts';
import { DepositMoney, WithdrawMoney } from '../wallet/commands.ts';
import { consistencyToken, isRefusal, type Account, type Answered, type Receipt } from '../wallet/contract.ts';
import { AccountEntity } from './entities.ts';
import { Office } from './office.ts';
import { claim, type Asked } from './once.ts';
import { CASHIER } from './operators.service.ts';
import { currencyIn, playerIn } from './players.service.ts';
import type { CashierReceipt, CashierRequest } from './schemas.ts';

type Kind = z.infer<typeof CashierReceipt>['type'];

const MESSAGES = { deposit: DepositMoney, withdrawal: WithdrawMoney };
/** Nobody's game waits for it. */
const DEADLINE_MS = 5_000;
const POLICY = parsePolicy({ deadlineMs: DEADLINE_MS });

interface Ready {
  readonly account: Account;
  readonly currency: Currency;
  readonly amount: bigint;
}

/**
 * Money in and out, through the money path's one door. The `Idempotency-Key` is the reference: it is claimed for this player, route and
 * amount in a transaction of its own, then moved under it; whether and what it moved, the money path knows for good. So a repetition,
 * also after a crash in between, comes to one effect, and a refused withdrawal is judged anew under the same key.
 */
@Injectable()
export class CashierService {
  constructor(
    private readonly office: Office,
    private readonly commands: CommandBus,
  ) {}

  async move(kind: Kind, asked: Asked, playerId: string, request: z.infer<typeof CashierRequest>): Promise<z.infer<typeof CashierReceipt>> {
    const arrivedAt = performance.now();
    const { account, currency, amount } = await this.ready(asked, playerId, request);
    const caller = { account, player: playerId, deadlineAt: arrivedAt + DEADLINE_MS };
    const { answer, position }: Answered<Receipt> = await this.commands.execute(
      new MESSAGES[kind](caller, { reference: asked.key, currency: currency.code, amount }));
    const headers = position && { 'x-consistency-token': consistencyToken(position) };
    if (isRefusal(answer)) {
      const { wallet } = answer;
      const shown = wallet && { balance: formatAmount(wallet.balance, currency), currency: wallet.currency };
      throw refuse(answer.refused, undefined, { headers: { ...headers, ...(wallet && { 'x-wallet-version': String(wallet.version) }) }, ...shown });
    }
    const replayed = answer.status === 'replayed';
    void asked.reply.headers({ ...headers, 'x-wallet-version': String(answer.version), ...(replayed && { 'idempotent-replayed': 'true' }) });
    return {
      transactionId: answer.transactionId, reference: answer.reference, type: kind, status: replayed ? 'replayed' : 'applied',
      amount: formatAmount(answer.amount, currency), currency: answer.currency, balance: formatAmount(answer.balance, currency),
      walletVersion: answer.version, processedAt: new Date(answer.at).toISOString(),
    };
  }

  private ready(asked: Asked, playerId: string, request: z.infer<typeof CashierRequest>): Promise<Ready> {
    const { operatorId } = asked.caller;
    return this.office.as(operatorId, async (em) => {
      await playerIn(em, playerId);
      const currency = await currencyIn(em, request.currency);
      const amount = amountOf(request.amount, currency);
      await claim(em, asked, { currency: currency.code, amount: String(amount) });
      const { accountId } = await em.findOneOrFail(AccountEntity, CASHIER);
      return { account: { accountId, operatorId, policy: POLICY, games: new Map() }, currency, amount };
    });
  }
}

const WRONG = {
  form: 'a decimal string such as "12.50": not negative, no exponent, at most 15 and 10 digits', 'too-fine': 'finer than the currency is kept',
  'too-large': 'more than the largest amount of the currency',
};

function amountOf(text: string, currency: Currency): bigint {
  const amount = parseAmount(text, currency);
  if (typeof amount === 'bigint' && amount > 0n) return amount;
  const message = typeof amount === 'bigint' ? 'more than zero' : WRONG[amount];
  throw refuse('AMOUNT_INVALID', `amount: ${message}`, { errors: [{ field: 'amount', message }] });
}
