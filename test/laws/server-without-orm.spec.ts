import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { ROOT } from './tree.ts';

// Law E: what moves money mounts no ORM, queue or cache. Imports are checked by dependency-cruiser; this looks at what really gets loaded,
// also by a framework that tries whether a package is there.

const FOREIGN = /node_modules\/(@mikro-orm|kysely|bullmq|ioredis|redis|@redis|keyv|@keyv|cache-manager|typeorm|sequelize)\//;

/** Prints every module of a foreign package that is loaded on the way to `entry`. */
const WITNESS = `
  import { registerHooks } from 'node:module';
  registerHooks({ load: (url, context, next) => { if (${FOREIGN}.test(url)) console.log('loaded ' + url); return next(url, context); } });
  await import(process.argv[1]).catch((error) => console.log('failed ' + error.message));`;

function foreignLoadedBy(entry: string): string[] {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', WITNESS, entry], {
    cwd: ROOT, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' }, timeout: 20_000,
  });
  return [...new Set(stdout.split('\n').filter((line) => line !== '').map((line) => FOREIGN.exec(line)?.[1] ?? line))];
}

describe('the process that moves money', () => {
  const dist = process.env['TEST_DIST'] ?? join(ROOT, 'dist');

  it('loads no ORM, no queue and no cache', () => {
    expect(foreignLoadedBy(pathToFileURL(join(dist, 'src/app.module.js')).href)).toEqual([]);
  });

  it('is found out where it does', () => {
    expect(foreignLoadedBy('@mikro-orm/core')).toContain('@mikro-orm');
  });
});
