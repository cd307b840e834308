/**
 * The ceiling of the HTTP side: the wallet's Nest and Fastify, its signature check and its schema, and an answer of a receipt's form
 * without a database, a command bus, metrics or logging. Node runs this file as it is, so decorators are called and not written.
 */
import 'reflect-metadata';
import { Controller, Get, Module, Param, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { built } from '../built.ts';

const crypto = await built<typeof import('../../../libs/crypto/index.ts')>('libs/crypto/index');
const { OPERATIONS } = await built<typeof import('../../../src/providers/native/schema.ts')>('src/providers/native/schema');

const apiKey = process.env['BARE_KEY'];
const keys = [crypto.decodeSecret(process.env['BARE_SECRET'] ?? '')];
const HEADERS = {
  'content-type': 'application/json', 'cache-control': 'no-store', 'x-wallet-version': '2',
  'x-consistency-token': 'MSAwMDAwMDAwMSAwLzE5QTJCM0MgMTIzNDU2Nzg5IDQy',
};

function receiptOf(headers: FastifyRequest['headers'], raw: Buffer): string | undefined {
  const { 'x-api-key': key, 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers;
  if (key !== apiKey || typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') return undefined;
  if (!crypto.signatureMatches(keys, id, timestamp, raw, signature)) return undefined;
  if (!crypto.timestampInRange(timestamp, Date.now(), 300)) return undefined;
  const parsed = OPERATIONS.bet.request.safeParse(JSON.parse(raw.toString('utf8')));
  if (!parsed.success) return undefined;
  const { transactionId, amount, currency } = parsed.data;
  return JSON.stringify({
    transactionId: '019aa5f2-7c1e-7000-8000-3ade68b10000', reference: transactionId, type: 'bet', status: 'applied', outcome: 'applied',
    amount, currency, balance: '999999.00', walletVersion: 2, processedAt: new Date().toISOString(),
  });
}

class Door {
  ready(): string {
    return 'ok';
  }

  async call(operation: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const receipt = operation === 'bet' ? receiptOf(request.headers, request.body as Buffer) : undefined;
    if (receipt === undefined) return void reply.status(400).send();
    void reply.status(200).headers({ ...HEADERS, 'x-request-id': request.headers['webhook-id'] }).send(receipt);
  }
}

type Decorator = MethodDecorator | ParameterDecorator;

function decorate(method: 'ready' | 'call', decorator: Decorator, parameter?: number): void {
  const third = parameter ?? Object.getOwnPropertyDescriptor(Door.prototype, method);
  (decorator as (target: object, name: string, third: unknown) => void)(Door.prototype, method, third);
}

Controller()(Door);
decorate('ready', Get('ready'));
decorate('call', Post('v1/wallet/:operation'));
decorate('call', Param('operation'), 0);
decorate('call', Req(), 1);
decorate('call', Res(), 2);

class Bare {}
Module({ controllers: [Door] })(Bare);

const adapter = new FastifyAdapter({
  logger: false, bodyLimit: 64 * 1024, keepAliveTimeout: 75_000, requestTimeout: 15_000, routerOptions: { maxParamLength: 200 },
});
const app = await NestFactory.create<NestFastifyApplication>(Bare, adapter, { bodyParser: false, logger: ['error'] });
const fastify = adapter.getInstance();
fastify.removeAllContentTypeParsers();
fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.enableShutdownHooks();
await app.listen(Number(process.env['PORT']), '127.0.0.1');
