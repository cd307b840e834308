/** Whether an answer of the running system is the one that the model expects. */
import type { Reply } from '../support/provider.ts';
import type { Expected } from './model.ts';

/** the model's labels of transactions, bound to the ids and times of the first answers that showed them */
export type Bound = ReadonlyMap<number, { readonly transactionId: string; readonly processedAt: string }>;

type Fields = Record<string, unknown>;

/** By content alone: what came through JSON and what the model made may be objects of different realms. */
export const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

const canonical = (value: unknown): string => JSON.stringify(value, (_, part: unknown) =>
  (part !== null && typeof part === 'object' && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part));

const receiptsIn = (body: Fields): Fields[] => (Array.isArray(body['receipts']) ? body['receipts'] as Fields[] : 'transactionId' in body ? [body] : []);

/** The labels with what this answer adds to them, or what is wrong with it. */
export function compare(expected: Expected, reply: Reply, bound: Bound): { readonly bound: Bound } | { readonly wrong: string } {
  const seen = new Map(bound);
  const actual = reply.status === 200 ? JSON.parse(JSON.stringify(reply.body)) as Fields : problemIn(reply.body as Fields);
  const labels = receiptsIn(expected.body).map((receipt) => receipt['transactionId'] as number);
  for (const [i, receipt] of receiptsIn(actual).entries()) {
    const { transactionId, processedAt, ...rest } = receipt as { transactionId: string; processedAt: string };
    const label = labels[i] as number;
    const isNew = !seen.has(label) && ![...seen.values()].some((known) => known.transactionId === transactionId);
    if (isNew) seen.set(label, { transactionId, processedAt });
    const fits = isSame(seen.get(label), { transactionId, processedAt });
    Object.assign(receipt, rest, { transactionId: fits ? label : `${transactionId} of ${processedAt}` });
    delete receipt['processedAt'];
  }
  if (reply.status === expected.http && isSame(actual, expected.body)) return { bound: seen };
  return { wrong: `expected ${expected.http} ${JSON.stringify(expected.body)}\nanswered ${reply.status} ${JSON.stringify(actual)}` };
}

const problemIn = (body: Fields): Fields =>
  Object.fromEntries(['code', 'balance', 'currency', 'actionIndex'].filter((name) => name in body).map((name) => [name, body[name]]));
