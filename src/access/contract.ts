/** How a route says who may call it, and how it learns who does. */
import { applyDecorators, createParamDecorator, UseGuards, UseInterceptors, UsePipes, type ExecutionContext } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import { declare } from './declare.ts';
import { callerOf, RequireGuard } from './guard.ts';
import type { Permission } from './permissions.ts';
import { WireInterceptor, WirePipe } from './wire.ts';

export { callerOf } from './guard.ts';
export { makeKey, uuidv7, type MadeKey } from './key.ts';
export type { Caller } from './keys.ts';
export { isPermission, PERMISSIONS, type Permission } from './permissions.ts';
export { CODES, notFound, refuse, type AccessCode } from './refuse.ts';
export { isRole, permissionsOf, ROLES, type RoleName } from './roles.ts';

/**
 * Only with a key that has this permission. Arguments with a `{ schema }` are validated, bodies as strict JSON; what is wrong is answered
 * with `REQUEST_INVALID` that names it. For a method or a whole controller; it costs nothing where it does not stand.
 */
export const Require = (permission: Permission) => applyDecorators(
  declare({ permission }), UseGuards(RequireGuard), UseInterceptors(WireInterceptor), UsePipes(new WirePipe()), ApiBearerAuth('apiKey'),
  ApiResponse({
    status: 'default', description: 'judge by `code`', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }),
);

/** Anybody may call it, for this reason. It adds nothing to the route. */
export const Public = (reason: string) => declare({ reason });

/** Who calls, as an argument of a method under `@Require`. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext) => callerOf(context.switchToHttp().getRequest<object>()));
