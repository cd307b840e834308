import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startedAt } from '../../tools/local/processes.ts';
import { planted, ROOT } from './tree.ts';

// `npm test` and `npm run check` end with one line that counts everything; no stage can fail without its being seen there.

const COUNTS = "require('node:fs').writeFileSync(process.env.STAGE_COUNTS, JSON.stringify({ passed: 3, failed: 0, skipped: 1 }))";

function runner(stages: Readonly<Record<string, string>>) {
  const list = Object.entries(stages).map(([name, code]) => ({ name, node: ['--eval', code] }));
  const code = `import { runStages } from ${JSON.stringify(pathToFileURL(join(ROOT, 'tools/stages.ts')))};
    process.exitCode = await runStages(${JSON.stringify(list)});`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const ended = new Promise<{ code: number | null; last: string | undefined }>((resolve) =>
    child.once('close', (exitCode) => resolve({ code: exitCode, last: output.trimEnd().split('\n').at(-1) })));
  return { child, ended };
}

describe('the last line', () => {
  it('adds up what stages count, and counts one that does not as one', async () => {
    expect(await runner({ tests: COUNTS, lint: '', more: COUNTS }).ended).toEqual({ code: 0, last: '7 passed, 0 failed, 2 skipped' });
  });

  it('has a failure for a stage that ends badly, whatever it counted, and for those that pass behind it still their counts', async () => {
    const stages = { tests: `${COUNTS}; process.exit(1)`, broken: 'process.exit(2)', lost: 'process.kill(process.pid, "SIGKILL")', more: COUNTS };
    expect(await runner(stages).ended).toEqual({ code: 1, last: '6 passed, 3 failed, 2 skipped' });
  });

  it('comes when it is stopped, too, and by then nothing of the stage is left, whatever session it is in', async () => {
    using tree = planted({}, []);
    const file = join(tree.dir, 'pid');
    const lasting = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)';
    const { child, ended } = runner({
      stubborn: `const { pid } = require('node:child_process').spawn(process.execPath, ['--eval', ${JSON.stringify(lasting)}], { detached: true });
        require('node:fs').writeFileSync(${JSON.stringify(file)}, String(pid)); setInterval(() => {}, 1000)`,
      never: COUNTS,
    });
    while (!existsSync(file) || readFileSync(file, 'utf8') === '') await pause(20);
    const pid = Number(readFileSync(file, 'utf8'));
    expect(startedAt(pid)).not.toBe('');
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: 1, last: '0 passed, 1 failed, 0 skipped' });
    expect(startedAt(pid)).toBe('');
  }, 30_000);
});
