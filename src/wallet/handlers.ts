import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { AskStatus, CloseRound, PayWin, PlaceBet, PlayRound, RollBack } from './commands.ts';
import { Lanes } from './lane.ts';
import { betOf, closeOf, playOf, rollbackOf, statusOf, winOf } from './movements.ts';

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
    return this.lanes.submit({ ...caller, movement: winOf(request) });
  }
}

@CommandHandler(RollBack)
export class RollBackHandler implements ICommandHandler<RollBack> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: RollBack) {
    return this.lanes.submit({ ...caller, movement: rollbackOf(request) });
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
    return this.lanes.submit({ ...caller, movement: closeOf(request.round, request.currency) });
  }
}

@CommandHandler(AskStatus)
export class AskStatusHandler implements ICommandHandler<AskStatus> {
  constructor(private readonly lanes: Lanes) {}
  execute({ caller, request }: AskStatus) {
    return this.lanes.submit({ ...caller, movement: statusOf(request.operation, request.reference, request.currency) });
  }
}
