import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { planted, ROOT } from './tree.ts';

// `npm ci` on any platform and behind any registry: every optional package has its own entry, and none says where it came from.

function check(...file: string[]): string[] {
  const tool = join(ROOT, 'tools/lock-complete.mjs');
  const { stderr } = spawnSync(process.execPath, [tool, '--check', ...file], { encoding: 'utf8', env: {} });
  return stderr.split('\n').filter((line) => line !== '');
}

describe('the lock file', () => {
  it('is complete', () => {
    expect(check()).toEqual([]);
  });

  it('is found out where it is not', () => {
    const packages = {
      '': { optionalDependencies: { a: '1.0.0', b: '1.0.0' } },
      'node_modules/a': { version: '1.0.0', integrity: 'sha512-a', optionalDependencies: { 'a-linux': '1.0.0', 'a-mac': '1.0.0' } },
      'node_modules/a/node_modules/a-linux': { version: '1.0.0', integrity: 'sha512-al', optional: true },
      'node_modules/a/node_modules/d': { version: '1.0.0', integrity: 'sha512-d', optionalDependencies: { a: '1.0.0' } },
      'node_modules/c': { version: '1.0.0', integrity: 'sha512-c', resolved: 'https://example.org/c.tgz' },
      'node_modules/d': { version: '1.0.0' },
    };
    using tree = planted({ 'lock.json': JSON.stringify({ lockfileVersion: 3, packages }) }, []);
    expect(check(join(tree.dir, 'lock.json'))).toEqual([
      'b, optional for the project itself, has no entry',
      'a-mac, optional for node_modules/a, has no entry',
      'node_modules/c says where it was fetched from',
      'node_modules/d has no integrity',
    ]);
  });
});
