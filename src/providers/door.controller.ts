import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, NotFoundException, Post, Req, Res, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PinoLogger } from 'nestjs-pino';
import { Public } from '../access/contract.ts';
import { Metrics } from '../ops/metrics.ts';
import { Fault } from '../wallet/contract.ts';
import { Calls, type Destination, type Route } from './calls.ts';
import type { WireAnswer } from './contract.ts';
import { loggedId } from './logged-id.ts';
import { send, write } from './socket.ts';

/** While calls are refused by the thousand, a line tells of all that came in so long. */
const LINE_MS = 1_000;
/** What a call came to that was not served is the core's code for it. */
const CODE = /^[A-Z]/;

/** The providers' door: raw bytes in, raw bytes out. Its routes are the operations of the dialects, from which the OpenAPI document is made. */
@ApiExcludeController()
@Public('every call is signed; its dialect verifies the raw bytes')
@Controller()
export class DoorController implements OnModuleInit {
  private overloaded = { calls: 0, toldAt: -Infinity };

  constructor(
    private readonly calls: Calls,
    private readonly host: HttpAdapterHost,
    private readonly metrics: Metrics,
    private readonly logger: PinoLogger,
  ) {}

  /** Ahead of the framework: a call that is turned away by its head costs hardly more than reading that and writing the answer. */
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

  private turnedAway({ method = '', url = '', headers, socket }: IncomingMessage): WireAnswer | undefined {
    const destination = this.calls.destination(url);
    const answer = destination && this.calls.turnedAway(destination, method, headers);
    if (answer) this.tell(destination.route, this.calls.noted(destination, { method, headers }, answer, socket), 0);
    return answer;
  }

  @Post('v1/wallet/:operation')
  native(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.call(request, reply);
  }

  @Post('providers/:account/*')
  dialect(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.call(request, reply);
  }

  private async call(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { url = '' } = request.raw;
    const destination = this.calls.destination(url);
    if (!destination && this.calls.isBlind(url)) throw new Fault('UNAVAILABLE', 'nobody can say now whose path that is');
    if (!hasRoute(destination)) throw new NotFoundException();
    const startedAt = performance.now();
    const answer = await this.calls.handle(destination, request.headers, request.body as Buffer | undefined, request);
    this.tell(destination.route, answer, performance.now() - startedAt);
    send(reply, answer);
  }

  private tell(route: Route | undefined, { status, outcome, headers }: WireAnswer, ms: number): void {
    const operation = route?.label ?? 'other';
    this.metrics.answered(operation, status, outcome, ms);
    if (outcome === 'OVERLOADED') {
      this.tellOfOverload(performance.now());
    } else if (CODE.test(outcome)) {
      this.logger.info({ requestId: loggedId(headers['x-request-id']), operation, status, code: outcome, ms: Math.round(ms * 10) / 10 }, 'call not served');
    } else if (this.logger.logger.isLevelEnabled('debug')) {
      this.logger.debug({ requestId: loggedId(headers['x-request-id']), operation, status, outcome, ms }, 'call served');
    }
  }

  private tellOfOverload(now: number): void {
    this.overloaded.calls++;
    if (now - this.overloaded.toldAt < LINE_MS) return;
    this.logger.warn({ code: 'OVERLOADED', calls: this.overloaded.calls }, 'calls refused: too much at once');
    this.overloaded = { calls: 0, toldAt: now };
  }
}

const hasRoute = (destination: Destination | undefined): destination is Destination & { readonly route: Route } => destination?.route !== undefined;
