/** What a call asks, put to the wallet: whose session it names, whether it may come so often, and the command or query that it is. */
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import { Authenticate } from '../sessions/authenticate.query.ts';
import type { Authenticated } from '../sessions/contract.ts';
import { ReadSessionFacts } from '../sessions/facts.query.ts';
import { FreeRoundIssue } from '../sessions/free-round-issue.query.ts';
import { ReadProfile } from '../sessions/profile.query.ts';
import { IsSuperseded } from '../sessions/superseded.query.ts';
import {
  AdjustBalance, AskStatus, CancelRound, CloseRound, PayWin, PlaceBet, PlayRound, ReadBalance, RollBack, type BetRequest, type Caller, type PlayRequest,
} from '../wallet/commands.ts';
import { Fault, type Account, type Answered, type Status } from '../wallet/contract.ts';
import { served } from './answer.ts';
import { Turned, type Answers, type Ask, type Context, type Who, type WireAnswer } from './contract.ts';
import type { Partner } from './snapshot.ts';
import { Throttle, type Throttled } from './throttle.ts';

type Answer = Answers[Ask['ask']];
type Told = Answered<Answer>;
/** Those that are about a wallet whose player and currency are known by then. */
type Settled = Exclude<Ask, { ask: 'session' }>;

interface Whose {
  readonly player: string;
  readonly currency: string | undefined;
}

const NO_SESSION: Told = { answer: { refused: 'SESSION_NOT_FOUND', replayed: false } };
const SUPERSEDED: Told = { answer: { refused: 'SESSION_SUPERSEDED', replayed: false } };
/** There is no wallet in what is no currency here. */
const NO_CURRENCY: Told = { answer: { refused: 'CURRENCY_MISMATCH', replayed: false } };

export class Asking {
  private readonly throttle = new Throttle();

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  /** Writes into the context whose call it turned out to be. `deadlineAt`: `performance.now()` clock, ms. */
  async answer(ask: Ask, partner: Partner, context: { player?: string }, deadlineAt: number): Promise<Told> {
    const { account } = partner.client;
    if (ask.ask === 'session') return this.session(ask.who, account, context, deadlineAt);
    if (ask.ask === 'balance') turnAway(this.throttle.reads(account));
    const { who } = ask;
    const said = ask.ask === 'rollback' ? ask.request.currency : ask.currency;
    const whose = who.player !== undefined && said !== undefined ? { player: who.player, currency: said } : await this.whose(who, said, account, deadlineAt);
    if (!whose) return NO_SESSION;
    context.player = whose.player;
    const caller: Caller = { account, player: whose.player, currency: whose.currency, deadlineAt };
    if (ask.ask === 'rollback') return this.commands.execute(new RollBack(caller, ask.request));
    if (whose.currency === undefined) {
      if (who.token !== undefined) return NO_SESSION;
      throw new Turned('REQUEST_INVALID', 'names neither a currency nor a session', [{ field: 'currency', message: 'needed here' }]);
    }
    if (who.token !== undefined && account.policy.supersededOn === 'all' && isRead(ask) && (await inTime(this.queries.execute(new IsSuperseded(account, who.token)), deadlineAt))) {
      return SUPERSEDED;
    }
    return this.settled(ask, caller, whose.currency, partner);
  }

  /** A body with what every dialect's answers bear. */
  served(body: object, answer: Answer, context: Context): WireAnswer {
    const { status } = answer as { status?: unknown };
    return served(body, context, answer, typeof status === 'string' ? status : outcomeOf(answer));
  }

