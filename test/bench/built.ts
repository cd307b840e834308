/** The built product, as production runs it; TEST_DIST names another build than dist. Node runs the bench itself as it is written. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const ROOT = join(import.meta.dirname, '../..');
export const DIST = resolve(process.env['TEST_DIST'] ?? join(ROOT, 'dist'));

/** `built<typeof import('../../src/x.ts')>('src/x')` */
export async function built<Module>(path: string): Promise<Module> {
  const file = join(DIST, `${path}.js`);
  if (!existsSync(file)) throw new Error(`${file} is missing: build first (npm run build)`);
  return (await import(pathToFileURL(file).href)) as Module;
}
