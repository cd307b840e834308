import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { planted, ROOT } from './tree.ts';

// Law E: a role is a list of parts, and loads nothing of the others. Imports are checked by dependency-cruiser; this looks at what a process of
// each role really loads, also by a framework that tries whether a package is there.

const DIST = process.env['TEST_DIST'] ?? join(ROOT, 'dist');
const PACKAGES = /node_modules\/(@mikro-orm|kysely|@nestjs\/bullmq|bullmq|ioredis|redis|@redis|keyv|@keyv|cache-manager|typeorm|sequelize)\//;
/** Of ours, what a role has no business with. A message, a contract and how an error is answered are everybody's. */
const FOREIGN = {
  // A projection is a plain object with text in it, which stands on the page of what is installed; nothing of it runs here.
  wallet: /\/src\/((views\/(?!\w+\/(?:projection|sums)\.js$)|office\/|ops\/jobs\/|ops\/page\/).*)$/,
  office: /\/src\/((ops\/jobs|ops\/page)\/.*|providers\/(door|configuration|providers)\..*)$/,
  // It feeds the views, and asks them for what it makes into exports; it answers nobody.
  worker: /\/src\/((office|ops\/page|views\/cache)\/.*|views\/(?:(?:views|export-desk)\.module|.*[./]controller|exports\/(?:desk|schedules|route|progress))\..*|wallet\/(?!contract|commands).*|sessions\/handlers.*|providers\/(door|configuration|providers)\..*)$/,
} as const;

const URLS = ['DATABASE_URL', 'DATABASE_OFFICE_URL', 'DATABASE_WORKER_URL', 'DATABASE_READ_URL'];

/** Puts a role's modules together as `src/app.ts` does, without a database, and prints every module that is loaded on the way. */
const WITNESS = `
  import { registerHooks } from 'node:module';
  registerHooks({ load: (url, context, next) => { console.log('loaded ' + url); return next(url, context); } });
  const [app, config] = process.argv.slice(1);
  const { readConfig } = await import(config);
  const root = await import(app);
  await root.AppModule?.forRoot(readConfig());`;

function loadedBy(role: string, app = pathToFileURL(join(DIST, 'src/app.module.js')).href): string[] {
  const env = { PATH: process.env['PATH'] ?? '', ROLE: role, ...Object.fromEntries(URLS.map((name) => [name, 'postgres://a:b@127.0.0.1:1/c'])) };
  const config = pathToFileURL(join(DIST, 'src/config.js')).href;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', WITNESS, app, config], {
    cwd: ROOT, encoding: 'utf8', env, timeout: 30_000, maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.split('\n').filter((line) => line.startsWith('loaded '));
}

const among = (lines: readonly string[], names: RegExp): string[] => [...new Set(lines.flatMap((line) => names.exec(line)?.[1] ?? []))].toSorted();
describe('the role', () => {
  it('wallet loads what moves money, and no ORM, no queue, no cache, no view and nothing of the office', () => {
    const lines = loadedBy('wallet');
    expect([among(lines, PACKAGES), among(lines, FOREIGN.wallet)]).toEqual([[], []]);
    expect(among(lines, /\/src\/(wallet\/lane\.js|providers\/door.*)$/)).toEqual(['providers/door.controller.js', 'wallet/lane.js']);
  });

  it('worker loads the queue, and what feeds views and makes exports, and no lane, no door, no route, no cache and nothing of the office', () => {
    const lines = loadedBy('worker');
    expect([among(lines, PACKAGES), among(lines, FOREIGN.worker)]).toEqual([['@nestjs/bullmq', 'bullmq'], []]);
    expect(among(lines, /\/src\/((?:views|ops\/jobs)\/[\w-]+\.module\.js)$/)).toEqual(['ops/jobs/jobs.module.js', 'views/exports.module.js', 'views/feed.module.js']);
  });

  it('office loads the operator\'s API, the views and their cache, and no queue and no provider\'s door', () => {
    const lines = loadedBy('office');
    expect([among(lines, PACKAGES), among(lines, FOREIGN.office)]).toEqual([['@keyv', '@mikro-orm', '@redis', 'cache-manager', 'keyv', 'kysely'], []]);
    expect(among(lines, /\/src\/(views\/views\.module\.js|office\/office\.module\.js)$/)).toEqual(['office/office.module.js', 'views/views.module.js']);
  });

  it('all loads every part', () => {
    const lines = loadedBy('all');
    expect(among(lines, PACKAGES)).toEqual(['@keyv', '@mikro-orm', '@nestjs/bullmq', '@redis', 'bullmq', 'cache-manager', 'keyv', 'kysely']);
    expect(among(lines, /\/src\/((?:wallet|providers|office|views|ops\/jobs)\/[\w-]+\.module\.js)$/)).toHaveLength(8);
  });

  it('is found out where it loads what it must not', () => {
    using tree = planted({
      'package.json': '{ "type": "module" }',
      'app.module.js': `import 'bullmq'; import '@mikro-orm/core'; export const AppModule = { forRoot: () => import('./src/views/reads.js') };`,
      'src/views/reads.js': "import '../ops/jobs/queue.js'; import '../wallet/lane.js'; import '../wallet/contract.js'; import './views.module.js';",
      'src/views/views.module.js': "import './acme/projection.js'; import './acme/acme.controller.js'; import './cache/memory.js'; import './exports/desk.js';",
      'src/views/acme/projection.js': '', 'src/views/acme/acme.controller.js': '', 'src/views/cache/memory.js': '', 'src/views/exports/desk.js': '',
      'src/ops/jobs/queue.js': '', 'src/wallet/lane.js': '', 'src/wallet/contract.js': '',
    }, []);
    const lines = loadedBy('wallet', pathToFileURL(join(tree.dir, 'app.module.js')).href);
    expect(among(lines, PACKAGES)).toEqual(['@mikro-orm', 'bullmq']);
    expect(among(lines, FOREIGN.wallet)).toEqual([
      'ops/jobs/queue.js', 'views/acme/acme.controller.js', 'views/cache/memory.js', 'views/exports/desk.js', 'views/reads.js', 'views/views.module.js',
    ]);
    expect(among(lines, FOREIGN.worker)).toEqual([
      'views/acme/acme.controller.js', 'views/cache/memory.js', 'views/exports/desk.js', 'views/views.module.js', 'wallet/lane.js',
    ]);
  });
});
