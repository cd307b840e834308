/**
 * `npm run new provider acme`: a dialect that compiles, is served and passes its first cases. `npm run new view acme`: a view with its table, its
 * route and its checks. Each with the lines that install it; nothing else is touched. `--into DIR` writes into another checkout.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const USAGE = `npm run new provider <name>    a dialect in src/providers/<name>, and its line in src/installed.ts
npm run new view <name>        a view in src/views/<name>, its table as a migration, and the lines that install them`;
/** In the templates, instead of the name; in a migration's, of its class. */
const PLACEHOLDER = /acme/g;
const TITLE = /Acme/g;
const MIGRATION = /MIGRATION/g;

type Files = Map<string, string>;

const titleOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
const named = (text: string, name: string): string => text.replace(PLACEHOLDER, name).replace(TITLE, titleOf(name));

/** The templates of a kind by the names that they stand for. */
function templatesOf(kind: string, name: string): Files {
  const folder = join(ROOT, 'tools/templates', kind);
  return new Map(readdirSync(folder).toSorted().map((file) => [named(file.replace(/[.]txt$/, ''), name), named(readFileSync(join(folder, file), 'utf8'), name)]));
}

function newProvider(name: string, textOf: (path: string) => string): Files {
  const made: Files = new Map([...templatesOf('provider', name)].map(([file, text]) => [`src/providers/${name}/${file}`, text]));
  const imports = [`import { ${name} } from './providers/${name}/adapter.ts';`, `import { ${name}Speaker } from './providers/${name}/simulator.ts';`];
  const installed = withImports(textOf('src/installed.ts'), imports);
  return made.set('src/installed.ts', withEntry(withEntry(installed, listOf('DIALECTS'), name), listOf('SPEAKERS'), `${name}Speaker`));
}

function newView(name: string, textOf: (path: string) => string, migrations: readonly string[]): Files {
  const numbers = migrations.map((file) => Number(/^m(\d{4})-/.exec(file)?.[1] ?? 0));
  const number = String(Math.max(...numbers) + 1).padStart(4, '0');
  const step = `M${number}${titleOf(name)}`;
  const { 'migration.ts': migration = '', ...files } = Object.fromEntries(templatesOf('view', name));
  const made: Files = new Map(Object.entries(files).map(([file, text]) => [`src/views/${name}/${file}`, text]));
  made.set(`migrations/m${number}-${name}.ts`, migration.replace(MIGRATION, step));
  const [controller, handler] = [`${titleOf(name)}Controller`, `${titleOf(name)}ByDayHandler`];
  const installed = withImports(textOf('src/installed.ts'), [`import { ${name} } from './views/${name}/projection.ts';`]);
  made.set('src/installed.ts', withEntry(installed, listOf('PROJECTIONS'), name));
  const views = withImports(textOf('src/views/views.module.ts'), [`import { ${controller} } from './${name}/${name}.controller.ts';`, `import { ${handler} } from './${name}/${name}.query.ts';`]);
  made.set('src/views/views.module.ts', withEntry(withEntry(views, /(\n {6}controllers: \[)([^\]]*)(\])/, controller), /(\n {6}providers: \[)([^]*?)(\n {6}\],)/, handler));
  const steps = withImports(textOf('migrations/index.ts'), [`import { ${step} } from './m${number}-${name}.ts';`]);
  made.set('migrations/index.ts', withEntry(steps, /(\nconst STEPS = \[)([^]*?)(\n\];)/, `{ name: '${step}', class: ${step} }`));
  return made.set('migrations/needed.ts', replaced(textOf('migrations/needed.ts'), /(SCHEMA_NEEDED = ')[^']*(')/, `$1${step}$2`));
}

const listOf = (list: string): RegExp => new RegExp(`(\\nexport const ${list}[^=]*= \\[)([^\\]]*)(\\])`);

/** Behind the last import. */
function withImports(text: string, imports: readonly string[]): string {
  const end = text.indexOf('\n', text.lastIndexOf('\nimport ') + 1);
  return `${text.slice(0, end)}\n${imports.join('\n')}${text.slice(end)}`;
}

/** Behind the last entry of a list: in its line, or in one of its own where the list has a line for each few. */
function withEntry(text: string, list: RegExp, entry: string): string {
  return replaced(text, list, (_: string, begin: string, entries: string, end: string) => {
    const kept = entries.trimEnd().replace(/,$/, '');
    const indent = /\n( +)[^\n]*$/.exec(kept)?.[1];
    return indent === undefined ? `${begin}${kept.trim() === '' ? '' : `${kept}, `}${entry}${end}` : `${begin}${kept},\n${indent}${entry},${end}`;
  });
}

/** Throws where the file is not of the form known here any more. */
function replaced(text: string, found: RegExp, by: string | ((...found: string[]) => string)): string {
  const result = text.replace(found, by as string);
  if (result === text) throw new Error(`there is no ${found.source} any more: write the lines by hand`);
  return result;
}

function make(kind: string, name: string, into: string): string[] {
  if (!/^[a-z][a-z0-9]{1,30}$/.test(name)) throw new Error(`a ${kind}'s name is a folder's: 2 to 31 small letters and digits, a letter first; not ${JSON.stringify(name)}`);
  const folder = kind === 'provider' ? `src/providers/${name}` : `src/views/${name}`;
  for (const path of [folder, `${folder}.ts`]) if (existsSync(join(into, path))) throw new Error(`${path} is there already`);
  const textOf = (path: string) => readFileSync(join(into, path), 'utf8');
  // All is made before the first is written.
  const files = kind === 'provider' ? newProvider(name, textOf) : newView(name, textOf, readdirSync(join(into, 'migrations')));
  mkdirSync(join(into, folder), { recursive: true });
  for (const [path, text] of files) writeFileSync(join(into, path), text);
  return [...files.keys()];
}

try {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { into: { type: 'string' } } });
  const [kind, name, ...more] = positionals;
  if ((kind !== 'provider' && kind !== 'view') || name === undefined || more.length > 0) throw new Error(USAGE);
  const written = make(kind, name, values.into ?? ROOT);
  console.log([...written.map((file) => `  ${file}`), '', `Next: docs/extending/${kind}.md tells what to change first.`].join('\n'));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
