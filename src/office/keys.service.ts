import { Injectable } from '@nestjs/common';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { makeKey, notFound, permissionsOf, refuse, type Caller, type MadeKey } from '../access/contract.ts';
import { ApiKeyEntity, type ApiKey } from './entities.ts';
import { page, type Page, type PageQuery } from './lists.ts';
import { Office } from './office.ts';
import { once, type Asked, type Outcome } from './once.ts';
import type { ApiKeyRotation, ApiKeyView, MadeApiKey, NewApiKey } from './schemas.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

type View = z.infer<typeof ApiKeyView>;
type Made = z.infer<typeof MadeApiKey>;

@Injectable()
export class KeysService {
  constructor(private readonly office: Office) {}

  list({ operatorId }: Caller, query: PageQuery): Promise<Page<View>> {
    return this.office.as(operatorId, async (em) => {
      const { items, ...cursors } = await page<ApiKey, string>(em, query, {
        scope: [operatorId, 'api-keys'], order: 'asc', keyOf: (key) => key.apiKeyId,
        rows: ({ take, order, beyond }) => em.find(ApiKeyEntity, beyond ? { apiKeyId: beyond } : {}, { limit: take, orderBy: { apiKeyId: order } }),
      });
      return { items: items.map(viewOf), ...cursors };
    });
  }

  create(asked: Asked, wanted: z.infer<typeof NewApiKey>): Promise<Made> {
    refuseMoreThanHeld(asked.caller, wanted);
    return once(this.office, asked, wanted, async (em) => addKey(em, asked.caller.operatorId, wanted));
  }

  rotate(asked: Asked, id: string, rotation: z.infer<typeof ApiKeyRotation>): Promise<Made> {
    const { caller } = asked;
    return once(this.office, asked, rotation, async (em) => {
      const old = await em.findOne(ApiKeyEntity, { apiKeyId: id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!old || old.revokedAt || old.expiresAt.getTime() <= Date.now()) throw notFound();
      refuseMoreThanHeld(caller, old);
      const ends = new Date(Date.now() + rotation.overlapHours * HOUR_MS);
      if (ends < old.expiresAt) old.expiresAt = ends;
      return addKey(em, caller.operatorId, { ...old, expiresInDays: rotation.expiresInDays });
    });
  }

  /** It stops within a second, in every process. */
  revoke(asked: Asked, id: string): Promise<View> {
    return once(this.office, asked, {}, async (em) => {
      const key = await em.findOne(ApiKeyEntity, { apiKeyId: id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      if (!key) throw notFound();
      key.revokedAt ??= new Date();
      return { answer: viewOf(key) };
    });
  }
}

interface Rights {
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

/** A key gives nobody what it may not do itself. */
export function refuseMoreThanHeld({ permissions: held }: Caller, { roles, permissions }: Rights): void {
  const more = [...permissionsOf(roles, permissions)].filter((permission) => !held.has(permission));
  if (more.length > 0) throw refuse('FORBIDDEN', `the key itself has not the permission ${more.join(', ')}`);
}

interface Wanted extends Rights {
  readonly name: string;
  readonly expiresInDays: number;
}

/** Writes a key of the operator for whom the transaction is. */
export async function addKey(em: EntityManager, operatorId: string, wanted: Wanted): Promise<Outcome<Made>> {
  const { id, key, hash }: MadeKey = makeKey(operatorId);
  const row = em.create(ApiKeyEntity, {
    apiKeyId: id, operatorId, name: wanted.name, secretHash: hash, roles: [...wanted.roles], permissions: [...wanted.permissions],
    createdAt: new Date(), expiresAt: new Date(Date.now() + wanted.expiresInDays * DAY_MS), revokedAt: null,
  });
  await em.persist(row).flush();
  return { answer: viewOf(row), shownOnce: { key } };
}

const viewOf = (key: ApiKey): View => ({
  apiKeyId: key.apiKeyId, name: key.name, roles: key.roles, permissions: key.permissions, createdAt: key.createdAt.toISOString(),
  expiresAt: key.expiresAt.toISOString(), revokedAt: key.revokedAt?.toISOString() ?? null,
});
