import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../tools/local/embedded-postgres.ts';

// The calls that README.md shows, as they stand there, typed one block after the other into one shell beside a fresh `npm start`.

const ROOT = join(import.meta.dirname, '../..');
const LAUNCHER = join(process.env['TEST_DIST'] ?? join(ROOT, 'dist'), 'tools/local/start.js');
const BLOCKS = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script]) => script as string).filter((script) => /^curl /m.test(script));
/** Each call tells its status behind its answer, each on a line of its own. */
const TELLING = `curl() { command curl --write-out '\\n%{http_code}\\n' "$@"; }\n`;

let home: string;
let launched: ChildProcess;
let answers: { readonly body: any; readonly status: number }[];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'croupier-readme-'));
  chmodSync(home, 0o755); // PostgreSQL runs as another user where the test runs as root
  const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: '', DATA_DIR: join(home, 'var'), PORT: String(await freePort()) };
  launched = spawn(process.execPath, [LAUNCHER, '--no-traffic'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [launched.stdout, launched.stderr]) stream?.on('data', (text) => (output += text));
  // It is written when, and only when, everything is served.
  while (!existsSync(join(home, 'var/demo.json'))) {
    if (launched.exitCode !== null) throw new Error(`did not come up:\n${output}`);
    await pause(50);
  }
  const lines = execFileSync('bash', ['-euo', 'pipefail', '-c', TELLING + BLOCKS.join('\n')], { cwd: home, env, encoding: 'utf8' }).trim().split('\n');
  answers = lines.flatMap((line, i) => (i % 2 === 0 ? [{ body: JSON.parse(line), status: Number(lines[i + 1]) }] : []));
}, 120_000);

afterAll(async () => {
  if (launched?.exitCode === null && launched.kill('SIGTERM')) await once(launched, 'exit');
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}, 30_000);

describe('each call of the README', () => {
  it('is answered: a bet of 1.50, a deposit of 25.00, which are the two newest rows of the player’s history, and three reports', () => {
    expect(answers.length).toBe(BLOCKS.join('').match(/^curl /gm)?.length);
    const [bet, deposit, history, ...reports] = answers;
    expect(bet).toMatchObject({ status: 200, body: { type: 'bet', status: 'applied', amount: '1.50' } });
    expect(deposit).toMatchObject({ status: 201, body: { type: 'deposit', status: 'applied', amount: '25.00' } });
    expect(history?.body.items.map(({ kind, amount }: { kind: string; amount: string }) => `${kind} ${amount}`)).toEqual(['deposit 25.00', 'bet -1.50']);
    expect([history, ...reports].map((answer) => [answer?.status, Date.parse(answer?.body.asOf) > 0])).toEqual(Array(4).fill([200, true]));
  });
});
