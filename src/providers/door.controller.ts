import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, NotFoundException, Param, Post, Req, Res, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { Public } from '../access/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { Admission, Fault } from '../wallet/contract.ts';
import { Configuration } from './configuration.ts';
import { NativeAdapter, requestIdOf } from './native/adapter.ts';
import { problemAnswer, send, write, type WireAnswer } from './native/answers.ts';
import { isOperation } from './native/schema.ts';

const PATH = 'v1/wallet';
const BELOW = `/${PATH}/`;
const NOTHING = Buffer.alloc(0);
/** While calls are refused by the thousand, a line tells of all that came in so long. */
const LINE_MS = 1_000;

/** The providers' door: raw bytes in, raw bytes out. Its routes are described by `native/schema.ts`, from which the OpenAPI document is made. */
@ApiExcludeController()
@Public('every call is signed; its dialect verifies the raw bytes')
@Controller(PATH)
export class DoorController implements OnModuleInit {
  private readonly native: NativeAdapter;
  private overloaded = { calls: 0, toldAt: -Infinity };

  constructor(
    configuration: Configuration,
    commands: CommandBus,
    queries: QueryBus,
    admission: Admission,
    private readonly host: HttpAdapterHost,
    private readonly metrics: Metrics,
    private readonly logger: PinoLogger,
  ) {
    this.native = new NativeAdapter(configuration, commands, queries, admission);
  }

  /** Ahead of the framework: a call that is turned away by its path costs hardly more than reading its head and writing the answer. */
  onModuleInit(): void {
    const { server } = this.host.httpAdapter.getInstance<FastifyInstance>();
    const serve = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const answer = server.listening ? this.turnedAway(request) : undefined;
      if (answer) write(response, answer);
      else for (const each of serve) each.call(server, request, response);
    });
  }

  private turnedAway({ method, url, headers }: IncomingMessage): WireAnswer | undefined {
    if (method !== 'POST' || !url?.startsWith(BELOW)) return undefined;
    const operation = url.slice(BELOW.length);
    if (!isOperation(operation)) return undefined;
    const answer = this.native.turnedAway(operation, headers);
    if (answer) {
      this.metrics.answered(operation, answer.status, answer.outcome, 0);
      this.tellOfOverload(performance.now());
    }
    return answer;
  }

  @Post(':operation')
  async call(@Param('operation') operation: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!isOperation(operation)) throw new NotFoundException();
    const startedAt = performance.now();
    const answer = isJson(request.headers['content-type'])
      ? await this.native.handle(operation, request.headers, (request.body as Buffer | undefined) ?? NOTHING, this.onFault)
      : problemAnswer('MEDIA_TYPE_UNSUPPORTED', requestIdOf(request.headers));
    const ms = performance.now() - startedAt;
    this.metrics.answered(operation, answer.status, answer.outcome, ms);
    if (answer.outcome === 'OVERLOADED') {
      this.tellOfOverload(startedAt + ms);
    } else if (answer.status >= 400) {
      const requestId = answer.headers['x-request-id'];
      this.logger.info({ requestId, operation, status: answer.status, code: answer.outcome, ms: Math.round(ms * 10) / 10 }, 'call not served');
    } else if (this.logger.logger.isLevelEnabled('debug')) {
      this.logger.debug({ requestId: answer.headers['x-request-id'], operation, status: answer.status, outcome: answer.outcome, ms }, 'call served');
    }
    send(reply, answer);
  }

  private tellOfOverload(now: number): void {
    this.overloaded.calls++;
    if (now - this.overloaded.toldAt < LINE_MS) return;
    this.logger.warn({ code: 'OVERLOADED', calls: this.overloaded.calls }, 'calls refused: too much at once');
    this.overloaded = { calls: 0, toldAt: now };
  }

  private readonly onFault = (fault: unknown, requestId: string): void => {
    if (fault instanceof Fault && fault.code === 'OVERLOADED') return;
    const expected = fault instanceof Fault && fault.code !== 'INTERNAL';
    if (expected) this.logger.warn({ requestId, code: fault.code, reason: fault.message }, 'fault');
    else this.logger.error({ requestId, err: fault }, 'unexpected fault');
  };
}

/** `application/json`, with or without parameters, in any case. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  return contentType !== undefined && /^\s*application\/json\s*(;|$)/i.test(contentType);
}
