import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { formatAmount, type Currency } from '../../libs/money/index.ts';
import { notFound, refuse, uuidv7, type Caller } from '../access/contract.ts';
import { OpenWallets, StopPlayer } from '../wallet/commands.ts';
import { consistencyToken } from '../wallet/contract.ts';
import { CurrencyEntity, PlayerEntity, WalletEntity, type Player, type Wallet } from './entities.ts';
import { page, type Page } from './lists.ts';
import { Office } from './office.ts';
import { once, type Asked } from './once.ts';
import type { NewPlayer, PlayersQuery, PlayerView, WalletView } from './schemas.ts';

type View = z.infer<typeof PlayerView>;
type Status = View['status'];

const STOPS = { active: 'none', blocked: 'blocked', closed: 'closed' } as const;

@Injectable()
export class PlayersService {
  constructor(
    private readonly office: Office,
    private readonly commands: CommandBus,
  ) {}

  list({ operatorId }: Caller, { externalId, ...query }: PlayersQuery): Promise<Page<View>> {
    return this.office.as(operatorId, async (em) => {
      const { items, ...cursors } = await page<Player, string>(em, query, {
        scope: [operatorId, 'players', externalId === undefined ? '' : `externalId=${externalId}`], order: 'asc', keyOf: (player) => player.playerId,
        rows: ({ take, order, beyond }) => em.find(
          PlayerEntity, { ...(externalId !== undefined && { externalId }), ...(beyond && { playerId: beyond }) }, { limit: take, orderBy: { playerId: order } },
        ),
      });
      return { items: await viewsOf(em, items), ...cursors };
    });
  }

  get({ operatorId }: Caller, playerId: string): Promise<View> {
    return this.office.as(operatorId, async (em) => viewOf(em, await playerIn(em, playerId)));
  }

  /** The wallets are opened before the player is committed, so that there is no player without one. */
  create(asked: Asked, { externalId, currencies, test }: z.infer<typeof NewPlayer>): Promise<View> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, { externalId, currencies, ...(test && { test }) }, async (em) => {
      await refuseUnknown(em, currencies);
      const player = em.create(PlayerEntity, { playerId: uuidv7(), operatorId, externalId, test, createdAt: new Date() });
      await em.persist(player).flush();
      await this.commands.execute(new OpenWallets(operatorId, player.playerId, [...new Set(currencies)]));
      return { answer: await viewOf(em, player) };
    });
  }

  /** Exact: from its commit on no bet of the player is taken, or bets are taken again. */
  setStatus(asked: Asked, playerId: string, status: Status): Promise<View> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, { status }, async (em) => {
      const player = await playerIn(em, playerId);
      await this.commands.execute(new StopPlayer(operatorId, playerId, STOPS[status]));
      return { answer: await viewOf(em, player) };
    });
  }

  /** On the primary, as they are now; `token` is for a read that must not be older. */
  wallets({ operatorId }: Caller, playerId: string): Promise<{ readonly items: z.infer<typeof WalletView>[]; readonly token: string }> {
    return this.office.as(operatorId, async (em) => {
      await playerIn(em, playerId);
      const wallets = await em.find(WalletEntity, { playerId }, { orderBy: { currency: 'asc' } });
      return { items: await walletViews(em, wallets), token: await tokenOf(em) };
    });
  }

  openWallet(asked: Asked, playerId: string, currency: string): Promise<z.infer<typeof WalletView>> {
    const { operatorId } = asked.caller;
    return once(this.office, asked, { currency }, async (em) => {
      await playerIn(em, playerId);
      await refuseUnknown(em, [currency]);
      await this.commands.execute(new OpenWallets(operatorId, playerId, [currency]));
      const [answer] = await walletViews(em, await em.find(WalletEntity, { playerId, currency }));
      if (!answer) throw new Error('the wallet was opened and is not there');
      return { answer };
    });
  }
}

/** What is another operator's is not there. */
export async function playerIn(em: EntityManager, playerId: string): Promise<Player> {
  const player = await em.findOne(PlayerEntity, { playerId });
  if (!player) throw notFound();
  return player;
}

export async function currencyIn(em: EntityManager, code: string): Promise<Currency> {
  const currency = await em.findOne(CurrencyEntity, { code });
  if (!currency) throw refuse('REQUEST_INVALID', 'no such currency', { errors: [{ field: 'currency', message: 'not a currency of this system' }] });
  return currency;
}

async function refuseUnknown(em: EntityManager, codes: readonly string[]): Promise<void> {
  const known = await em.find(CurrencyEntity, { code: { $in: [...codes] } });
  const unknown = codes.filter((code) => !known.some((currency) => currency.code === code));
  if (unknown.length === 0) return;
  const errors = unknown.map((code) => ({ field: 'currencies', message: `${code} is not a currency of this system` }));
  throw refuse('REQUEST_INVALID', 'no such currency', { errors });
}

async function walletViews(em: EntityManager, wallets: readonly Wallet[]): Promise<z.infer<typeof WalletView>[]> {
  const currencies = new Map((await em.find(CurrencyEntity, { code: { $in: wallets.map(({ currency }) => currency) } })).map((row) => [row.code, row]));
  return wallets.map(({ currency, balance, debt, version }) => {
    const scale = currencies.get(currency) as Currency;
    return { currency, balance: formatAmount(balance, scale), ...(debt > 0n && { debt: formatAmount(debt, scale) }), walletVersion: Number(version) };
  });
}

async function viewsOf(em: EntityManager, players: readonly Player[]): Promise<View[]> {
  const ids = players.map(({ playerId }) => playerId);
  const wallets = await em.find(WalletEntity, { playerId: { $in: ids } }, { orderBy: { currency: 'asc' }, refresh: true });
  return players.map(({ playerId, externalId, test, createdAt }) => {
    const own = wallets.filter((wallet) => wallet.playerId === playerId);
    return { playerId, externalId, status: statusOf(own), currencies: own.map(({ currency }) => currency), createdAt: createdAt.toISOString(), ...(test && { test: true as const }) };
  });
}

const viewOf = async (em: EntityManager, player: Player): Promise<View> => (await viewsOf(em, [player]))[0] as View;

/** A player is stopped in all wallets at once. */
const statusOf = ([wallet]: readonly Wallet[]): Status => (wallet?.stop === 'none' || wallet === undefined ? 'active' : wallet.stop);

async function tokenOf(em: EntityManager): Promise<string> {
  const [at] = await em.execute<{ timeline: string; lsn: string }[]>(
    'select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) as timeline, pg_current_wal_insert_lsn()::text as lsn');
  return consistencyToken(at as { timeline: string; lsn: string });
}
