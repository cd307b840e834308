/** `?fields=a,b.c`: a part of an answer. Lists are passed through: `items.amount` is the amount of each. Pure. */
import type { z } from 'zod';

/** a field → what of it, all of it where there is nothing more to say */
export type Selection = ReadonlyMap<string, Selection>;
type Growing = Map<string, Growing>;

const MOST_FIELDS = 64;
const LONGEST = 2_048;

/** `wrong`: a sentence that names the field. */
export function selectionOf(text: string, answer: z.ZodType): { readonly selection: Selection } | { readonly wrong: string } {
  const paths = text.split(',');
  if (text.length > LONGEST || paths.length > MOST_FIELDS) return { wrong: `more than ${MOST_FIELDS} fields` };
  const selection: Growing = new Map();
  const whole = new Set<Growing>();
  for (const path of paths) {
    let at = selection;
    let schemas: readonly z.ZodType[] = [answer];
    for (const name of path.split('.')) {
      schemas = schemas.flatMap((schema) => insideOf(schema, name));
      if (schemas.length === 0) return { wrong: `${JSON.stringify(path)} is no field of this answer` };
      const further = at.get(name) ?? new Map<string, Growing>();
      at.set(name, further);
      at = further;
    }
    whole.add(at);
  }
  // Asked for as a whole and in part, it is the whole.
  for (const all of whole) all.clear();
  return { selection };
}

/** What a schema says of a field; through lists, options and unions. Nothing where there is no such field. */
function insideOf(schema: z.ZodType, name: string): z.ZodType[] {
  const { def } = schema as unknown as { def: Record<string, unknown> & { type: string } };
  const through = (one: unknown) => insideOf(one as z.ZodType, name);
  if (def.type === 'object') {
    const shape = def['shape'] as Record<string, z.ZodType>;
    return Object.hasOwn(shape, name) ? [shape[name] as z.ZodType] : [];
  }
  if (def.type === 'record') return [def['valueType'] as z.ZodType];
  if (def.type === 'array') return through(def['element']);
  if (def.type === 'union') return (def['options'] as unknown[]).flatMap(through);
  return def['innerType'] === undefined ? [] : through(def['innerType']);
}

export function picked(body: unknown, selection: Selection): unknown {
  if (selection.size === 0 || typeof body !== 'object' || body === null) return body;
  if (Array.isArray(body)) return body.map((one) => picked(one, selection));
  return Object.fromEntries(Object.entries(body).flatMap(([name, value]) => {
    const further = selection.get(name);
    return further ? [[name, picked(value, further)]] : [];
  }));
}
