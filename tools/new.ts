/**
 * `npm run new provider acme`: a dialect that compiles, is served and passes its first cases, and its line in `src/installed.ts`. Nothing
 * else is touched. `--into DIR` writes into another checkout.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const USAGE = 'npm run new provider <name>    a dialect in src/providers/<name>, and its line in src/installed.ts';
/** In the templates, instead of the name. */
const PLACEHOLDER = /acme/g;
const TITLE = /Acme/g;

function newProvider(name: string, into: string): string[] {
  if (!/^[a-z][a-z0-9]{1,30}$/.test(name)) throw new Error(`a provider's name is a folder's: 2 to 31 small letters and digits, a letter first; not ${JSON.stringify(name)}`);
  const folder = join(into, 'src/providers', name);
  if (existsSync(folder)) throw new Error(`src/providers/${name} is there already`);
  const installed = join(into, 'src/installed.ts');
  const list = withLine(readFileSync(installed, 'utf8'), name);
  const templates = join(ROOT, 'tools/templates/provider');
  const named = (text: string) => text.replace(PLACEHOLDER, name).replace(TITLE, name.charAt(0).toUpperCase() + name.slice(1));
  const written: string[] = [];
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(templates).toSorted()) {
    const target = named(file.replace(/[.]txt$/, ''));
    writeFileSync(join(folder, target), named(readFileSync(join(templates, file), 'utf8')), { flag: 'wx' });
    written.push(`src/providers/${name}/${target}`);
  }
  writeFileSync(installed, list);
  return [...written, 'src/installed.ts'];
}

/** Behind the last import its imports, behind the last entry of each list its entry. Throws where the file is not of that form any more. */
function withLine(text: string, name: string): string {
  const lastImport = text.lastIndexOf('\nimport ');
  const endOfImport = text.indexOf('\n', lastImport + 1);
  const imports = `\nimport { ${name} } from './providers/${name}/adapter.ts';\nimport { ${name}Speaker } from './providers/${name}/simulator.ts';`;
  let result = text.slice(0, endOfImport) + imports + text.slice(endOfImport);
  for (const [list, entry] of [['DIALECTS', name], ['SPEAKERS', `${name}Speaker`]] as const) {
    const found = new RegExp(`(export const ${list}[^=]*= \\[)([^\\]]*)(\\])`).exec(result);
    if (lastImport < 0 || !found) throw new Error(`src/installed.ts has no list ${list} of the form known here: add ${entry} by hand`);
    const entries = (found[2] as string).trim().replace(/,$/, '');
    result = result.replace(found[0], `${found[1]}${entries}, ${entry}${found[3]}`);
  }
  return result;
}

try {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { into: { type: 'string' } } });
  const [kind, name, ...more] = positionals;
  if (kind !== 'provider' || name === undefined || more.length > 0) throw new Error(USAGE);
  const written = newProvider(name, values.into ?? ROOT);
  console.log([...written.map((file) => `  ${file}`), '', `Next: docs/extending/provider.md tells what to change first.`].join('\n'));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
