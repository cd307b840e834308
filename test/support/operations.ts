/** The operations of the operator's API as the running system's OpenAPI document has them, with the example request of each. */

export interface Operation {
  readonly id: string;
  readonly method: string;
  /** `/v1/players/{playerId}` */
  readonly path: string;
  readonly pathParameters: readonly { readonly name: string; readonly example: string | undefined }[];
  readonly query: readonly string[];
  /** undefined where it takes no body */
  readonly body: { readonly example: unknown; readonly schema: JsonSchema } | undefined;
  readonly answers: Readonly<Record<string, JsonSchema | undefined>>;
}

export type JsonSchema = Readonly<Record<string, any>>;

export interface Document {
  readonly paths: Record<string, Record<string, any>>;
  readonly components: { readonly schemas: Record<string, JsonSchema> };
}

export async function documentOf(baseUrl: string): Promise<Document> {
  return (await (await fetch(`${baseUrl}/docs/openapi.json`)).json()) as Document;
}

/** Of those that a key lets in to. */
export function operationsOf(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods)
    .filter(([, operation]) => operation.security?.some((scheme: object) => 'apiKey' in scheme))
    .map(([method, operation]) => {
      const parameters = (operation.parameters ?? []) as { name: string; in: string; schema: JsonSchema }[];
      const schema = operation.requestBody?.content['application/json'].schema as JsonSchema | undefined;
      return {
        id: operation.operationId as string, method: method.toUpperCase(), path,
        pathParameters: parameters.filter((one) => one.in === 'path').map((one) => ({ name: one.name, example: exampleOf(one.schema) as string | undefined })),
        query: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
        body: schema && { schema, example: exampleOf(resolved(document, schema)) },
        answers: Object.fromEntries(Object.entries(operation.responses as Record<string, any>).map(([status, response]) => [status, response.content?.['application/json']?.schema])),
      };
    }));
}

const exampleOf = (schema: JsonSchema): unknown => schema['example'] ?? schema['examples']?.[0];

export function resolved(document: Document, schema: JsonSchema): JsonSchema {
  const { $ref } = schema as { $ref?: string };
  return $ref === undefined ? schema : (document.components.schemas[$ref.replace('#/components/schemas/', '')] as JsonSchema);
}

/** `/v1/players/{playerId}` with values in it. */
export const pathWith = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? `no-${name}`));
