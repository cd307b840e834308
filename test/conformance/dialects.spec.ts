/** The kit over our own wallet, in every dialect that is installed. Nothing fails, and what is left out is left out for what the dialect cannot say. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenBet, Setting, StoppedSeat } from '../../src/conformance/setting.ts';
import { CASES } from '../../src/conformance/cases.ts';
import type { Said, Seat, Speaker } from '../../src/conformance/contract.ts';
import { idsOf } from '../../src/conformance/ids.ts';
import { runCases } from '../../src/conformance/run.ts';
import { openTransport } from '../../src/conformance/transport.ts';
import { SPEAKERS } from '../../src/installed.ts';
import { ground } from '../support/ground.ts';

function rsa(): { readonly ours: string; readonly theirs: object } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ours: publicKey.export({ type: 'spki', format: 'pem' }).toString(), theirs: { privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() } };
}

const token = randomBytes(24).toString('base64url');
/** What the operator keeps of each dialect's secret, and what its provider signs with. */
const SECRETS: Readonly<Record<string, { readonly ours: string; readonly theirs: object }>> = { hub88: rsa(), caleta: rsa(), softswiss: { ours: token, theirs: { authToken: token } } };
const DEADLINE = { deadlineMs: 5_000 };
/** A dialect that is made anew brings a spec of its own with it. */
const JUDGED = SPEAKERS.filter(({ name }) => name === 'native' || name in SECRETS);
const OTHERS = JUDGED.filter(({ name }) => name !== 'native').map(({ name }) => name);
const STOPPED = 4;

const here = ground({
  players: { EUR: 40 + 3 * STOPPED * JUDGED.length, JPY: 8, BTC: 4 }, balance: 120_000_000n, policies: [DEADLINE],
  dialects: OTHERS.map((dialect) => ({ dialect, secrets: [SECRETS[dialect]?.ours ?? ''], policy: DEADLINE })),
});
const settings = new Map<string, Setting>();

/** Two bets while they may still be placed. */
async function withOpenBets(setting: Setting, seat: Seat): Promise<StoppedSeat> {
  const id = idsOf('before', `${setting.speaker.name} ${seat.player}`);
  const open = [0, 1].map((): OpenBet => ({ reference: id(), round: id(), game: 'game-1', amount: '2' }));
  const transport = openTransport(setting.baseUrl, 10_000);
  for (const bet of open) {
    const said: Said = { say: 'bet', seat, ...bet };
    expect(setting.speaker.hear(said, await transport.send(setting.speaker.say(said, setting.secret))).verdicts).toContain('ok');
  }
  transport.close();
  return { ...seat, open };
}

/** Players apart for each dialect: of those that are stopped a third is blocked, a third has sessions that are over, a third tokens that are superseded. */
async function settingOf(speaker: Speaker, index: number): Promise<Setting> {
  const account = here.world.dialects.find(({ dialect }) => dialect === speaker.name);
  const { players } = here.world;
  const seat = (player: (typeof players)[number]): Seat =>
    ({ player: player.id, currency: player.currency, token: account ? (player.tokens[account.accountId] as string) : player.sessionToken });
  const spare = players.filter(({ currency }) => currency === 'EUR').slice(40).slice(3 * STOPPED * index, 3 * STOPPED * (index + 1)).map(seat);
  const secret = account ? SECRETS[speaker.name]?.theirs : here.account();
  const bare: Setting = {
    speaker, secret: speaker.secret(secret), baseUrl: here.served.baseUrl + (account?.basePath ?? '').replace(/\/$/, ''), games: ['game-1', 'game-2'],
    seats: players.filter(({ currency }, i) => currency !== 'EUR' || i < 40).map(seat), blocked: [], expired: [], superseded: [], seed: `dialects ${speaker.name}`, atOnce: 4,
    timeoutMs: 20_000, patienceMs: 10_000,
  };
  const laid: StoppedSeat[] = [];
  for (const each of spare) laid.push(await withOpenBets(bare, each));
  return { ...bare, blocked: laid.slice(0, STOPPED), expired: laid.slice(STOPPED, 2 * STOPPED), superseded: laid.slice(2 * STOPPED) };
}

beforeAll(async () => {
  for (const [i, speaker] of JUDGED.entries()) settings.set(speaker.name, await settingOf(speaker as Speaker, i));
  const all = [...settings.values()];
  await here.sql('update wallet set stop = $2 where player_id = any ($1)', [all.flatMap(({ blocked }) => blocked.map(({ player }) => player)), 'blocked']);
  await here.sql(`update session set expires_at = now() - interval '1 hour' where player_id = any ($1)`, [all.flatMap(({ expired }) => expired.map(({ player }) => player))]);
  await here.sql(`update session set state = 'superseded' where player_id = any ($1)`, [all.flatMap(({ superseded }) => superseded.map(({ player }) => player))]);
}, 120_000);

it('every installed dialect is judged, here or by the spec in its own folder', () => {
  const elsewhere = SPEAKERS.filter((speaker) => !JUDGED.includes(speaker)).map(({ name }) => join(import.meta.dirname, '../../src/providers', name, `${name}.spec.ts`));
  expect(elsewhere.filter((spec) => !existsSync(spec) || !readFileSync(spec, 'utf8').includes('runCases(CASES'))).toEqual([]);
});

describe.each(JUDGED.map(({ name, title }) => ({ name, title })))('$title', ({ name }) => {
  it('passes every case that it can be asked', async () => {
    const results = await runCases(CASES, settings.get(name) as Setting);
    const reasons = new Map<string, number>();
    for (const { result, reason = '' } of results) if (result === 'skipped') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const passed = results.filter(({ result }) => result === 'passed').length;
    process.stdout.write(`${name}: ${passed} of ${CASES.length} passed; left out: ${[...reasons].map(([reason, count]) => `${count} × ${reason}`).join('; ') || 'none'}\n`);
    expect(results.filter(({ result }) => result === 'failed').map((each) => `${each.category}: ${each.name}: ${each.reason}`)).toEqual([]);
    expect([...reasons.keys()].filter((reason) => /credentials|seat|blocked|session/.test(reason))).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(60);
  }, 180_000);
});
