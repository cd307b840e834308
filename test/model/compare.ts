/** Whether an answer of the running system is the one that the model expects. */
import type { Reply } from '../support/provider.ts';
import { present } from './book.ts';
import type { Expected } from './model.ts';

/** the model's labels of transactions, bound to the ids and times of the first answers that showed them */
export type Bound = ReadonlyMap<number, { readonly transactionId: string; readonly processedAt: string }>;

type Fields = Record<string, unknown>;

/** By content alone: what came through JSON and what the model made may be objects of different realms. */
export const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

const canonical = (value: unknown): string => JSON.stringify(value, (_, part: unknown) => {
  if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
});

const receiptsIn = (body: Fields): Fields[] =>
  (Array.isArray(body['receipts']) ? body['receipts'] as Fields[] : 'transactionId' in body ? [body] : []);

/** The labels with what this answer adds to them, or what is wrong with it. */
export function compare(expected: Expected, reply: Reply, bound: Bound): { readonly bound: Bound } | { readonly wrong: string } {
  const seen = new Map(bound);
  const actual = reply.status === 200 ? JSON.parse(JSON.stringify(reply.body)) as Fields : problemIn(reply.body as Fields);
  const labels = receiptsIn(expected.body).map((receipt) => receipt['transactionId'] as number | '');
  for (const [i, receipt] of receiptsIn(actual).entries()) {
    const { transactionId, processedAt } = receipt as { transactionId: string; processedAt: string };
    const label = labels[i];
    delete receipt['processedAt'];
    if (typeof label !== 'number') continue;
    const isNew = !seen.has(label) && ![...seen.values()].some((known) => known.transactionId === transactionId);
    if (isNew) seen.set(label, { transactionId, processedAt });
    const fits = isSame(seen.get(label), { transactionId, processedAt });
    Object.assign(receipt, { transactionId: fits ? label : `${transactionId} of ${processedAt}` });
  }
  const [wanted, got] = [
    { http: expected.http, version: expected.version, ...expected.body },
    { http: reply.status, version: expected.version === 'either' ? 'either' : reply.headers['x-wallet-version'], ...actual },
  ];
  return isSame(wanted, got) ? { bound: seen } : { wrong: `expected ${JSON.stringify(wanted)}\nanswered ${JSON.stringify(got)}` };
}

const problemIn = ({ code, balance, currency, actionIndex }: Fields): Fields => present({ code, balance, currency, actionIndex });
