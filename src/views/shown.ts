/**
 * How a view's answer goes out, the same for all of them: its headers, `fields`, ETag and 304, compression. A route says `@Shows(summary, schema)`
 * and answers with `shown(view, reply)`, or with an object around it. Who may read was settled before: guards come first.
 */
import { createHash } from 'node:crypto';
import { applyDecorators, Injectable, SetMetadata, UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiHeader, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import type { z } from 'zod';
import { callId } from '../../libs/http/index.ts';
import { callerOf, refuse } from '../access/contract.ts';
import { picked, selectionOf, type Selection } from './fields.ts';
import { asking } from './reads/slow.ts';
import type { Seen, View } from './view.ts';

export const TOKEN = 'x-consistency-token';
/** Answers are the caller's own, and are asked for again each time; an unchanged one need not be sent. */
const KEEPING = { 'cache-control': 'private, no-cache', vary: `authorization, ${TOKEN}, accept-encoding` };
const ANSWER = 'croupier:answer';
const VERSION = Symbol('version');

const HEADERS = {
  [TOKEN]: { schema: { type: 'string' as const }, description: 'names what this answer saw; sent along with a later read, that one sees nothing older' },
  'x-as-of': { schema: { type: 'string' as const, format: 'date-time' }, description: 'all that callers were answered by then is in it' },
  etag: { schema: { type: 'string' as const }, description: 'sent along as `if-none-match`, it saves an answer that is still the same, but for its `asOf`' },
};

/** Of a GET route of a view; `answer` is the whole body. Routes that read no query need an empty `@Query` schema (`NoFilters`). */
export const Shows = (summary: string, answer: z.ZodType, description?: string) => applyDecorators(
  SetMetadata(ANSWER, answer), UseInterceptors(Showing), RouteConfig({ compressed: true }),
  ApiOperation({ summary, ...(description !== undefined && { description }) }),
  ApiHeader({ name: TOKEN, required: false, description: 'of an earlier answer, also of the wallet’s: nothing older than that is answered', schema: { type: 'string' } }),
  ApiHeader({ name: 'if-none-match', required: false, description: 'the `etag` of an earlier answer', schema: { type: 'string' } }),
  ApiQuery({ name: 'fields', required: false, description: 'only these fields of the answer, as `asOf,items.amount`', schema: { type: 'string' } }),
  ApiResponse({ status: 200, description: 'as of then', standardSchema: answer as never, headers: HEADERS }),
  ApiResponse({ status: 304, description: 'what `if-none-match` names is still what there is', headers: HEADERS }),
);

/** The body, with its headers; what is not there is refused, whosever it may be. */
export function shown<Body>(view: View<Body>, reply: FastifyReply): Body {
  const headers = headersOf(view);
  if (view.body === undefined) throw refuse('NOT_FOUND', view.why, { headers });
  void reply.headers({ ...headers, ...KEEPING });
  Object.assign(reply, { [VERSION]: view.exact && view.version });
  return view.body;
}

const headersOf = ({ asOf, token, ageMs }: Seen) => ({
  'x-as-of': asOf, [TOKEN]: token, ...(ageMs !== undefined && { age: String(Math.ceil(ageMs / 1_000)), warning: '110 - "an older answer; the new one is being read"' }),
});

@Injectable()
export class Showing implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const { url } = request;
    const selection = fieldsOf(request, Reflect.getMetadata(ANSWER, context.getHandler()) as z.ZodType);
    const answered = asking.run({ route: request.routeOptions.url ?? '', requestId: callId(request) }, () => next.handle());
    return answered.pipe(map((body: unknown) => {
      const etag = etagOf(callerOf(request).operatorId, url, (reply as { [VERSION]?: string })[VERSION], body);
      void reply.header('etag', etag);
      if (isKnown(request.headers['if-none-match'], etag)) {
        void reply.code(304);
        return undefined;
      }
      return selection ? picked(body, selection) : body;
    }));
  }
}

/** Taken out of the query: no route reads it itself. */
function fieldsOf(request: FastifyRequest, answer: z.ZodType): Selection | undefined {
  const { fields, ...rest } = request.query as Record<string, unknown>;
  if (fields === undefined) return undefined;
  request.query = rest;
  const selection = typeof fields === 'string' ? selectionOf(fields, answer) : { wrong: 'given more than once' };
  if ('wrong' in selection) {
    throw refuse('REQUEST_INVALID', `query: fields: ${selection.wrong}`, { errors: [{ field: 'fields', message: selection.wrong }] });
  }
  return selection.selection;
}

/**
 * Weak: two answers of one version may differ in their `asOf` and in how their cursors are written. Where no version names all that is shown, the
 * body does, but for its `asOf`.
 */
function etagOf(operator: string, url: string, version: string | undefined, body: unknown): string {
  const said = version ?? JSON.stringify(body, (key, value: unknown) => (key === 'asOf' ? undefined : value));
  return `W/"${createHash('sha256').update(JSON.stringify([operator, url, said])).digest('base64url').slice(0, 27)}"`;
}

const isKnown = (asked: string | undefined, etag: string): boolean =>
  asked !== undefined && (asked.trim() === '*' || asked.split(',').some((one) => one.trim().replace(/^(?!W\/)/, 'W/') === etag));
