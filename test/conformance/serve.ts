/** The little wallet on a port of this machine, and what an operator would give a provider of it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Setting } from '../../src/conformance/setting.ts';
import type { Speaker } from '../../src/conformance/contract.ts';
import type { Stopped } from '../../src/conformance/case.ts';
import type { Fault } from './faults.ts';
import { Rules } from './rules.ts';
import { Door } from './wire.ts';

export interface Little {
  readonly setting: Setting;
  /** as the kit's credentials file has it */
  readonly credentials: object;
  close(): Promise<void>;
}

const EACH = 120n * 10n ** 8n;

/** `speaker`: the native one. */
export async function serveLittle(speaker: Speaker, faults: readonly Fault[], options: Partial<Setting> = {}): Promise<Little> {
  const planted = new Set<Fault>(faults);
  const has = (fault: Fault): boolean => planted.has(fault);
  const rules = new Rules(has);
  const apiKey = `key_${randomUUID()}`;
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const door = new Door(rules, apiKey, Buffer.from(secret.slice(6), 'base64'), has);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void door.answer(request.method ?? '', request.url ?? '', request.headers, Buffer.concat(chunks)).then(({ status, type, body }) => {
        response.writeHead(status, { 'content-type': type }).end(body);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const seats = [
    ...Array.from({ length: 40 }, () => rules.open('EUR', EACH)), ...Array.from({ length: 6 }, () => rules.open('JPY', EACH * 1_000n)),
    ...Array.from({ length: 4 }, () => rules.open('BTC', EACH / 1_000n)),
  ];
  const stopped = (how: Stopped) => Array.from({ length: 3 }, () => rules.stop(rules.open('EUR', EACH), how));
  const credentials = {
    secret: { apiKey, secret }, seats, games: ['game-1', 'game-2'], blocked: stopped('blocked'), expired: stopped('expired'), superseded: stopped('superseded'),
  };
  const setting: Setting = {
    speaker, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seed: 'matrix', atOnce: 16, timeoutMs: 10_000, patienceMs: 0,
    ...credentials, secret: speaker.secret(credentials.secret), ...options,
  };
  return {
    setting, credentials,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
