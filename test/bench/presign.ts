/** Signed calls, as whole HTTP/1.1 requests of one length in one file: a load generator only has to send them. */
import { createHmac } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { CURRENCY, GAME, type BenchAccount } from './ground.ts';
import type { Draw } from './draws.ts';
import type { Random } from './random.ts';

export interface Requests {
  readonly file: string;
  readonly count: number;
  /** of each, in bytes */
  readonly length: number;
}

export interface Asked {
  readonly operation: 'bet' | 'balance';
  readonly account: BenchAccount;
  readonly draw: Draw;
}

const CHUNK = 4_096;

export const BET_SAYS =
  'operation, transactionId (36 characters), playerId, currency, amount, gameId, roundId (36 characters, a round a bet); no session token';

/** Every bet has a reference and a round of its own. Signed now, so to be sent within five minutes. */
export function presign(file: string, count: number, { operation, account, draw }: Asked, random: Random): Requests {
  const key = Buffer.from(account.secret.slice('whsec_'.length), 'base64');
  const timestamp = String(Math.floor(Date.now() / 1000));
  const target = openSync(file, 'w');
  let length = 0;
  try {
    for (let made = 0; made < count; made += CHUNK) {
      let text = '';
      for (let i = made; i < Math.min(count, made + CHUNK); i++) {
        const request = requestOf(operation, account.apiKey, key, timestamp, draw(), random);
        length ||= request.length;
        if (request.length !== length) throw new Error('requests of different lengths');
        text += request;
      }
      writeSync(target, text);
    }
  } finally {
    closeSync(target);
  }
  return { file, count, length };
}

function requestOf(operation: Asked['operation'], apiKey: string, key: Buffer, timestamp: string, playerId: string, random: Random): string {
  const body = JSON.stringify(operation === 'balance' ? { operation, playerId, currency: CURRENCY } : {
    operation, transactionId: random.id(), playerId, currency: CURRENCY, amount: '1.00', gameId: GAME, roundId: random.id(),
  });
  const id = `msg_${random.id()}`;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return `POST /v1/wallet/${operation} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`
    + `x-api-key: ${apiKey}\r\nwebhook-id: ${id}\r\nwebhook-timestamp: ${timestamp}\r\nwebhook-signature: v1,${signature}\r\n\r\n${body}`;
}
