/**
 * A command is done once. Its `Idempotency-Key` and the digest of what it asks are written in the transaction of the effect: a second one
 * at the same moment waits for the first (up to 2 s, then 503) and gets its answer; a refused one leaves nothing, and its key is free again.
 * A command of another plane (a session, a wallet, a player's stop) commits there before it commits here: repeated after a crash
 * in between, wallets and stops come to the same, and a session whose token nobody has seen may stay behind until it expires.
 */
import { hash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf, refuse, type Caller } from '../access/contract.ts';
import { OfficeCommandEntity } from './entities.ts';
import type { Office } from './office.ts';

/** A command as it came: who asks, under which key, for what. */
export interface Asked {
  readonly caller: Caller;
  readonly key: string;
  /** method and path, with the ids in it */
  readonly route: string;
  /** for headers beside the answer */
  readonly reply: FastifyReply;
}

const KEY = /^[\x20-\x7e]{1,128}$/;
export const KEY_HEADER = 'idempotency-key';

/** The command behind a request, as an argument of a method; refuses one without a key. */
export const Command = createParamDecorator((_: unknown, context: ExecutionContext): Asked => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const key = request.headers[KEY_HEADER];
  if (typeof key !== 'string' || !KEY.test(key)) {
    const errors = [{ field: 'Idempotency-Key', message: 'a header of 1 to 128 printable characters is needed' }];
    throw refuse('REQUEST_INVALID', 'header: Idempotency-Key', { errors });
  }
  const [path = ''] = request.url.split('?', 1);
  return { caller: callerOf(request), key, route: `${request.method} ${path}`, reply: context.switchToHttp().getResponse<FastifyReply>() };
});

/** What a command came to: what is kept, and what is shown only this once. */
export interface Outcome<Answer extends object> {
  readonly answer: Answer;
  readonly shownOnce?: Partial<Answer>;
}

/** Does it, or answers with what it came to the first time, without secrets. `content`: what it asks, after validation. */
export function once<Answer extends object>(
  office: Office, asked: Asked, content: unknown, effect: (em: EntityManager) => Promise<Outcome<Answer>>,
): Promise<Answer> {
  const { caller, key: idempotencyKey } = asked;
  return office.as(caller.operatorId, async (em) => {
    const kept = await claim(em, asked, content);
    if (kept) {
      void asked.reply.header('idempotent-replayed', 'true');
      return kept as Answer;
    }
    const { answer, shownOnce } = await effect(em);
    await em.flush();
    await em.nativeUpdate(OfficeCommandEntity, { operatorId: caller.operatorId, idempotencyKey }, { status: asked.reply.statusCode, answer });
    return { ...answer, ...shownOnce };
  });
}

/**
 * Undefined where the key is new, and it is this command's from now on. Else what is kept of it: the answer, or nothing yet where the
 * command is one of the money path, which knows its references itself.
 */
export async function claim(em: EntityManager, { caller, key, route }: Asked, content: unknown): Promise<object | undefined> {
  const digest = hash('sha256', `1 ${route} ${JSON.stringify(content)}`, 'hex');
  const { affectedRows } = await em.execute<{ affectedRows: number }>(
    `insert into office_command (operator_id, idempotency_key, digest, status, answer) values (?, ?, decode(?, 'hex'), 0, '{}') on conflict do nothing`,
    [caller.operatorId, key, digest], 'run');
  if (affectedRows === 1) return undefined;
  const known = await em.findOneOrFail(OfficeCommandEntity, { operatorId: caller.operatorId, idempotencyKey: key });
  if (Buffer.from(known.digest).toString('hex') !== digest) throw refuse('TRANSACTION_CONFLICT', 'this Idempotency-Key is known with another command');
  return known.answer;
}
