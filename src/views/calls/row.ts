/** A row of the call log as callers see it. */
import type { Field } from '../../../libs/postgres/index.ts';
import { isoOf } from '../transactions/entry.ts';
import type { LoggedCall, WholeCall } from './schema.ts';

/** Of a row by the name `l`, in the order in which `callOf` takes them. */
export const CALL = `round(date_part('epoch', l.at) * 1000)::int8, l.call_id, l.request_id, l.account_id, l.dialect, l.operation, l.method, l.path,
  host(l.source), l.player_id, to_json(l."references"), l.status, l.result, l.code, l.ms, to_json(l.transactions)`;
/** Behind these, with what was sent and answered. */
export const WHOLE = `${CALL}, l.request_headers, l.request_body, l.request_bytes, l.answer_headers, l.answer_body, l.answer_bytes`;

export function callOf(fields: readonly Field[]): LoggedCall {
  const [at, , requestId, account, dialect, operation, method, path, source, player, references, status, result, code, ms, transactions] = fields;
  return {
    requestId: requestId as string, at: isoOf(at), accountId: Number(account), dialect: dialect as string, ...(operation != null && { operation }), method: method as string,
    path: path as string, ...(source != null && { source }), ...(player != null && { playerId: player }), references: JSON.parse(references ?? '[]') as string[],
    status: Number(status), result: result as LoggedCall['result'], code: code as string, ...(ms != null && { ms: Math.round(Number(ms) * 10) / 10 }),
    transactions: (JSON.parse(transactions ?? '[]') as string[]).map((transactionId) => ({ transactionId, href: `/v1/transactions/${transactionId}` })),
  };
}

const HEADERS_AT = 16;

export function wholeCallOf(fields: readonly Field[]): WholeCall {
  const [headers, body, bytes, answerHeaders, answerBody, answerBytes] = fields.slice(HEADERS_AT);
  return {
    ...callOf(fields),
    request: { headers: JSON.parse(headers ?? '{}') as Record<string, string>, ...(body != null && { body }), ...(bytes != null && { bytes: Number(bytes) }) },
    answer: { headers: JSON.parse(answerHeaders ?? '{}') as Record<string, string>, body: answerBody ?? '', bytes: Number(answerBytes) },
  };
}
