/**
 * How a view's answer goes out, the same for all of them: its headers, `fields`, ETag and 304, compression. A route says `@Shows(summary, schema)`
 * and answers with `dated(view, reply)`, or with an object of its own around `shown(view, reply)`. Who may read was settled before: guards come first.
 */
import { createHash } from 'node:crypto';
import { applyDecorators, Injectable, SetMetadata, UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiHeader, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, map, type Observable } from 'rxjs';
import type { z } from 'zod';
import { callId } from '../../libs/http/index.ts';
import { callerOf, refuse, type Caller } from '../access/contract.ts';
import { picked, selectionOf, type Selection } from './fields.ts';
import { asking } from './reads/slow.ts';
import { isWrongToken, newestOf, readToken } from './reads.ts';
import type { Asker, Seen, View } from './view.ts';

export const TOKEN = 'x-consistency-token';
/** Answers are the caller's own, and are asked for again each time; an unchanged one need not be sent. */
const KEEPING = { 'cache-control': 'private, no-cache', vary: `authorization, ${TOKEN}, accept-encoding` };
const ANSWER = 'croupier:answer';
const SEEN = Symbol('seen');
const JSON_TYPE = 'application/json; charset=utf-8';

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

export const askerOf = ({ operatorId }: Caller, token: string | undefined): Asker => ({ operator: operatorId, ...(token !== undefined && { token }) });

/** The body, with its headers; what is not there is refused, whosever it may be. */
export function shown<Body>(view: View<Body>, reply: FastifyReply): Body {
  const { body } = view;
  if (body === undefined) throw refuse('NOT_FOUND', view.why, { headers: headersOf(view) });
  showing(view, reply);
  return body;
}

/** `shown`, with its age in the body too. What is kept as JSON is not written anew. */
export function dated<Body extends object>(view: View<Body>, reply: FastifyReply): (Body & { readonly asOf: string }) | Written {
  if (view.text === undefined) return { ...shown(view, reply), asOf: view.asOf };
  showing(view, reply);
  return new Written(view.text, view.asOf);
}

function showing(view: Seen, reply: FastifyReply): void {
  void reply.headers({ ...headersOf(view), ...KEEPING });
  Object.assign(reply, { [SEEN]: view });
}

/** An object as JSON, and when it was so. */
class Written {
  constructor(private readonly text: string, private readonly asOf: string) {}

  /** with its age behind all else */
  dated(): string {
    return `${this.text.slice(0, -1)}${this.text.length > 2 ? ',' : ''}"asOf":${JSON.stringify(this.asOf)}}`;
  }
}

const headersOf = ({ asOf, token, ageMs, late }: Seen) => ({
  'x-as-of': asOf, [TOKEN]: token,
  ...(ageMs !== undefined ? older(ageMs, '110 - "an older answer; the new one is being read"')
    : late && older(Math.max(0, Date.now() - Date.parse(asOf)), '111 - "an older answer; no server is there that has a newer one"')),
});
const older = (ms: number, warning: string) => ({ age: String(Math.ceil(ms / 1_000)), warning });

@Injectable()
export class Showing implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const { url } = request;
    const selection = fieldsOf(request, Reflect.getMetadata(ANSWER, context.getHandler()) as z.ZodType);
    const answered = asking.run({ route: request.routeOptions.url ?? '', requestId: callId(request) }, () => notBefore(seenBy(request), request, next));
    return answered.pipe(map((body: unknown) => {
      const etag = etagOf(callerOf(request).operatorId, url, (reply as { [SEEN]?: Seen })[SEEN], body);
      const known = tagsOf(request).find((tag) => tag === '*' || hashOf(tag) === hashOf(etag));
      void reply.header('etag', known === undefined || known === '*' ? etag : known);
      if (known !== undefined) {
        void reply.code(304);
        return undefined;
      }
      if (!(body instanceof Written)) return selection ? picked(body, selection) : body;
      const text = body.dated();
      if (selection) return picked(JSON.parse(text), selection);
      void reply.header('content-type', JSON_TYPE);
      return text;
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
 * `W/"<hash>.<token>"`. The hash is of what is shown: its version or, where none names all of it, the body but for its `asOf`. Behind it stands what the
 * answer had seen, so that who sends the tag along is not answered from before it. Weak: two answers of one hash may differ in their `asOf` and in how
 * their cursors are written.
 */
function etagOf(operator: string, url: string, { exact, version, token = '' }: Partial<Seen> = {}, body: unknown): string {
  const said = (exact && version) || JSON.stringify(body, (key, value: unknown) => (key === 'asOf' ? undefined : value));
  // Of another timeline what had been seen proves nothing: such a tag is not known any more.
  const parts = [operator, url, said, readToken(token)?.timeline];
  return `W/"${createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 27)}.${token}"`;
}

const TAG = /^W\/"([\w-]{27})\.([\w-]+)"$/;
const tagsOf = ({ headers }: FastifyRequest): string[] => (headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^(?=")/, 'W/'));
const hashOf = (tag: string): string | undefined => TAG.exec(tag)?.[1];

/** The most that the tags of earlier answers say was seen; a caller's token says it better. */
function seenBy(request: FastifyRequest): string | undefined {
  if (request.headers[TOKEN] !== undefined) return undefined;
  return newestOf(tagsOf(request).map((tag) => TAG.exec(tag)?.[2] ?? ''));
}

/** Runs the route with that token. A tag whose token is none of this database's history is a tag that nobody knows, and no error. */
function notBefore(token: string | undefined, { headers }: FastifyRequest, next: CallHandler): Observable<unknown> {
  if (token === undefined) return next.handle();
  headers[TOKEN] = token;
  return next.handle().pipe(catchError((error: unknown) => {
    if (!isWrongToken(error)) throw error;
    delete headers[TOKEN];
    return next.handle();
  }));
}