  private async settled(ask: Exclude<Settled, { ask: 'rollback' }>, caller: Caller, code: string, partner: Partner): Promise<Told> {
    const { account, player } = caller;
    const currency = partner.currency(code);
    if (!currency) return NO_CURRENCY;
    switch (ask.ask) {
      case 'balance': return this.queries.execute(new ReadBalance(account, player, code));
      case 'bet': {
        const request = ask.request(currency);
        turnAway(this.throttle.bets(account, player, 1));
        return this.commands.execute(new PlaceBet(caller, inSession(request, ask.who)));
      }
      case 'win': return this.commands.execute(new PayWin(caller, ask.request(currency)));
      case 'adjust': return this.commands.execute(new AdjustBalance(caller, ask.request(currency)));
      case 'play': {
        const request = ask.request(currency);
        const bets = request.actions.filter(({ kind }) => kind === 'bet').length;
        if (bets > 0) turnAway(this.throttle.bets(account, player, bets));
        return this.commands.execute(new PlayRound(caller, allInSession(request, ask.who)));
      }
      case 'close': return this.commands.execute(new CloseRound(caller, { currency: code, round: ask.round, game: ask.game }));
      case 'cancel': return this.commands.execute(new CancelRound(caller, { currency: code, round: ask.round, game: ask.game }));
      case 'status': return this.commands.execute(new AskStatus(caller, { currency: code, reference: ask.reference, operation: ask.operation }));
    }
  }

  private async session({ player, token }: Who, account: Account, context: { player?: string }, deadlineAt: number): Promise<Told> {
    turnAway(this.throttle.reads(account));
    if (token === undefined) {
      if (player === undefined) return NO_SESSION;
      context.player = player;
      return this.queries.execute(new ReadProfile(account, player));
    }
    // Before it is asked for, since asking for a token is using it.
    if (player !== undefined && (await this.facts(account, token, deadlineAt))?.player !== player) return NO_SESSION;
    const answered: Answered<Authenticated> = await this.queries.execute(new Authenticate(account, token));
    context.player = player ?? (answered.answer as Partial<Authenticated>).player;
    return answered;
  }

  /**
   * What the call leaves open, its session says, or its issue of free rounds. A token of another player says nothing; undefined: nobody
   * knows whose call it is.
   */
  private async whose({ player, token, issue }: Who, currency: string | undefined, account: Account, deadlineAt: number): Promise<Whose | undefined> {
    const facts = token === undefined ? undefined : await this.facts(account, token, deadlineAt);
    if (facts && (player === undefined || facts.player === player)) return { player: facts.player, currency: currency ?? facts.currency };
    const given = issue === undefined ? undefined : await inTime(this.queries.execute(new FreeRoundIssue(account, issue)), deadlineAt);
    if (player !== undefined) return { player, currency: currency ?? given?.currency };
    return given && { player: given.player, currency: currency ?? given.currency };
  }

  private facts(account: Account, token: string, deadlineAt: number) {
    return inTime(this.queries.execute(new ReadSessionFacts(account, token)), deadlineAt);
  }
}

/** A look-up that fails, or does not come in the time that its caller has, is a fault and never an "unknown". */
async function inTime<T>(found: Promise<T>, deadlineAt: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Fault('UNAVAILABLE', 'the session was not read in time')), deadlineAt - performance.now());
  });
  try {
    return await Promise.race([found, late]);
  } finally {
    clearTimeout(timer);
  }
}

function turnAway(throttled: Throttled | undefined): void {
  if (throttled) throw new Turned('THROTTLED', throttled.detail, undefined, throttled.headers);
}

/** A bet's session is the core's to judge, under the lock; what is owed needs none. */
const isRead = ({ ask }: Ask): boolean => ask === 'balance' || ask === 'status';

/** The session that a call names is its bets', whether or not its dialect says so of each. */
const inSession = (bet: BetRequest, { token }: Who): BetRequest =>
  (token === undefined || bet.sessionToken !== undefined ? bet : { ...bet, sessionToken: token });

function allInSession(play: PlayRequest, who: Who): PlayRequest {
  if (who.token === undefined || play.actions.every((action) => action.kind !== 'bet' || action.sessionToken !== undefined)) return play;
  return { ...play, actions: play.actions.map((action) => (action.kind === 'bet' ? inSession(action, who) : action)) };
}

function outcomeOf(answer: Answer): string {
  const { known } = answer as Partial<Status>;
  return known ? ('refused' in known ? 'refused' : known.status) : 'ok';
}

