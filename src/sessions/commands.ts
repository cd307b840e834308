/** The messages that start, rotate and end a player's sessions. */
import { Command } from '@nestjs/cqrs';
import type { Account } from '../wallet/contract.ts';

export interface SessionRequest {
  readonly account: number;
  readonly currency: string;
  /** when it is over whatever is done in it; absent: it slides */
  readonly expiresAt?: Date;
  /** of one that slides: how long it lasts after the last bet or authentication, in seconds; 1,800 unless said */
  readonly slideS?: number;
  readonly country?: string;
  readonly jurisdiction?: string;
  readonly language?: string;
}

export interface StartedSession {
  readonly sessionId: string;
  /** shown once: only its hash is kept */
  readonly token: string;
}

/** A session of one player, currency and provider account; undefined where the player has no wallet in that currency. */
export class StartSession extends Command<StartedSession | undefined> {
  constructor(readonly operator: string, readonly player: string, readonly request: SessionRequest) { super(); }
}

/** Why no bet is taken under a token any more. */
export type Over = 'SESSION_NOT_FOUND' | 'SESSION_SUPERSEDED' | 'SESSION_EXPIRED';

/** The token under which the session goes on once it is used. */
export interface Successor {
  readonly token: string;
}

/**
 * A successor of a token: the same player, currency and account. Until it is used the old one is good too, and asking again answers the
 * same; from its first use on the old one is superseded. Answers with the code where the old one is over by now.
 */
export class RotateSession extends Command<Successor | Over> {
  constructor(readonly account: Pick<Account, 'accountId' | 'operatorId'>, readonly player: string, readonly token: string) { super(); }
}

/** From its commit on no bet is taken in it, under whichever of its tokens. Answers whether the player has such a session, ended or not. */
export class EndSession extends Command<boolean> {
  constructor(readonly operator: string, readonly player: string, readonly sessionId: string) { super(); }
}
