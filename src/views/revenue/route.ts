/** How a report describes itself in OpenAPI, and how its answer goes out. */
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Caller } from '../../access/contract.ts';
import { shown, Shows } from '../shown.ts';
import type { Asker, View } from '../view.ts';

export { TOKEN } from '../shown.ts';

export const Reports = (answer: z.ZodType, { summary, description }: { readonly summary: string; readonly description?: string }) => Shows(summary, answer, description);

export const askerOf = ({ operatorId }: Caller, token: string | undefined): Asker => ({ operator: operatorId, ...(token !== undefined && { token }) });

/** The body, with its age in it and in its headers; what is not there is refused, whosever it may be. */
export function report<Body extends object>(view: View<Body>, reply: FastifyReply): Body & { readonly asOf: string } {
  return { ...shown(view, reply), asOf: view.asOf };
}
