/** Signed calls, as whole HTTP/1.1 requests of one length in one file: a load generator only has to send them. */
import { createHmac } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { CURRENCY, GAME, type BenchAccount, type BenchDialect } from './ground.ts';
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
  /** a bet in another dialect than the native one */
  readonly dialect?: BenchDialect;
}

const CHUNK = 4_096;

export const BET_SAYS =
  'operation, transactionId (36 characters), playerId, currency, amount, gameId, roundId (36 characters, a round a bet); no session token';

/** Every bet has a reference and a round of its own. Signed now, so to be sent within five minutes. */
export function presign(file: string, count: number, { operation, account, draw, dialect }: Asked, random: Random): Requests {
  const key = Buffer.from(account.secret.slice('whsec_'.length), 'base64');
  const timestamp = String(Math.floor(Date.now() / 1000));
  const target = openSync(file, 'w');
  let length = 0;
  try {
    for (let made = 0; made < count; made += CHUNK) {
      let text = '';
      for (let i = made; i < Math.min(count, made + CHUNK); i++) {
        const request = dialect ? saidBy(dialect, draw(), random) : requestOf(operation, account.apiKey, key, timestamp, draw(), random);
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

function saidBy({ speaker, secret, basePath, tokenOf }: BenchDialect, player: string, random: Random): string {
  const seat = { player, currency: CURRENCY, token: tokenOf(player) };
  const told = { seat, round: random.id(), game: GAME };
  const bet = { reference: random.id(), amount: '1.00' };
  const says = speaker.can.says.includes('bet');
  const wire = speaker.say(says ? { say: 'bet', ...told, ...bet } : { say: 'play', ...told, actions: [{ kind: 'bet', ...bet }] }, secret);
  const head = Object.entries(wire.headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const path = `${basePath}/${wire.path.replace(/^\/+/, '')}`;
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: ${wire.body.length}\r\n${head}\r\n${wire.body.toString('latin1')}`;
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
