import { Catch, HttpException, Optional, ServiceUnavailableException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { callId, problem, PROBLEM_TYPE, ProblemError } from '../../libs/http/index.ts';
import { Metrics } from '../ops/metrics.ts';
import { Fault } from '../wallet/contract.ts';
import type { WireAnswer } from './contract.ts';
import { PathFailures, type DoorCode } from './failures.ts';
import { loggedId } from './logged-id.ts';
import { problemAnswer } from './native/answers.ts';
import { send } from './socket.ts';

const CODES: Partial<Record<number, DoorCode>> = {
  400: 'REQUEST_INVALID', 404: 'ROUTE_NOT_FOUND', 405: 'METHOD_NOT_ALLOWED', 413: 'BODY_TOO_LARGE', 415: 'MEDIA_TYPE_UNSUPPORTED',
};

/** What no controller answered: every error leaves as a problem, and none shows its inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: PinoLogger,
    private readonly metrics: Metrics,
    /** in the roles that have a providers' door */
    @Optional() private readonly paths?: PathFailures,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    // A failed health check is terminus' to describe.
    if (exception instanceof ServiceUnavailableException && request.url.startsWith('/health/')) {
      void reply.status(exception.getStatus()).header('cache-control', 'no-store').send(exception.getResponse());
      return;
    }
    const answer = exception instanceof ProblemError ? shown(exception, callId(request)) : this.answerTo(exception, request);
    this.metrics.answered(exception instanceof ProblemError ? routeOf(request) : 'other', answer.status, answer.outcome, 0);
    send(reply, answer);
  }

  private answerTo(exception: unknown, request: FastifyRequest): WireAnswer {
    const requestId = callId(request);
    if (exception instanceof Fault && exception.code !== 'INTERNAL') {
      this.logger.warn({ requestId: loggedId(requestId), code: exception.code, reason: exception.message, err: exception.cause }, 'fault');
      return problemAnswer(exception.code, requestId);
    }
    const { statusCode } = exception as { statusCode?: number };
    const status = exception instanceof HttpException ? exception.getStatus() : (statusCode ?? 500);
    const code = CODES[status] ?? (status >= 400 && status < 500 ? 'REQUEST_INVALID' : undefined);
    const ofPath = this.paths?.answer(request.method, request.raw.url ?? '', request.headers, code ?? 'INTERNAL', request);
    if (!code) this.logger.error({ err: exception, requestId: loggedId(ofPath?.headers['x-request-id'] ?? requestId) }, 'a request failed');
    return ofPath ?? problemAnswer(code ?? 'INTERNAL', requestId);
  }
}

function shown({ shown: fields, headers }: ProblemError, requestId: string): WireAnswer {
  return {
    status: fields.status, outcome: fields.code, body: JSON.stringify(problem({ ...fields, requestId })),
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', 'x-request-id': requestId, ...headers },
  };
}

/** What was asked for, by its pattern: one name however many ids there are. */
const routeOf = ({ method, routeOptions }: FastifyRequest): string => (routeOptions?.url?.startsWith('/v1/') ? `${method} ${routeOptions.url}` : 'other');
