/** The kit as somebody runs it: arguments, exit statuses, reports. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from '../../src/conformance/command.ts';
import { CASES } from '../../src/conformance/cases.ts';
import type { Speaker } from '../../src/conformance/contract.ts';
import { SPEAKERS } from '../../src/installed.ts';
import { nativeSpeaker } from '../../src/providers/native/simulator.ts';
import { freePort } from '../../tools/local/embedded-postgres.ts';
import { serveLittle, type Little } from './serve.ts';

const dir = mkdtempSync(join(tmpdir(), 'croupier-kit-'));
const file = (name: string): string => join(dir, name);
const keep = (name: string, value: unknown): string => {
  writeFileSync(file(name), typeof value === 'string' ? value : JSON.stringify(value));
  return file(name);
};
let good: Little;
let bad: Little;

beforeAll(async () => {
  good = await serveLittle(nativeSpeaker as Speaker, []);
  bad = await serveLittle(nativeSpeaker as Speaker, ['charge-again']);
  keep('good.json', { ...good.credentials, baseUrl: good.setting.baseUrl });
  keep('bad.json', bad.credentials);
});

afterAll(async () => {
  await good.close();
  await bad.close();
  rmSync(dir, { recursive: true });
});

async function run(...args: string[]): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const status = await conformance(args, SPEAKERS as readonly Speaker[], { write: (text) => { out += text; } }, { write: (text) => { err += text; } });
  return { status, out, err };
}

const native = (...args: string[]) => run('--dialect', 'native', ...args);

describe('the exit status', () => {
  it('is 0 where all passed', async () => {
    const { status, out, err } = await native('--credentials', file('good.json'), '--only', 'idempotency', '--seed', 'abc');
    expect([status, err]).toEqual([0, '']);
    expect(out).toContain(`Croupier native at ${good.setting.baseUrl}, seed abc`);
    expect(out).toMatch(/15 passed, 0 failed, 0 left out of 15 cases/);
  });

  it('is 1 where some failed, and each is told with what is wrong', async () => {
    const { status, out } = await native('--credentials', file('bad.json'), '--url', bad.setting.baseUrl, '--only', 'A bet sent again is charged once', '--only', 'funds');
    expect(status).toBe(1);
    expect(out).toContain('✗ A bet sent again is charged once (idempotency)\n  The balance moved by −5 instead of 0. A call that is sent again is the same call: it has one effect.');
    expect(out).toMatch(/10 passed, 1 failed, 0 left out of 11 cases/);
  });

  it.each([
    ['an option that there is not', ['--frob'], /^Unknown option '--frob'\.\n\nnpm run conformance -- /],
    ['a word that is no option', ['--dialect', 'native', 'good.json'], /^Unexpected argument 'good\.json'/],
    ['no credentials', ['--dialect', 'native'], /^--credentials is missing\.\n\nnpm run/],
    ['an unknown dialect', ['--dialect', 'klingon', '--credentials', 'good.json'], /^There is no dialect klingon; there are: native, /],
    ['a URL that is none', ['--dialect', 'native', '--credentials', 'good.json', '--url', 'localhost:3000'], /^--url is to be an http or https address/],
    ['a number that is none', ['--dialect', 'native', '--credentials', 'good.json', '--at-once', 'many'], /^--at-once is to be a whole number from 1 to 64, not many\.$/m],
    ['a case that there is not', ['--dialect', 'native', '--credentials', 'good.json', '--only', 'roulette'], /^No case has “roulette” in its name, and the categories are: happy path, /],
    ['a file that is not there', ['--dialect', 'native', '--credentials', 'nowhere.json'], /nowhere\.json cannot be read: ENOENT\.$/m],
  ])('is 2 for %s', async (_what, args, sentence) => {
    const { status, err } = await run(...args.map((arg) => (arg.endsWith('.json') && args.includes('--credentials') ? file(arg) : arg)));
    expect(status).toBe(2);
    expect(err).toMatch(sentence);
  });

  it.each([
    ['no JSON', '{', /is no JSON\.$/m],
    ['no seats', { games: ['g'], secret: {} }, /"seats" is to be a list\.$/m],
    ['a seat without a token', { seats: [{ player: 'p', currency: 'EUR' }], games: ['g'], secret: {} }, /seats\[0\] is to be \{ "player", "currency", "token" \}/],
    ['no secret', { seats: [{ player: 'p', currency: 'EUR', token: 't' }], games: ['g'], secret: { apiKey: 'k' } }, /the native secret needs secret/],
    ['a demo without the dialect', { provider: {}, dialects: {} }, /nothing for the dialect hub88; it has: native\.$/m],
  ])('is 2 for credentials with %s', async (_what, content, sentence) => {
    const { status, err } = await run('--dialect', /demo/.test(_what) ? 'hub88' : 'native', '--url', 'http://127.0.0.1:1', '--credentials', keep('odd.json', content));
    expect(status).toBe(2);
    expect(err).toMatch(sentence);
  });

  it('is 2 where nothing listens, where something else does, and where the secret is another', async () => {
    const nobody = await native('--credentials', file('good.json'), '--url', `http://127.0.0.1:${await freePort()}`);
    expect([nobody.status, nobody.err]).toEqual([2, expect.stringMatching(/^The wallet at 127\.0\.0\.1:\d+ cannot be reached: nothing listens there\.\n$/)]);
    const other = createServer((_request, response) => response.end('<h1>It works</h1>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const stranger = await native('--credentials', file('good.json'), '--url', `http://127.0.0.1:${(other.address() as AddressInfo).port}`);
    other.close();
    expect([stranger.status, stranger.err]).toEqual([2, expect.stringContaining('does not speak Croupier native')]);
    const { apiKey } = (good.credentials as { secret: { apiKey: string } }).secret;
    const wrong = keep('wrong.json', { ...good.credentials, baseUrl: good.setting.baseUrl, secret: { apiKey, secret: `whsec_${Buffer.alloc(24).toString('base64')}` } });
    const refused = await native('--credentials', wrong);
    expect([refused.status, refused.err]).toEqual([2, expect.stringMatching(/^The wallet does not take these credentials: refused: the signature\./)]);
  });

  it('is the built command’s too', () => {
    const cli = join(process.env['TEST_DIST'] ?? join(import.meta.dirname, '../../dist'), 'src/conformance/cli.js');
    const { status, stderr, stdout } = spawnSync(process.execPath, [cli, '--dialect', 'native', '--frob'], { encoding: 'utf8' });
    expect([status, stdout, stderr.split('\n')[0]]).toEqual([2, '', "Unknown option '--frob'."]);
    expect(spawnSync(process.execPath, [cli, '--help'], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('what the credentials lack', () => {
  it('leaves cases out with the reason, and counts none of them as passed', async () => {
    const { seats, games, secret } = good.credentials as { seats: { currency: string }[]; games: string[]; secret: object };
    const poor = keep('poor.json', { baseUrl: good.setting.baseUrl, secret, seats: seats.slice(0, 1), games: games.slice(0, 1) });
    const { status, out } = await native('--credentials', poor, '--only', 'sessions', '--only', 'currencies', '--only', 'in another game');
    expect(status).toBe(0);
    for (const line of [
      '– 3 left out: the credentials hold one player in EUR only', '– 3 left out: the credentials hold players in one currency only', '– 1 left out: the credentials hold one game only',
      '– 3 left out: the credentials hold no blocked player (“blocked”)', '– 2 left out: the credentials hold no blocked player with an open bet (“blocked[].open”)',
    ]) expect(out).toContain(line);
    expect(out).toMatch(/4 passed, 0 failed, 18 left out of 22 cases/);
    const none = await native('--credentials', poor, '--only', 'A blocked player');
    expect([none.status, none.err]).toEqual([2, 'Every case was left out: nothing can be said of this wallet.\n']);
  });

  it('is found in demo.json too', async () => {
    const { seats, games, secret } = good.credentials as { seats: { player: string; currency: string; token: string }[]; games: string[]; secret: object };
    const demo = keep('demo.json', {
      baseUrl: good.setting.baseUrl, provider: secret, games: games.map((id) => ({ id, name: id })), dialects: {},
      players: seats.map(({ player, currency, token }) => ({ id: player, currency, sessionToken: token, balance: '120.00' })),
    });
    expect((await native('--credentials', demo, '--only', 'happy path')).out).toMatch(/10 passed, 0 failed/);
    const own = keep('demo-own.json', { ...JSON.parse(readFileSync(demo, 'utf8')), players: [], conformance: good.credentials });
    expect((await native('--credentials', own, '--only', 'sessions')).out).toMatch(/17 passed, 0 failed/);
  });

  it('is an open bet that an earlier run has used: where the balance is no more what it was, the seat is passed over', async () => {
    const little = await serveLittle(nativeSpeaker as Speaker, []);
    const laid = (little.credentials as { blocked: { open: object[] }[] }).blocked.slice(0, 2).map((seat) => ({ ...seat, open: seat.open.slice(0, 1), balance: '120' }));
    const path = keep('laid.json', { ...little.credentials, baseUrl: little.setting.baseUrl, blocked: laid });
    const again = () => native('--credentials', path, '--only', 'A blocked player’s bet', '--only', 'A blocked player’s win');
    const [first, second] = [await again(), await again()];
    await little.close();
    expect([first.status, first.out]).toEqual([0, expect.stringContaining('3 passed, 0 failed, 0 left out of 3 cases')]);
    expect([second.status, second.out]).toEqual([0, expect.stringContaining('– 2 left out: no blocked player is left, or none with a bet that no other case has used')]);
    expect(second.out).toMatch(/1 passed, 0 failed, 2 left out of 3 cases/);
  });
});

describe('the reports', () => {
  it('tell the same, escape what they show and hide what is secret', async () => {
    const reports = { junit: file('r.xml'), html: file('deep/er/r.html'), json: file('r.json') };
    await native('--credentials', file('bad.json'), '--url', bad.setting.baseUrl, ...Object.entries(reports).flatMap(([form, path]) => [`--${form}`, path]));
    const json = JSON.parse(readFileSync(reports.json, 'utf8'));
    const { passed, failed, skipped } = json.counts;
    expect([passed + failed, skipped, failed > 5]).toEqual([CASES.length, 0, true]);
    const xml = readFileSync(reports.junit, 'utf8');
    expect(xml).toContain(`<testsuites name="conformance of ${bad.setting.baseUrl}" tests="${CASES.length}" failures="${failed}" errors="0" skipped="0"`);
    expect(xml.match(/<testcase /g)).toHaveLength(CASES.length);
    expect(xml.match(/<failure /g)).toHaveLength(failed);
    const html = readFileSync(reports.html, 'utf8');
    expect(html).toContain(`<h1 class="failed">${failed} of ${CASES.length} cases failed</h1>`);
    expect(html).not.toMatch(/(src|href)=|@import|url\(/);
    expect(html).toContain('&lt;b&gt;%00');
    expect(html).not.toContain('<b>%00');
    const { secret, seats } = bad.credentials as { secret: { secret: string; apiKey: string }; seats: { token: string }[] };
    for (const text of [xml, html, JSON.stringify(json)]) {
      for (const hidden of [secret.secret, secret.apiKey, ...seats.map(({ token }) => token)]) expect(text.includes(hidden)).toBe(false);
      expect(text).not.toMatch(/v1,[A-Za-z0-9+/]{43}=/);
    }
    const wrong = json.cases.find(({ name }: { name: string }) => name === 'A bet sent again is charged once').steps.at(-2);
    expect(wrong).toMatchObject({
      expected: 'accepted; nothing moves', heard: 'accepted', balance: '110', wrong: expect.stringContaining('−5 instead of 0'),
      request: { line: 'POST /v1/wallet/bet', headers: { 'webhook-signature': '‹hidden›' }, body: expect.stringContaining('"amount":"5"') },
      answer: { line: '200', body: expect.stringContaining('"status":"applied"') },
    });
  });

  it('bear the ids of their seed', async () => {
    const once = async (seed: string) => {
      const little = await serveLittle(nativeSpeaker as Speaker, []);
      const path = keep('seeded.json', { ...little.credentials, baseUrl: little.setting.baseUrl });
      await native('--credentials', path, '--only', 'A bet takes its stake', '--seed', seed, '--json', file('seeded-report.json'));
      await little.close();
      return JSON.parse(readFileSync(file('seeded-report.json'), 'utf8')).cases[0].steps[1].title as string;
    };
    expect(await once('one')).toBe(await once('one'));
    expect(await once('two')).not.toBe(await once('one'));
  });
});
