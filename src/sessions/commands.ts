/** The messages that start and end a player's sessions. */
import { Command } from '@nestjs/cqrs';

export interface SessionRequest {
  readonly account: number;
  readonly currency: string;
  readonly expiresAt: Date;
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

/** From its commit on no bet is taken in it. Answers whether the player has such a session, ended or not. */
export class EndSession extends Command<boolean> {
  constructor(readonly operator: string, readonly player: string, readonly sessionId: string) { super(); }
}
