import { Injectable } from '@nestjs/common';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { notFound, refuse, type Caller } from '../access/contract.ts';
import { parsePolicy } from '../providers/contract.ts';
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

  create(asked: Asked, { provider, dialect, policy }: z.infer<typeof NewAccount>): Promise<View> {
    refuseBadPolicy(policy);
    return once(this.office, asked, { provider, dialect, policy }, async (em) => {
      const account = em.create(AccountEntity, { operatorId: asked.caller.operatorId, provider, dialect, policy, betsAllowed: true, createdAt: new Date() });
      await em.persist(account).flush();
      return { answer: viewOf(account) };
    });
  }

  change(asked: Asked, accountId: number, { policy, betsAllowed }: z.infer<typeof AccountChange>): Promise<View> {
    if (policy) refuseBadPolicy(policy);
    return once(this.office, asked, { policy, betsAllowed }, async (em) => {
      const account = await accountIn(em, accountId, LockMode.PESSIMISTIC_WRITE);
      account.policy = policy ?? account.policy;
      account.betsAllowed = betsAllowed ?? account.betsAllowed;
      return { answer: viewOf(account) };
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

function refuseBadPolicy(policy: Readonly<Record<string, unknown>>): void {
  try {
    parsePolicy(policy);
  } catch (error) {
    const { message } = error as Error;
    throw refuse('REQUEST_INVALID', 'body: policy', { errors: message.split('; ').map((each) => fieldOf(each)) });
  }
}

function fieldOf(sentence: string): { field: string; message: string } {
  const [, field = '', message = sentence] = /^policy (\S*): (.*)$/s.exec(sentence) ?? [];
  return { field: field === '' ? 'policy' : `policy.${field}`, message };
}

const viewOf = ({ accountId, provider, dialect, policy, betsAllowed, createdAt }: ProviderAccount): View =>
  ({ accountId, provider, dialect, policy, betsAllowed, createdAt: createdAt.toISOString() });

const gameView = ({ gameId, name, betsAllowed }: Game) => ({ gameId, name, betsAllowed });
