import 'reflect-metadata';
import compress from '@fastify/compress';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Logger } from 'nestjs-pino';
import { callId } from '../libs/http/index.ts';
import { refuseUndeclared, tellOtherMethods } from './access/routes.ts';
import { AppModule } from './app.module.ts';
import type { Config } from './config.ts';
import { DIALECTS } from './installed.ts';
import type { AnyDialect } from './providers/contract.ts';
import { native } from './providers/native/adapter.ts';
import { problemAnswer } from './providers/native/answers.ts';
import { serveReference } from './providers/openapi.ts';
import { send } from './providers/socket.ts';

const BODY_BYTES = 64 * 1024;
/** Less is sent as fast as it is. */
const COMPRESSED_FROM = 1_024;

/** The application, wired and not yet listening. Throws `UnfitDatabase` where it must not run. `dialects`: what its providers may speak. */
export async function createApp(config: Config, dialects: readonly AnyDialect[] = DIALECTS): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    // An id of 128 characters, each of four bytes, each of those as %XX.
    routerOptions: { maxParamLength: 128 * 4 * 3 },
    // Whose address a call has, for allow-lists and throttles, where it comes through a proxy.
    ...(config.trustedProxies.length > 0 && { trustProxy: [...config.trustedProxies] }),
    logger: false, skipMiddie: true, bodyLimit: BODY_BYTES, keepAliveTimeout: 75_000, requestTimeout: 15_000,
    // A path that the router cannot even read.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) =>
      send(reply, problemAnswer('ROUTE_NOT_FOUND', native.requestId(request) ?? callId(request))),
  });
  refuseUndeclared(() => app, adapter.getInstance());
  tellOtherMethods(() => app, adapter.getInstance());
  await compressViews(adapter.getInstance());
  const root = await AppModule.forRoot(config, dialects);
  const app: NestFastifyApplication = await NestFactory.create<NestFastifyApplication>(root, adapter, { logger: false, bodyParser: false, abortOnError: false });
  app.useLogger(app.get(Logger));
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  // Bytes stay bytes: what is signed is verified before anything reads it.
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  fastify.addHook('preClose', (done) => {
    // A caller that keeps its connection open after its last answer does not keep the process.
    setInterval(() => fastify.server.closeIdleConnections(), 25).unref();
    done();
  });
  serveReference(app, dialects);
  return app;
}

/** Answers of routes that say so (`@Shows`); a call that moves money passes through none of it. */
async function compressViews(fastify: FastifyInstance): Promise<void> {
  fastify.addHook('onRoute', (route) => {
    route.compress = 'compressed' in (route.config ?? {}) ? { threshold: COMPRESSED_FROM } : false;
  });
  await fastify.register(compress, { global: false, globalDecompression: false, encodings: ['br', 'gzip'] });
}
