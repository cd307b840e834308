import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  AdjustBalance, AskStatus, CancelRound, CloseRound, DepositMoney, OpenWallets, PayWin, PlaceBet, PlayRound, RollBack, StopPlayer, WithdrawMoney,
} from './commands.ts';
import { MoneyWrites } from './contract.ts';
import { Lanes } from './lane.ts';
import { openWallets, stopPlayer } from './money.ts';
import {
  adjustmentOf, betOf, cancelOf, closeOf, depositOf, playOf, rollbackOf, roundKeyOf, statusOf, winOf, withdrawalOf,
} from './movements.ts';

@CommandHandler(PlaceBet)
export class PlaceBetHandler implements ICommandHandler<PlaceBet> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: PlaceBet) {
    return this.lanes.submit({ ...caller, movement: betOf(caller.account, request) });
  }
}

@CommandHandler(PayWin)
export class PayWinHandler implements ICommandHandler<PayWin> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: PayWin) {
    return this.lanes.submit({ ...caller, movement: winOf(caller.account, request) });
  }
}

@CommandHandler(RollBack)
export class RollBackHandler implements ICommandHandler<RollBack> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: RollBack) {
    return this.lanes.submit({ ...caller, movement: rollbackOf(request, caller.currency) });
  }
}

@CommandHandler(PlayRound)
export class PlayRoundHandler implements ICommandHandler<PlayRound> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: PlayRound) {
    return this.lanes.submit({ ...caller, movement: playOf(caller.account, request) });
  }
}

@CommandHandler(CloseRound)
export class CloseRoundHandler implements ICommandHandler<CloseRound> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: CloseRound) {
    const { round, currency, game } = request;
    return this.lanes.submit({ ...caller, movement: closeOf(round, currency, roundKeyOf(caller.account, round, game), game) });
  }
}

@CommandHandler(CancelRound)
export class CancelRoundHandler implements ICommandHandler<CancelRound> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: CancelRound) {
    return this.lanes.submit({ ...caller, movement: cancelOf(caller.account, request.round, request.currency, request.game) });
  }
}

@CommandHandler(AdjustBalance)
export class AdjustBalanceHandler implements ICommandHandler<AdjustBalance> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: AdjustBalance) {
    return this.lanes.submit({ ...caller, movement: adjustmentOf(caller.account, request) });
  }
}

@CommandHandler(AskStatus)
export class AskStatusHandler implements ICommandHandler<AskStatus> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: AskStatus) {
    return this.lanes.submit({ ...caller, movement: statusOf(request.operation, request.reference, request.currency) });
  }
}

@CommandHandler(DepositMoney)
export class DepositMoneyHandler implements ICommandHandler<DepositMoney> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: DepositMoney) {
    return this.lanes.submit({ ...caller, movement: depositOf(request) });
  }
}

@CommandHandler(WithdrawMoney)
export class WithdrawMoneyHandler implements ICommandHandler<WithdrawMoney> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: WithdrawMoney) {
    return this.lanes.submit({ ...caller, movement: withdrawalOf(request) });
  }
}

@CommandHandler(OpenWallets)
export class OpenWalletsHandler implements ICommandHandler<OpenWallets> {
  constructor(private readonly writes: MoneyWrites) {}
  execute({ operator, player, currencies }: OpenWallets) {
    return this.writes.within((client) => openWallets(client, currencies.map((currency) => ({ operator, player, currency }))));
  }
}

@CommandHandler(StopPlayer)
export class StopPlayerHandler implements ICommandHandler<StopPlayer> {
  constructor(private readonly writes: MoneyWrites) {}
  execute({ operator, player, stop }: StopPlayer) {
    return this.writes.within((client) => stopPlayer(client, operator, player, stop));
  }
}
