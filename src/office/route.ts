/** How a route of the office describes itself in OpenAPI, beside what `@Require` says. */
import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';

interface Described {
  readonly summary: string;
  readonly description?: string;
}

const STRING = { type: 'string' as const };
const REPLAYED = { 'idempotent-replayed': { description: '`true` where this is the kept answer of a command done before', schema: STRING } };

/** A read: what it answers. */
export const Answers = (answer: z.ZodType, { summary, description }: Described) => applyDecorators(
  HttpCode(200), ApiOperation({ summary, description }), ApiResponse({ status: 200, description: 'as it is now', standardSchema: answer as never }),
);

/** A command: done once under its `Idempotency-Key`. */
export const Does = (status: 200 | 201, answer: z.ZodType, { summary, description }: Described) => applyDecorators(
  HttpCode(status), ApiOperation({ summary, description }),
  ApiHeader({
    name: 'Idempotency-Key', required: true, schema: { ...STRING, minLength: 1, maxLength: 128 },
    description: '1 to 128 printable characters; the same command again is answered, not done again, and secrets are left out of that answer',
  }),
  ApiResponse({ status, description: 'done, now or before', standardSchema: answer as never, headers: REPLAYED }),
);
