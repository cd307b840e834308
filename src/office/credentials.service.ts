import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { notFound, uuidv7, type Caller } from '../access/contract.ts';
import { accountIn } from './accounts.service.ts';
import { CredentialEntity, RetiredSecretEntity, type Credential } from './entities.ts';
import { page, type Page, type PageQuery } from './lists.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import type { CredentialRotation, CredentialView, MadeCredential } from './schemas.ts';

const HOUR_MS = 3_600_000;

type View = z.infer<typeof CredentialView>;
type Made = z.infer<typeof MadeCredential>;

/** What providers sign their calls with: a public key id and a secret. Wallet processes follow within a second. */
@Injectable()
export class CredentialsService {
  constructor(private readonly office: Office) {}

  list({ operatorId }: Caller, accountId: number, query: PageQuery): Promise<Page<View>> {
    return this.office.as(operatorId, async (em) => {
      await accountIn(em, accountId);
      const { items, ...cursors } = await page<Credential, string>(em, query, {
        scope: [operatorId, 'credentials', String(accountId)], order: 'asc', keyOf: (credential) => credential.apiKey,
        rows: ({ take, order, beyond }) => em.find(
          CredentialEntity, { accountId, ...(beyond && { apiKey: beyond }) }, { limit: take, orderBy: { apiKey: order } }),
      });
      return { items: await viewsOf(em, items.map(({ apiKey }) => apiKey)), ...cursors };
    });
  }

  create(asked: Asked, accountId: number): Promise<Made> {
    const { operatorId } = asked.caller;
    return once<Made>(this.office, asked, {}, async (em) => {
      await accountIn(em, accountId);
      const secret = newSecret();
      const credential = em.create(CredentialEntity, { apiKey: `pk_${randomBytes(12).toString('hex')}`, accountId, operatorId, secrets: [secret] });
      await em.persist(credential).flush();
      return { answer: await viewOf(em, credential.apiKey), shownOnce: { secret } };
    });
  }

  /** The old secret goes on for as long as a provider retries what it has signed with it. */
  rotate(asked: Asked, accountId: number, apiKey: string, { overlapHours }: z.infer<typeof CredentialRotation>): Promise<Made> {
    const { operatorId } = asked.caller;
    return once<Made>(this.office, asked, { overlapHours }, async (em) => {
      const credential = await credentialIn(em, accountId, apiKey);
      await em.nativeDelete(RetiredSecretEntity, { apiKey, verifiesUntil: { $lte: new Date() } });
      const verifiesUntil = new Date(Date.now() + overlapHours * HOUR_MS);
      if (overlapHours > 0) {
        for (const secret of credential.secrets) em.persist(em.create(RetiredSecretEntity, { secretId: uuidv7(), apiKey, operatorId, secret, verifiesUntil }));
      }
      const secret = newSecret();
      credential.secrets = [secret];
      await em.flush();
      return { answer: await viewOf(em, apiKey), shownOnce: { secret } };
    });
  }

  /** Nothing signed by it is taken any more, within a second, whatever was retired with an overlap. */
  revoke(asked: Asked, accountId: number, apiKey: string): Promise<View> {
    return once(this.office, asked, {}, async (em) => {
      await credentialIn(em, accountId, apiKey);
      await em.nativeDelete(RetiredSecretEntity, { apiKey });
      await em.nativeDelete(CredentialEntity, { apiKey });
      em.clear();
      return { answer: { apiKey, retiredUntil: null } };
    });
  }
}

async function credentialIn(em: EntityManager, accountId: number, apiKey: string): Promise<Credential> {
  await accountIn(em, accountId);
  const credential = await em.findOne(CredentialEntity, { accountId, apiKey }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!credential) throw notFound();
  return credential;
}

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** One query for all of a page. */
async function viewsOf(em: EntityManager, apiKeys: readonly string[]): Promise<View[]> {
  const live = { apiKey: { $in: [...apiKeys] }, verifiesUntil: { $gt: new Date() } };
  const retired = await em.find(RetiredSecretEntity, live, { orderBy: { verifiesUntil: 'desc' } });
  return apiKeys.map((apiKey) => ({ apiKey, retiredUntil: retired.find((secret) => secret.apiKey === apiKey)?.verifiesUntil.toISOString() ?? null }));
}

const viewOf = async (em: EntityManager, apiKey: string): Promise<View> => (await viewsOf(em, [apiKey]))[0] as View;
