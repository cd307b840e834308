/**
 * Simulated game studios: one plays rounds natively, one in each other installed dialect, against the local run as providers do, retries and
 * mistakes included, some 20 signed calls a second altogether. `node dist/tools/local/studio.js var/demo.json`; ends with SIGTERM.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { decodeSecret, sign } from '../../libs/crypto/index.ts';
import { SPEAKERS } from '../../src/installed.ts';
import { simulate } from '../../src/providers/simulator.ts';

const CALLS_A_SECOND = 8;
/** Two players at a time, with a pause between their rounds: some four calls a second. */
const ELSEWHERE = { parallel: 2, restMs: 2_000 };
const CHAOS = { delayMs: 50, dropAnswer: 0.05, duplicate: 0.05, reorder: 0.03, rollbackFirst: 0.03 };
const PAUSE_WHEN_DOWN_MS = 2_000;

interface Demo {
  readonly baseUrl: string;
  readonly provider: { readonly apiKey: string; readonly secret: string };
  readonly games: readonly { readonly id: string }[];
  readonly players: readonly { readonly id: string; readonly currency: string; readonly sessionToken: string }[];
  readonly dialects: Readonly<Record<string, {
    readonly basePath: string;
    readonly gameCodes: readonly string[];
    readonly players: readonly { readonly userId: string; readonly currency: string; readonly sessionToken: string }[];
  }>>;
}

const demo = JSON.parse(readFileSync(process.argv[2] ?? 'var/demo.json', 'utf8')) as Demo;
const key = decodeSecret(demo.provider.secret);
const stakes: Readonly<Record<string, readonly string[]>> = { JPY: ['50', '100', '200'], BTC: ['0.00001', '0.00002'] };
let stopping = false;
let nextCallAt = performance.now();
const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    stopping = true;
    ending.abort();
  });
}

/** One signed attempt, in its turn; the body's `code` or `status`, or undefined where nobody answered. */
async function call(operation: string, fields: object): Promise<string | undefined> {
  const now = performance.now();
  nextCallAt = Math.max(nextCallAt + 1000 / CALLS_A_SECOND, now);
  await pause(nextCallAt - now);
  const body = Buffer.from(JSON.stringify({ operation, ...fields }));
  const id = randomUUID();
  const timestamp = String(Math.floor(Date.now() / 1000));
  const headers = {
    'content-type': 'application/json', 'x-api-key': demo.provider.apiKey, 'webhook-id': id, 'webhook-timestamp': timestamp,
    'webhook-signature': sign(key, id, timestamp, body),
  };
  try {
    const response = await fetch(`${demo.baseUrl}/v1/wallet/${operation}`, { method: 'POST', headers, body, signal: AbortSignal.timeout(3_000) });
    const answer = (await response.json()) as { code?: string; status?: string };
    return answer.code ?? answer.status ?? 'ok';
  } catch {
    await pause(PAUSE_WHEN_DOWN_MS);
    return undefined;
  }
}

/** Again under the same reference until somebody answers, as providers do. */
async function surely(operation: string, fields: object): Promise<string> {
  for (;;) {
    const answer = await call(operation, fields);
    if (answer !== undefined || stopping) return answer ?? 'stopped';
  }
}

const pick = <T>(from: readonly T[]): T => from[randomInt(from.length)] as T;
const chance = (percent: number): boolean => randomInt(100) < percent;

/** The stake times 0.5 to 5, in the digits of the stake. */
function winOf(stake: string): string {
  const [whole = '0', fraction = ''] = stake.split('.');
  const units = (BigInt(whole + fraction) * BigInt(randomInt(1, 11))) / 2n;
  const digits = units.toString().padStart(fraction.length + 1, '0');
  return fraction ? `${digits.slice(0, -fraction.length)}.${digits.slice(-fraction.length)}` : digits;
}

async function playRound(): Promise<void> {
  const player = pick(demo.players);
  const who = { playerId: player.id, currency: player.currency };
  const round = { gameId: pick(demo.games).id, roundId: `r-${randomUUID()}` };
  const amount = pick(stakes[player.currency] ?? ['0.20', '0.50', '1.00', '2.50']);
  const bet = { transactionId: `b-${randomUUID()}`, ...who, amount, ...round, sessionToken: player.sessionToken };
  if (chance(3)) {
    await surely('rollback', { transactionId: `x-${randomUUID()}`, originalTransactionId: bet.transactionId, ...who, reason: 'came before its bet' });
    await surely('bet', bet);
    return;
  }
  if (chance(15)) {
    const win = { type: 'win', transactionId: `w-${randomUUID()}`, amount: winOf(amount), betTransactionId: bet.transactionId };
    await surely('play', { ...who, ...round, sessionToken: player.sessionToken, closeRound: true, actions: [{ type: 'bet', transactionId: bet.transactionId, amount }, win] });
    return;
  }
  const placed = await surely('bet', bet);
  if (chance(8)) await surely('bet', bet);
  if (placed !== 'applied' && placed !== 'replayed') return;
  if (chance(4)) {
    await surely('rollback', { transactionId: `x-${randomUUID()}`, originalTransactionId: bet.transactionId, ...who, reason: 'round failed' });
    return;
  }
  const win = { transactionId: `w-${randomUUID()}`, ...who, amount: chance(55) ? '0' : winOf(amount), ...round, betTransactionId: bet.transactionId, closeRound: true };
  await surely('win', win);
  if (chance(5)) await surely('win', win);
}

/** In another dialect, over a network that loses, doubles and delays. What its book finds wrong stands in the log. */
async function playElsewhere(name: string): Promise<void> {
  const speaker = SPEAKERS.find((each) => each.name === name);
  const here = demo.dialects[name];
  if (!speaker || !here) return;
  const secret: unknown = speaker.secret(here);
  const seats = here.players.map(({ userId, currency, sessionToken }) => ({ player: userId, currency, token: sessionToken }));
  while (!stopping) {
    const played = await simulate(speaker, secret, demo.baseUrl + here.basePath, seats, {
      seed: randomInt(2 ** 31), rounds: 1, games: here.gameCodes, chaos: CHAOS, ...ELSEWHERE, timeoutMs: 3_000, signal: ending.signal,
    });
    for (const complaint of new Set(played.complaints)) console.error(`${name}: ${complaint}`);
    if (played.verdicts.ok === undefined) await pause(PAUSE_WHEN_DOWN_MS);
  }
}

async function playNatively(): Promise<void> {
  while (!stopping) await playRound();
}

for (const name of Object.keys(demo.dialects)) {
  playElsewhere(name).catch((error: unknown) => console.error(`${name}: its studio has stopped`, error));
}
await playNatively();
process.exit(); // whoever rests between two rounds elsewhere need not wake up first
