/** A process does not start while any of its routes says nothing of who may call it. */
import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { declarationOf, type Declared } from './declare.ts';
import { refuse } from './refuse.ts';

/** Routes that no controller serves, and why anybody may call them. */
const RAW: readonly { readonly path: RegExp; readonly reason: string }[] = [
  { path: /^\/docs(\/|-|$)/, reason: 'the API reference: it says how to call, and nothing of any operator' },
];

export interface Route {
  /** `GET /v1/players/:playerId` */
  readonly name: string;
  readonly declared: Declared | undefined;
}

/** Of every controller, as it is mounted. */
export function routesOf(app: NestFastifyApplication): Route[] {
  const routes: Route[] = [];
  for (const module of app.get(ModulesContainer).values()) {
    for (const { metatype } of module.controllers.values()) {
      if (!metatype) continue;
      const prototype = metatype.prototype as Record<string, unknown>;
      for (const name of Object.getOwnPropertyNames(prototype)) {
        const method = prototype[name];
        const verb = typeof method === 'function' ? (Reflect.getMetadata(METHOD_METADATA, method) as RequestMethod | undefined) : undefined;
        if (verb === undefined) continue;
        const declared = declarationOf(method as object, metatype);
        for (const path of pathsOf(metatype, method as object)) routes.push({ name: `${RequestMethod[verb]} ${path}`, declared });
      }
    }
  }
  return routes;
}

function pathsOf(controller: object, method: object): string[] {
  const at = (target: object) => [Reflect.getMetadata(PATH_METADATA, target) as string | string[]].flat();
  const joined = (parts: readonly string[]) => `/${parts.flatMap((path) => path.split('/')).filter(Boolean).join('/')}`;
  return at(controller).flatMap((first) => at(method).map((second) => joined([first, second])));
}

/**
 * Refuses the start with a sentence that names the routes: of controllers without `@Require` or `@Public`, and of whatever else was
 * registered with the server and is not named here. Called before the first route is there.
 */
export function refuseUndeclared(app: () => NestFastifyApplication, fastify: FastifyInstance): void {
  const registered: string[] = [];
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const verb of [method].flat()) if (verb !== 'HEAD') registered.push(`${verb} ${url}`);
  });
  fastify.addHook('onReady', (done) => {
    const routes = routesOf(app());
    const known = new Set(routes.map(({ name }) => name));
    const silent = routes.filter(({ declared }) => !declared).map(({ name }) => `${name} declares neither @Require nor @Public`);
    const raw = registered.filter((name) => !known.has(name) && !RAW.some(({ path }) => path.test(name.slice(name.indexOf(' ') + 1))));
    const refused = [...silent, ...raw.map((name) => `${name} is served by no controller and is not in the list of src/access/routes.ts`)];
    done(refused.length > 0 ? new Error(`a route without a declaration: ${refused.join('; ')}`) : undefined);
  });
}

/**
 * A path of a route with a permission, asked for with a method that it has not: 405 with those it has, and no 404. Called before the first
 * route is there, as the hook stands in front of what answers unknown paths.
 */
export function tellOtherMethods(app: () => NestFastifyApplication, fastify: FastifyInstance): void {
  let known: { readonly verb: string; readonly path: RegExp }[] | undefined;
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!request.is404) return done();
    known ??= routesOf(app()).filter(({ declared }) => declared && 'permission' in declared).map(({ name }) => {
      const [verb = '', path = ''] = name.split(' ', 2);
      return { verb, path: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`) };
    });
    const [path = ''] = request.url.split('?', 1);
    const verbs = known.filter((route) => route.path.test(path)).map(({ verb }) => verb);
    if (verbs.length === 0) return done();
    const allowed = verbs.flatMap((verb) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])).join(', ');
    done(refuse('METHOD_NOT_ALLOWED', `${request.method} is not one of ${allowed}`, { headers: { allow: allowed } }));
  });
}
