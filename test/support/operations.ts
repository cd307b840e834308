/** The operations of the operator's API as the running system's OpenAPI document has them, with the example request of each. */

export interface Operation {
  readonly id: string;
  readonly method: string;
  /** `/v1/players/{playerId}` */
  readonly path: string;
  readonly pathParameters: readonly { readonly name: string; readonly example: string | undefined }[];
  readonly query: readonly string[];
  /** parameters of its query without which it is not answered, with an example of each */
  readonly required: Readonly<Record<string, string>>;
  /** undefined where it takes no body */
  readonly body: { readonly example: unknown; readonly schema: JsonSchema } | undefined;
  /** of JSON, by status */
  readonly answers: Readonly<Record<string, JsonSchema | undefined>>;
  /** `text/csv` and the like, by status */
  readonly types: Readonly<Record<string, readonly string[]>>;
  /** read from replicas through a view: these are walked in a world that has what they show, the others in the office's */
  readonly ofView: boolean;
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
      const parameters = (operation.parameters ?? []) as { name: string; in: string; required?: boolean; schema: JsonSchema }[];
      const responses = Object.entries(operation.responses as Record<string, any>);
      const schema = operation.requestBody?.content['application/json'].schema as JsonSchema | undefined;
      return {
        id: operation.operationId as string, method: method.toUpperCase(), path,
        pathParameters: parameters.filter((one) => one.in === 'path').map((one) => ({ name: one.name, example: exampleOf(one.schema) as string | undefined })),
        query: parameters.filter((one) => one.in === 'query').map(({ name }) => name),
        required: Object.fromEntries(parameters.filter((one) => one.in === 'query' && one.required).map((one) => [one.name, exampleOf(one.schema) as string])),
        body: schema && { schema, example: exampleOf(resolved(document, schema)) },
        answers: Object.fromEntries(responses.map(([status, response]) => [status, response.content?.['application/json']?.schema])),
        types: Object.fromEntries(responses.map(([status, response]) => [status, Object.keys(response.content ?? {})])),
        // What may be answered with "still the same" is a view's.
        ofView: '304' in operation.responses,
      };
    }));
}

const exampleOf = (schema: JsonSchema): unknown => schema['example'] ?? schema['examples']?.[0];

export function resolved(document: Document, schema: JsonSchema): JsonSchema {
  const { $ref } = schema as { $ref?: string };
  return $ref === undefined ? schema : (document.components.schemas[$ref.replace('#/components/schemas/', '')] as JsonSchema);
}

/** `?from=2026-01-31&to=2026-01-31`: what it cannot do without, where somebody knows better with that, and what else there is to ask. */
export function queryOf({ required }: Operation, values: Readonly<Record<string, string>> = {}, more = ''): string {
  const needed = Object.entries(required).map(([name, example]) => `${name}=${encodeURIComponent(values[name] ?? example)}`);
  const all = [...needed, ...(more === '' ? [] : [more])];
  return all.length === 0 ? '' : `?${all.join('&')}`;
}

/** `/v1/players/{playerId}` with values in it. */
export const pathWith = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? `no-${name}`));
