/** What a route says of who may call it, as metadata of its method or its controller. */
import { SetMetadata } from '@nestjs/common';
import type { Permission } from './permissions.ts';

export type Declared = { readonly permission: Permission } | { readonly reason: string };

const DECLARED = 'croupier:declared';

export const declare = (declared: Declared) => SetMetadata(DECLARED, declared);

/** What stands at the method, else at its controller; undefined where neither says anything. */
export function declarationOf(method: object, controller: object): Declared | undefined {
  const at = (target: object) => Reflect.getMetadata(DECLARED, target) as Declared | undefined;
  return at(method) ?? at(controller);
}
