import { Injectable } from '@nestjs/common';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { sqlState } from '../../libs/postgres/index.ts';
import { notFound, refuse, type Caller } from '../access/contract.ts';
import { dialectOf, policyOf, refuseBadSettings, scopesOf } from './dialects.ts';
import { AccountEntity, GameEntity, type Game, type ProviderAccount } from './entities.ts';
import { page, type Page, type PageQuery } from './lists.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import type { AccountChange, AccountView, GamePut, GameView, NewAccount } from './schemas.ts';

type View = z.infer<typeof AccountView>;

/** The cashier is an account too, but nobody calls through it and nothing is to be set there. */
const OF_PROVIDERS = { dialect: { $ne: 'none' } } as const;

@Injectable()
export class AccountsService {
  constructor(private readonly office: Office) {}

  list({ operatorId }: Caller, query: PageQuery): Promise<Page<View>> {
    return this.office.as(operatorId, async (em) => {
      const { items, ...cursors } = await page<ProviderAccount, number>(em, query, {
        scope: [operatorId, 'provider-accounts'], order: 'asc', keyOf: (account) => account.accountId,
        rows: ({ take, order, beyond }) => em.find(
          AccountEntity, { ...OF_PROVIDERS, ...(beyond && { accountId: beyond }) }, { limit: take, orderBy: { accountId: order } }),
      });
      return { items: items.map(viewOf), ...cursors };
    });
  }

  get({ operatorId }: Caller, accountId: number): Promise<View> {
    return this.office.as(operatorId, async (em) => viewOf(await accountIn(em, accountId)));
  }

  create(asked: Asked, { provider, dialect, policy, settings, addresses }: z.infer<typeof NewAccount>): Promise<View> {
    policyOf(policy, dialectOf(dialect));
    refuseBadSettings(settings, dialectOf(dialect));
    return once(this.office, asked, { provider, dialect, policy, settings, addresses }, async (em) => {
      const account = em.create(AccountEntity, {
        operatorId: asked.caller.operatorId, provider, dialect, policy, settings, addresses, betsAllowed: true, createdAt: new Date(),
      });
      await em.persist(account).flush();
      return { answer: viewOf(await em.refreshOrFail(account)) };
    });
  }

  change(asked: Asked, accountId: number, wanted: z.infer<typeof AccountChange>): Promise<View> {
    const { policy, settings, addresses, betsAllowed } = wanted;
    return once(this.office, asked, { policy, settings, addresses, betsAllowed }, async (em) => {
      const account = await accountIn(em, accountId, LockMode.PESSIMISTIC_WRITE);
      const dialect = dialectOf(account.dialect);
      if (settings) refuseBadSettings(settings, dialect);
      if (policy && scopesOf(policyOf(policy, dialect)) !== scopesNow(account) && (await isUsed(em, account))) throw refuse('SCOPE_FIXED');
      account.policy = policy ?? account.policy;
      account.settings = settings ?? account.settings;
      account.addresses = addresses ?? account.addresses;
      account.betsAllowed = betsAllowed ?? account.betsAllowed;
      await em.flush();
      return { answer: viewOf(await em.refreshOrFail(account)) };
    });
  }

  games({ operatorId }: Caller, accountId: number, query: PageQuery): Promise<Page<z.infer<typeof GameView>>> {
    return this.office.as(operatorId, async (em) => {
      await accountIn(em, accountId);
      const { items, ...cursors } = await page<Game, string>(em, query, {
        scope: [operatorId, 'games', String(accountId)], order: 'asc', keyOf: (game) => game.gameId,
        rows: ({ take, order, beyond }) => em.find(GameEntity, { accountId, ...(beyond && { gameId: beyond }) }, { limit: take, orderBy: { gameId: order } }),
      });
      return { items: items.map(gameView), ...cursors };
    });
  }

  game({ operatorId }: Caller, accountId: number, gameId: string): Promise<z.infer<typeof GameView>> {
    return this.office.as(operatorId, async (em) => {
      const game = await em.findOne(GameEntity, { accountId, gameId });
      if (!game) throw notFound();
      return gameView(game);
    });
  }

  putGame(asked: Asked, accountId: number, gameId: string, wanted: z.infer<typeof GamePut>): Promise<z.infer<typeof GameView>> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, wanted, async (em) => {
      await accountIn(em, accountId, LockMode.PESSIMISTIC_WRITE);
      const game = (await em.findOne(GameEntity, { accountId, gameId })) ?? em.create(GameEntity, { accountId, gameId, operatorId, ...wanted });
      Object.assign(game, wanted);
      await em.persist(game).flush();
      return { answer: gameView(game) };
    });
  }
}

/** What is another operator's, or the cashier, is not there. */
export async function accountIn(em: EntityManager, accountId: number, lockMode: LockMode = LockMode.NONE): Promise<ProviderAccount> {
  const account = await em.findOne(AccountEntity, { accountId, ...OF_PROVIDERS }, { lockMode });
  if (!account) throw notFound();
  return account;
}

/** Undefined of a record that no process can read. */
function scopesNow({ policy, dialect }: ProviderAccount): string | undefined {
  try {
    return scopesOf(policyOf(policy, dialectOf(dialect)));
  } catch {
    return undefined;
  }
}

/** One look a player, and none of the account's traffic: its references are kept by player. args: operator, account */
const USED = `select exists (select from player p cross join lateral
  (select from transaction_key k where k.player_id = p.player_id and k.account_id = ? offset 0) k where p.operator_id = ?) as used`;
const USED_MS = 3_000;

/** Whether any reference was ever used at it. Of an operator with so many players that this takes too long it is taken as used. */
async function isUsed(em: EntityManager, { accountId, operatorId }: ProviderAccount): Promise<boolean> {
  await em.execute('savepoint used');
  try {
    await em.execute(`set local statement_timeout = '${USED_MS}ms'`);
    const [row] = await em.execute<{ used: boolean }[]>(USED, [accountId, operatorId]);
    return row?.used !== false;
  } catch (error) {
    if (sqlState(error) !== '57014') throw error;
    return true;
  } finally {
    // With it goes the shorter timeout.
    await em.execute('rollback to savepoint used');
  }
}

const viewOf = ({ accountId, provider, dialect, policy, settings, addresses, betsAllowed, createdAt }: ProviderAccount): View =>
  ({ accountId, provider, dialect, policy, settings, addresses, betsAllowed, createdAt: createdAt.toISOString() });

const gameView = ({ gameId, name, betsAllowed }: Game) => ({ gameId, name, betsAllowed });
