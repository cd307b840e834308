import { randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { isSealed, SecretBox } from '../../libs/crypto/index.ts';
import { notFound, refuse, uuidv7, type Caller } from '../access/contract.ts';
import type { AnyDialect } from '../providers/contract.ts';
import { Fault } from '../wallet/contract.ts';
import { accountIn } from './accounts.service.ts';
import { dialectOf } from './dialects.ts';
import { CredentialEntity, RetiredSecretEntity, type Credential, type ProviderAccount } from './entities.ts';
import { page, type Page, type PageQuery } from './lists.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import type { CredentialRotation, CredentialView, MadeCredential, NewCredential } from './schemas.ts';

const HOUR_MS = 3_600_000;

type View = z.infer<typeof CredentialView>;
type Made = z.infer<typeof MadeCredential>;

/** What providers sign their calls with: a public key id and a secret. Wallet processes follow within a second. */
@Injectable()
export class CredentialsService {
  constructor(
    private readonly office: Office,
    private readonly secrets: SecretBox,
  ) {}

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

  async create(asked: Asked, accountId: number, { secret: given }: z.infer<typeof NewCredential>): Promise<Made> {
    const { operatorId } = asked.caller;
    return once<Made>(this.office, asked, await digestable(asked, { secret: given }), async (em) => {
      const { stored, shown } = await this.newSecret(await accountIn(em, accountId), given);
      const credential = em.create(CredentialEntity, { apiKey: `pk_${randomBytes(12).toString('hex')}`, accountId, operatorId, secrets: [stored] });
      await em.persist(credential).flush();
      return { answer: await viewOf(em, credential.apiKey), shownOnce: shown };
    });
  }

  /** The old secret goes on for as long as a provider retries what it has signed with it. */
  async rotate(asked: Asked, accountId: number, apiKey: string, { overlapHours, secret: given }: z.infer<typeof CredentialRotation>): Promise<Made> {
    const { operatorId } = asked.caller;
    return once<Made>(this.office, asked, await digestable(asked, { overlapHours, secret: given }), async (em) => {
      const { account, credential } = await credentialIn(em, accountId, apiKey);
      const { stored, shown } = await this.newSecret(account, given);
      await em.nativeDelete(RetiredSecretEntity, { apiKey, verifiesUntil: { $lte: new Date() } });
      const verifiesUntil = new Date(Date.now() + overlapHours * HOUR_MS);
      if (overlapHours > 0) {
        for (const secret of credential.secrets) em.persist(em.create(RetiredSecretEntity, { secretId: uuidv7(), apiKey, operatorId, secret, verifiesUntil }));
      }
      credential.secrets = [stored];
      await em.flush();
      return { answer: await viewOf(em, apiKey), shownOnce: shown };
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

  /** Given or made, as the account's dialect has it; sealed. `shown`: one that was made here. */
  private async newSecret(account: ProviderAccount, given: string | undefined): Promise<{ stored: string; shown: { secret?: string } }> {
    const { accountId, operatorId } = account;
    const dialect = dialectOf(account.dialect);
    if (!dialect) throw badSecret(`the dialect ${account.dialect} is not installed here`);
    // Its secrets are this system's to make, so that none is weak.
    if (given !== undefined && dialect.name === 'native') throw badSecret('the secrets of this dialect are made here');
    const secret = given ?? dialect.makeSecret?.();
    if (secret === undefined) throw badSecret('the provider’s own is needed');
    if (given !== undefined) refuseBadSecret(given, dialect);
    if (!this.secrets.canSeal) throw refuse('SEALING_UNAVAILABLE', 'no secret can be kept: SECRETS_KEY_FILE is not set');
    try {
      return { stored: await this.secrets.seal(secret, { operatorId, accountId }), shown: given === undefined ? { secret } : {} };
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the master keys cannot be asked now', { cause: error });
    }
  }
}

async function credentialIn(em: EntityManager, accountId: number, apiKey: string): Promise<{ account: ProviderAccount; credential: Credential }> {
  const account = await accountIn(em, accountId);
  const credential = await em.findOne(CredentialEntity, { accountId, apiKey }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!credential) throw notFound();
  return { account, credential };
}

/** Without the secret, for the digest that is kept: a short one could be tried out on a plain hash. */
async function digestable<Content extends { readonly secret?: string }>({ key }: Asked, { secret, ...rest }: Content): Promise<object> {
  if (secret === undefined) return rest;
  return { ...rest, secret: ((await promisify(scrypt)(secret, key, 16)) as Buffer).toString('hex') };
}

/** A dialect's sentence does not quote the secret; one that does is not told. */
function refuseBadSecret(given: string, dialect: AnyDialect): void {
  if (isSealed(given)) throw badSecret('a secret does not begin with "sealed:"');
  try {
    dialect.key(given);
  } catch (error) {
    const { message } = error as Error;
    throw badSecret(message.includes(given) ? 'not a secret of this dialect' : message);
  }
}

const badSecret = (message: string) => refuse('REQUEST_INVALID', 'body: secret', { errors: [{ field: 'secret', message }] });

/** One query for all of a page. */
async function viewsOf(em: EntityManager, apiKeys: readonly string[]): Promise<View[]> {
  const live = { apiKey: { $in: [...apiKeys] }, verifiesUntil: { $gt: new Date() } };
  const retired = await em.find(RetiredSecretEntity, live, { orderBy: { verifiesUntil: 'desc' } });
  return apiKeys.map((apiKey) => ({ apiKey, retiredUntil: retired.find((secret) => secret.apiKey === apiKey)?.verifiesUntil.toISOString() ?? null }));
}

const viewOf = async (em: EntityManager, apiKey: string): Promise<View> => (await viewsOf(em, [apiKey]))[0] as View;
