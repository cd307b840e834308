import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from '../../src/providers/openapi.ts';
import { asSuperuser, freshDatabase, type TestDatabase } from '../support/cluster.ts';
import { rolesOn } from '../support/office.ts';
import { serveHere, type InProcess } from '../support/server.ts';
import { dialectsPage } from '../support/pages/dialects.ts';
import { refusalsPage } from '../support/pages/refusals.ts';
import { surfacePage } from '../support/pages/surface.ts';
import { ROOT } from './tree.ts';

// Pages that are made out of the running system say what is true now. `npm run pages` makes them anew.

const ANEW = process.env['PAGES'] === 'anew';

let database: TestDatabase;
let served: InProcess;
let made: Readonly<Record<string, string>>;

beforeAll(async () => {
  database = await freshDatabase();
  served = await serveHere(database, rolesOn(database));
  const document = openApiDocument(served.app);
  made = {
    'docs/dialects.md': dialectsPage(),
    'docs/refusals.md': refusalsPage(),
    'docs/surface.md': await surfacePage(served.app, <Row>(text: string) => asSuperuser<Row>(database.url('superuser'), text)),
    'docs/openapi.json': `${JSON.stringify(document, undefined, 2)}\n`,
  };
  if (ANEW) for (const [path, text] of Object.entries(made)) writeFileSync(join(ROOT, path), text);
}, 60_000);
afterAll(() => served.close());

const stale = (path: string, text: string | undefined): boolean => !existsSync(join(ROOT, path)) || readFileSync(join(ROOT, path), 'utf8') !== text;

describe('a generated page', () => {
  it.each(['docs/dialects.md', 'docs/refusals.md', 'docs/surface.md', 'docs/openapi.json'])('%s is fresh (npm run pages)', (path) => {
    expect(stale(path, made[path])).toBe(false);
  });

  it('is found stale where a line differs', () => {
    expect(stale('docs/refusals.md', `${made['docs/refusals.md']}one more line\n`)).toBe(true);
    expect(stale('docs/nowhere.md', '')).toBe(true);
  });
});
