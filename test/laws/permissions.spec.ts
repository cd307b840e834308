import { beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Post, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { PERMISSIONS, Public, ROLES, type Permission } from '../../src/access/contract.ts';
import { refuseUndeclared, routesOf, type Route } from '../../src/access/routes.ts';
import { freshDatabase } from '../support/cluster.ts';
import { rolesOn } from '../support/office.ts';
import { serveHere } from '../support/server.ts';
import { lineOf, treeOf, wholeTree, type Tree } from './tree.ts';

// Every route says who may call it: with a permission, or that anybody may and why. Every permission is one that a route asks for and a
// role holds, and has a sentence. A process does not start otherwise.

interface Known {
  readonly permissions: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, readonly string[]>>;
}

function breaches(routes: readonly Route[], { permissions, roles }: Known): string[] {
  const asked = new Set(routes.flatMap(({ declared }) => (declared && 'permission' in declared ? [declared.permission as string] : [])));
  const held = new Set(Object.values(roles).flat());
  const found: string[] = [];
  for (const { name, declared } of routes) {
    if (!declared) found.push(`${name} says nothing`);
    else if ('reason' in declared && declared.reason.length < 20) found.push(`${name} gives no reason`);
    else if ('permission' in declared && !(declared.permission in permissions)) found.push(`${name} asks for what nobody knows`);
  }
  for (const [permission, sentence] of Object.entries(permissions)) {
    if (!asked.has(permission)) found.push(`no route asks for ${permission}`);
    if (!held.has(permission)) found.push(`no role holds ${permission}`);
    if (!/^[A-Z].{10,}\.$/.test(sentence)) found.push(`${permission} has no sentence`);
  }
  for (const [role, of] of Object.entries(roles)) for (const permission of of) if (!(permission in permissions)) found.push(`${role} holds ${permission}, which there is not`);
  return found;
}

describe('permissions and routes', () => {
  let routes: Route[];

  beforeAll(async () => {
    const database = await freshDatabase();
    const served = await serveHere(database, rolesOn(database));
    routes = routesOf(served.app);
    await served.close();
  });

  it('know each other', () => {
    expect(routes.length).toBeGreaterThan(25);
    expect(breaches(routes, { permissions: PERMISSIONS, roles: ROLES })).toEqual([]);
  });

  it('are found out where they do not', () => {
    const asking = (permission: string): Route => ({ name: `GET /${permission}`, declared: { permission: permission as Permission } });
    const known = { permissions: { 'a.read': 'See what an a is.', 'b.read': 'b', 'c.read': 'See what a c is.' }, roles: { one: ['a.read', 'b.read'], two: ['x'] } };
    expect(breaches([asking('a.read'), asking('b.read'), asking('d.read'), { name: 'GET /e', declared: undefined }, { name: 'GET /f', declared: { reason: 'why not' } }], known)).toEqual([
      'GET /d.read asks for what nobody knows', 'GET /e says nothing', 'GET /f gives no reason', 'b.read has no sentence', 'no route asks for c.read', 'no role holds c.read',
      'two holds x, which there is not',
    ]);
  });

  it.each(['wallet', 'office', 'worker'])('stand in role %s too', async (role) => {
    const database = await freshDatabase();
    const served = await serveHere(database, rolesOn(database, role));
    const silent = routesOf(served.app).filter(({ declared }) => !declared);
    await served.close();
    expect(silent).toEqual([]);
  });
});

@Public('a controller that anybody may call: a test plants it')
@Controller('planted')
class Declared {
  @Get()
  read() { return {}; }
}

@Controller('planted/gift')
class Silent {
  @Post(':id')
  give() { return {}; }

  @Public('said of this one method and of no other')
  @Get()
  look() { return {}; }
}

async function start(controllers: Type[], more: (app: NestFastifyApplication) => void = () => undefined): Promise<void> {
  @Module({ controllers })
  class Planted {}
  const adapter = new FastifyAdapter({ logger: false });
  refuseUndeclared(() => app, adapter.getInstance());
  const app: NestFastifyApplication = await NestFactory.create<NestFastifyApplication>(Planted, adapter, { logger: false, abortOnError: false });
  more(app);
  try {
    await app.listen(0, '127.0.0.1');
  } finally {
    await app.close();
  }
}

describe('a process', () => {
  it('starts where every route says who may call it', async () => {
    await expect(start([Declared])).resolves.toBeUndefined();
  });

  it('does not start with a planted route that says nothing, and names it', async () => {
    await expect(start([Declared, Silent])).rejects.toThrow(/^a route without a declaration: POST \/planted\/gift\/:id declares neither @Require nor @Public$/);
  });

  it('does not start with a route that no controller serves and no list names', async () => {
    const raw = (app: NestFastifyApplication) => void app.getHttpAdapter().getInstance().get('/backdoor', () => ({}));
    await expect(start([Declared], raw)).rejects.toThrow(/GET \/backdoor is served by no controller and is not in the list/);
  });
});

// An entity manager is had for one operator and one transaction, from `office.as`, and in no other way.

const WAYS = /\bnew MikroORM\b|\bMikroORM\s*\.\s*init\b|\borm\s*\.\s*em\b|\.\s*fork\s*\(\s*\{?|\bcroupier\.operator\b|\bMikroOrmModule\b|\bInjectRepository\b/g;
/** The other two hand out pg's connections, not entity managers; what they may see is test/laws/row-security.spec.ts' to prove. */
const MAY = ['src/office/office.ts', 'libs/postgres/tenants.ts', 'src/views/reads/server.ts'];

function otherWays(tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    if (!/^(src|libs)\//.test(path) || path.endsWith('.spec.ts') || MAY.includes(path)) continue;
    for (const match of text.matchAll(WAYS)) found.push(`${path}:${lineOf(text, match.index)} ${match[0]}`);
  }
  return found;
}

describe('the office’s database', () => {
  it('is asked through office.as alone', () => {
    expect(otherWays(wholeTree())).toEqual([]);
    expect(wholeTree().get('src/office/office.ts')).toMatch(/new MikroORM/);
  });

  it('is found out where somebody goes round it', () => {
    expect(otherWays(treeOf({
      'src/office/office.ts': 'new MikroORM({})', 'src/office/report.ts': 'const em = this.office.orm.em;\nem.fork()',
      'src/games/games.ts': "const orm = await MikroORM.init({});", 'src/views/all.ts': "select set_config('croupier.operator', 'x', true)",
    }))).toEqual(['src/office/report.ts:1 orm.em', 'src/office/report.ts:2 .fork(', 'src/games/games.ts:1 MikroORM.init', 'src/views/all.ts:1 croupier.operator']);
  });
});
