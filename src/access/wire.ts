/** What every route with a key does alike: bodies are strict JSON, unknown things are refused by name, answers bear their request's id. */
import {
  Injectable, StandardSchemaValidationPipe, type ArgumentMetadata, type CallHandler, type ExecutionContext, type NestInterceptor,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import { callId, NotJson, parseJson } from '../../libs/http/index.ts';
import { Metrics } from '../ops/metrics.ts';
import { notFound, refuse } from './refuse.ts';

/** Of Nest's route arguments: those that read the body and the query. */
const BODY = '3:';
const QUERY = '4:';
const MOST_ERRORS = 20;

/** Validates by the schema beside the argument. What a path names and is no id is not there, like any other thing that is not. */
@Injectable()
export class WirePipe extends StandardSchemaValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    const { schema, type } = metadata;
    if (!schema || type === 'custom') return value;
    const result = await schema['~standard'].validate(type === 'body' ? bodyOf(value) : value);
    if (!result.issues) return result.value as T;
    if (type === 'param') throw notFound();
    // An issue of many fields has all of their names in its words: said of each, a request of some KB would be answered with some MB.
    const errors = result.issues.slice(0, MOST_ERRORS).flatMap((issue) => {
      const fields = fieldsOf(issue).slice(0, MOST_ERRORS);
      return fields.map((field) => ({ field, message: wordsOf(issue) }));
    }).slice(0, MOST_ERRORS);
    throw refuse('REQUEST_INVALID', `${type}: ${errors.map(({ field }) => field || 'not of the form').join(', ')}`, { errors });
  }
}

/** No body and an empty object are the same. */
function bodyOf(value: unknown): unknown {
  const raw = value as Buffer | undefined;
  if (!raw || raw.length === 0) return {};
  try {
    return parseJson(raw);
  } catch (error) {
    if (error instanceof NotJson) throw refuse('REQUEST_INVALID', `the body is ${error.message}`);
    throw error;
  }
}

/** Fields that nobody knows are named, not only where they stand. */
function fieldsOf(issue: { readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[]; readonly keys?: readonly string[] }): string[] {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return (issue.keys ?? [undefined]).map((key) => [...path, ...(key === undefined ? [] : [key])].join('.'));
}

/** A validator's own words are for who writes schemas. */
function wordsOf({ keys, message }: { readonly keys?: readonly string[]; readonly message: string }): string {
  if (keys) return 'not known here';
  return /^Invalid input: expected .*, received undefined$/.test(message) ? 'needed here' : message;
}

/** Beside the answer: its request's id, that nobody keeps it, and a count of it. */
@Injectable()
export class WireInterceptor implements NestInterceptor {
  constructor(private readonly metrics: Metrics) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const startedAt = performance.now();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    const raw = request.body as Buffer | undefined;
    const reads = argumentsOf(context);
    if (raw && raw.length > 0) {
      if (!reads.has(BODY)) throw refuse('REQUEST_INVALID', 'a body where none is read');
      if (!/^\s*application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) throw refuse('MEDIA_TYPE_UNSUPPORTED');
    }
    const unread = reads.has(QUERY) ? [] : Object.keys(request.query as object);
    if (unread.length > 0) {
      const errors = unread.slice(0, MOST_ERRORS).map((field) => ({ field, message: 'not known here' }));
      throw refuse('REQUEST_INVALID', `query: ${errors.map(({ field }) => field).join(', ')}`, { errors });
    }
    void reply.headers({ 'x-request-id': callId(request), 'cache-control': 'no-store' });
    return next.handle().pipe(tap(() => {
      this.metrics.answered(`${request.method} ${request.routeOptions.url ?? ''}`, reply.statusCode, 'ok', performance.now() - startedAt);
    }));
  }
}

const known = new WeakMap<object, ReadonlySet<string>>();

function argumentsOf(context: ExecutionContext): ReadonlySet<string> {
  const handler = context.getHandler();
  const found = known.get(handler) ?? new Set(
    Object.keys((Reflect.getMetadata(ROUTE_ARGS_METADATA, context.getClass(), handler.name) ?? {}) as object).map((key) => key.slice(0, 2)));
  known.set(handler, found);
  return found;
}
