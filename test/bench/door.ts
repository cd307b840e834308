/**
 * The HTTP side that the rivals share with the wallet: Nest and Fastify set alike, the wallet's own signature check and its own schema,
 * and answers of a receipt's form. Node runs these files as they are, so decorators are called and not written.
 */
import 'reflect-metadata';
import { Controller, Get, Module, Param, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { built } from './built.ts';

const crypto = await built<typeof import('../../libs/crypto/index.ts')>('libs/crypto/index');
const { OPERATIONS } = await built<typeof import('../../src/providers/native/schema.ts')>('src/providers/native/schema');

type Requests = { [Name in 'bet' | 'balance']: ReturnType<(typeof OPERATIONS)[Name]['request']['parse']> };

export interface Answer {
  readonly status: number;
  readonly body: object;
  readonly version?: number;
}

/** What a rival does behind the signature and the schema. `metrics` is what it counts, in the wallet's words. */
export interface Rival {
  bet(request: Requests['bet']): Answer | Promise<Answer>;
  balance?(request: Requests['balance']): Answer | Promise<Answer>;
  metrics?(): string;
}

const apiKey = process.env['RIVAL_KEY'];
const keys = [crypto.decodeSecret(process.env['RIVAL_SECRET'] ?? '')];
/** As long as a real one. */
const TOKEN = 'MSAwMDAwMDAwMSAwLzE5QTJCM0MgMTIzNDU2Nzg5IDQy';

/** The call's body, where its signature fits and its schema holds. */
function readCall<Name extends keyof Requests>(name: Name, headers: FastifyRequest['headers'], raw: Buffer): Requests[Name] | undefined {
  const { 'x-api-key': key, 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
  if (key !== apiKey || typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') return undefined;
  if (!crypto.signatureMatches(keys, id, timestamp, raw, signature)) return undefined;
  if (!crypto.timestampInRange(timestamp, Date.now(), 300)) return undefined;
  const parsed = OPERATIONS[name].request.safeParse(JSON.parse(raw.toString('utf8')));
  return parsed.success ? (parsed.data as Requests[Name]) : undefined;
}

async function answerOf(rival: Rival, operation: string, request: FastifyRequest): Promise<Answer | undefined> {
  if (operation === 'bet') {
    const call = readCall('bet', request.headers, request.body as Buffer);
    return call && (await rival.bet(call));
  }
  const call = operation === 'balance' && rival.balance ? readCall('balance', request.headers, request.body as Buffer) : undefined;
  return call && (await rival.balance?.(call));
}

function doorOf(rival: Rival): new () => object {
  class Door {
    ready(): string {
      return 'ok';
    }

    metrics(): string {
      return rival.metrics?.() ?? '';
    }

    async call(operation: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const answer = await answerOf(rival, operation, request);
      if (answer === undefined) return void reply.status(400).send();
      const body = JSON.stringify(answer.body);
      // To the socket as it is, as the wallet does: the ceiling must not be lower than what stands under it.
      reply.hijack();
      reply.raw.writeHead(answer.status, {
        'content-type': answer.status < 300 ? 'application/json' : 'application/problem+json', 'cache-control': 'no-store',
        'x-wallet-version': answer.version ?? 0, 'x-consistency-token': TOKEN, 'x-request-id': request.headers['webhook-id'],
        'content-length': Buffer.byteLength(body),
      });
      reply.raw.end(body);
    }
  }
  const decorate = (method: 'ready' | 'metrics' | 'call', decorator: MethodDecorator | ParameterDecorator, parameter?: number): void => {
    const third = parameter ?? Object.getOwnPropertyDescriptor(Door.prototype, method);
    (decorator as (target: object, name: string, third: unknown) => void)(Door.prototype, method, third);
  };
  Controller()(Door);
  decorate('ready', Get('ready'));
  decorate('metrics', Get('metrics'));
  decorate('call', Post('v1/wallet/:operation'));
  decorate('call', Param('operation'), 0);
  decorate('call', Req(), 1);
  decorate('call', Res(), 2);
  return Door;
}

/** Serves on PORT until the process is told to stop, then calls `close`. */
export async function serve(rival: Rival, close?: () => Promise<void>): Promise<void> {
  class Root {
    async onApplicationShutdown(): Promise<void> {
      await close?.();
    }
  }
  Module({ controllers: [doorOf(rival)] })(Root);
  const adapter = new FastifyAdapter({
    logger: false, skipMiddie: true, bodyLimit: 64 * 1024, keepAliveTimeout: 75_000, requestTimeout: 15_000, routerOptions: { maxParamLength: 200 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(Root, adapter, { bodyParser: false, logger: ['error'] });
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.enableShutdownHooks();
  await app.listen(Number(process.env['PORT']), '127.0.0.1');
}
