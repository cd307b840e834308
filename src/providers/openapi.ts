import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { CODES } from '../access/contract.ts';
import { DIALECTS } from '../installed.ts';
import type { AnyDialect, Operation } from './contract.ts';
import { MEANINGS } from './native/refusals.ts';
import { OPERATIONS } from './native/schema.ts';

/** OpenAPI 3.1 of all that this process serves: what Nest finds by itself, and the providers' door out of its dialects' lists of operations. */
export function openApiDocument(app: NestFastifyApplication, dialects: readonly AnyDialect[] = DIALECTS): OpenAPIObject {
  const builder = new DocumentBuilder().setOpenAPIVersion('3.1.0').setTitle('Croupier').setVersion('1')
    .setDescription(DESCRIPTION)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'a key of the operator’s API, `ck_…`' }, 'apiKey')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'x-api-key', description: 'public key id of the provider account' }, 'key')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'webhook-signature', description: 'v1,base64(HMAC-SHA256(secret, "{webhook-id}.{webhook-timestamp}.{raw body}"))' }, 'signature');
  const operationIdFactory = (controller: string, method: string) => `${controller.replace('Controller', '').toLowerCase()}.${method}`;
  const document = SwaggerModule.createDocument(app, builder.build(), { standardSchemaConverter: schemaOf as never, operationIdFactory });
  const withKeys = Object.keys(document.paths).length > 0;
  const codes = Object.keys(withKeys ? { ...MEANINGS, ...CODES } : MEANINGS);
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem: problemOf(codes) as never } };
  for (const [name, operation] of Object.entries(OPERATIONS)) document.paths[`/v1/wallet/${name}`] = { post: describe(name, operation) } as never;
  for (const dialect of dialects) if (dialect.name !== 'native') describeDialect(document, dialect);
  return document;
}

/** The document at /docs/openapi.json, Nest's own page at /docs; nothing of it comes from elsewhere. */
export function serveReference(app: NestFastifyApplication, dialects: readonly AnyDialect[]): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app, dialects), { jsonDocumentUrl: 'docs/openapi.json', customSiteTitle: 'Croupier API' });
}

const DESCRIPTION = 'Seamless wallet. Game providers sign every call by Standard Webhooks 1.0; operators call with an API key. '
  + 'Every error is problem+json and is judged by its `code`. Under /providers/{account} each account is called in its provider’s own dialect, '
  + 'signed and answered as that has it.';

const problemOf = (codes: readonly string[]) => ({
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId', 'retryable'],
  properties: {
    type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, code: { type: 'string', enum: codes },
    detail: { type: 'string' }, requestId: { type: 'string' }, retryable: { type: 'boolean', description: 'whether the same call, signed anew, can help' },
    balance: { type: 'string' }, currency: { type: 'string' }, actionIndex: { type: 'integer' },
    errors: { type: 'array', items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } } },
  },
});

const inline = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, reused: 'inline', unrepresentable: 'any' });
  return json;
};

/** A zod schema as OpenAPI 3.1 has it; what has an id stands among the components. */
function schemaOf(schema: unknown, { schemaType }: { schemaType: 'input' | 'output' }): object | undefined {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { $schema: _, $defs = {}, id, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: schemaType, unrepresentable: 'any' });
  const components = Object.fromEntries(Object.entries($defs).map(([name, { id: __, ...each }]) => [name, each]));
  return id === undefined ? { schema: json, components } : { schema: { $ref: `#/components/schemas/${id}` }, components: { ...components, [id]: json } };
}

function describe(name: string, operation: { summary: string; request: z.ZodType; answer: z.ZodType }): object {
  const header = (title: string, description: string) => ({ name: title, in: 'header', required: true, description, schema: { type: 'string' } });
  return {
    operationId: name, summary: operation.summary, tags: ['wallet'], security: [{ key: [], signature: [] }],
    parameters: [header('webhook-id', 'request id, echoed as x-request-id; never an idempotency key'), header('webhook-timestamp', 'Unix seconds, within 300 s')],
    requestBody: { required: true, content: { 'application/json': { schema: inline(operation.request, 'input') } } },
    responses: {
      200: {
        description: 'done, or known', content: { 'application/json': { schema: inline(operation.answer, 'output') } },
        headers: Object.fromEntries(['x-request-id', 'x-wallet-version', 'x-consistency-token'].map((title) => [title, { schema: { type: 'string' } }])),
      },
      default: { description: 'judge by `code`', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
    },
  };
}

/** Every answer of a dialect, good or bad, is of its own form: this document names that of what is served. */
function describeDialect(document: OpenAPIObject, { name, title, operations }: AnyDialect): void {
  for (const operation of operations as readonly Operation[]) {
    const path = (account: string) => `/providers/{${account}}/${operation.path}`;
    // Two dialects may have one path: to the account it is told which of them is spoken.
    const account = path('account') in document.paths ? `${name}Account` : 'account';
    const json = (schema: z.ZodType, io: 'input' | 'output') => ({ content: { 'application/json': { schema: inline(schema, io) } } });
    document.paths[path(account)] = {
      post: {
        operationId: `${name}.${operation.name}`, summary: operation.summary, tags: [title],
        parameters: [{ name: account, in: 'path', required: true, description: 'id of the provider account', schema: { type: 'integer' } }],
        requestBody: { required: true, ...json(operation.request, 'input') },
        responses: { default: { description: 'as the dialect has it, errors and their status too', ...json(operation.answer, 'output') } },
      },
    } as never;
  }
}
