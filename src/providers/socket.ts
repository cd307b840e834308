/** How an answer leaves: to the socket as it is, nothing of the framework touches it. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { WireAnswer } from './contract.ts';

export function send(reply: FastifyReply, answer: WireAnswer): void {
  reply.hijack();
  // What the framework has set by then is about the connection: closed behind a body that was too large, or because the process ends.
  write(reply.raw, answer, reply.getHeaders() as Record<string, string>);
}

export function write(response: ServerResponse, { status, headers, body }: WireAnswer, set: Record<string, string> = {}): void {
  const flat: string[] = [];
  for (const name in set) if (!(name in headers)) flat.push(name, String(set[name]));
  for (const name in headers) flat.push(name, headers[name] as string);
  const bytes = Buffer.byteLength(body);
  flat.push('content-length', String(bytes));
  response.writeHead(status, flat);
  // Where every character is one byte, Node need not look for others.
  response.end(body, bytes === body.length ? 'latin1' : 'utf8');
}
