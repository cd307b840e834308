import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.ts';
import type { Config } from './config.ts';
import { serveReference } from './providers/openapi.ts';

const BODY_BYTES = 64 * 1024;

/** The application, wired and not yet listening. Throws `UnfitDatabase` where it must not run. */
export async function createApp(config: Config): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    logger: false, skipMiddie: true, bodyLimit: BODY_BYTES, keepAliveTimeout: 75_000, requestTimeout: 15_000, routerOptions: { maxParamLength: 200 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(config), adapter, { logger: false, bodyParser: false, abortOnError: false });
  app.useLogger(app.get(Logger));
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  // Bytes stay bytes: what is signed is verified before anything reads it.
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  serveReference(app);
  return app;
}
