/** How routes of exports say what they are, beside what `@Require` says. */
import { applyDecorators, createParamDecorator, HttpCode, type ExecutionContext } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { refuse } from '../../access/contract.ts';

const HEADER = 'idempotency-key';
const KEY = /^[\x20-\x7e]{1,128}$/;
const STRING = { type: 'string' as const };

/** The key of a command; refuses one without. */
export const CommandKey = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const key = context.switchToHttp().getRequest<FastifyRequest>().headers[HEADER];
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw refuse('REQUEST_INVALID', 'header: Idempotency-Key', { errors: [{ field: 'Idempotency-Key', message: 'a header of 1 to 128 printable characters is needed' }] });
});

export const Answers = (answer: z.ZodType, summary: string, description?: string) => applyDecorators(
  HttpCode(200), ApiOperation({ summary, ...(description !== undefined && { description }) }),
  ApiResponse({ status: 200, description: 'as it is now', standardSchema: answer as never }),
);

export const Does = (status: 200 | 201, answer: z.ZodType, summary: string, description?: string) => applyDecorators(
  HttpCode(status), ApiOperation({ summary, ...(description !== undefined && { description }) }),
  ApiHeader({ name: 'Idempotency-Key', required: true, schema: { ...STRING, minLength: 1, maxLength: 128 }, description: '1 to 128 printable characters; the same command again is answered, not done again' }),
  ApiResponse({
    status, description: 'done, now or before', standardSchema: answer as never,
    headers: { 'idempotent-replayed': { description: '`true` where it had been done before', schema: STRING } },
  }),
);

/** Something else than JSON. */
export const Streams = (types: readonly string[], summary: string, description: string) => applyDecorators(
  ApiOperation({ summary, description }),
  ApiResponse({ status: 200, description, content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' as const } }])) }),
);
