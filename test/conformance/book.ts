/** Bets, wins and prizes of a little wallet that lives in memory, written from the published contract and nothing of ours; each fault breaks one of them. */
import { randomUUID } from 'node:crypto';
import type { OpenBet, StoppedSeat } from '../../src/conformance/setting.ts';
import type { Seat } from '../../src/conformance/contract.ts';
import type { Stopped } from '../../src/conformance/case.ts';
import type { Fault } from './faults.ts';
import { digestOf, gap, normalised, Refused, spell, type Answer, type Asked, type Key, type Player, type Round, type Session, type Wallet } from './state.ts';

const GAMES = ['game-1', 'game-2'];
export const nothing = (): void => undefined;
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

export class Book {
  protected readonly players = new Map<string, Player>();
  protected readonly sessions = new Map<string, Session>();
  protected readonly bets = new Map<string, { readonly player: Player; readonly bet: Key }>();
  protected readonly rounds = new Map<string, Round>();
  protected readonly campaigns = new Map<string, Player>();
  protected readonly owners = new Map<string, Player>();

  protected readonly has: (fault: Fault) => boolean;

  constructor(has: (fault: Fault) => boolean) {
    this.has = has;
  }

  open(currency: string, balance: bigint): Seat {
    const player: Player = { id: randomUUID(), blocked: false, over: false, older: false, wallets: new Map(), keys: new Map(), rounds: new Map(), totals: new Set(), calls: { count: 0 } };
    player.wallets.set(currency, { currency, balance, held: 0n, debt: 0n, calls: player.calls, version: 1, float: Number(spell(balance)) });
    this.players.set(player.id, player);
    const token = randomUUID();
    this.sessions.set(token, { player, currency, live: true });
    return { player: player.id, currency, token };
  }

  /** After two bets that stay open. */
  stop(seat: Seat, how: Stopped): StoppedSeat {
    const player = this.players.get(seat.player) as Player;
    const open = [0, 1].map((): OpenBet => {
      const bet = { reference: randomUUID(), round: randomUUID(), game: 'game-1', amount: '2' };
      const asked = { transactionId: bet.reference, gameId: bet.game, roundId: bet.round, amount: 200_000_000n, currency: seat.currency } as Asked;
      this.applyBet(player, asked, nothing);
      return bet;
    });
    player.blocked = how === 'blocked';
    player.over = how === 'expired';
    player.older = how === 'superseded';
    Object.assign(this.sessions.get(seat.token) as Session, { live: how !== 'expired', superseded: how === 'superseded' });
    return { ...seat, open };
  }

  protected playerOf({ playerId, sessionToken }: Asked): Player {
    const player = this.players.get(playerId);
    if (!player && this.has('unknown-player-breaks')) throw new TypeError('player is undefined');
    if (!player) throw new Refused('PLAYER_NOT_FOUND');
    return this.has('others-token-charged') ? (this.sessions.get(sessionToken ?? '')?.player ?? player) : player;
  }

  protected walletOf(player: Player, { operation, currency }: Pick<Asked, 'operation' | 'currency'>): Wallet {
    const wallet = player.wallets.get(currency);
    if (wallet) return wallet;
    const known = ['EUR', 'JPY', 'BTC'].includes(currency);
    const any = known ? this.has(operation === 'win' ? 'win-currency-ignored' : 'currency-ignored') : this.has('unknown-currency-taken');
    if (!any) throw new Refused('CURRENCY_MISMATCH');
    return [...player.wallets.values()][0] as Wallet;
  }

  protected view(wallet: Wallet): { readonly currency: string; readonly balance: string; readonly walletVersion: number } {
    const off = this.has('balance-off-by-one') ? 1n : 0n;
    const balance = this.has('floats') ? String(wallet.float) : spell(wallet.balance - off);
    return { currency: wallet.currency, balance, walletVersion: wallet.version };
  }

  protected refuse(code: string, wallet: Wallet): never {
    throw new Refused(code, this.view(wallet));
  }

  /** Takes what a thing is kept under; a fault may look too early. */
  protected async known(player: Player, name: string, race: Fault): Promise<Key | undefined> {
    const key = player.keys.get(name);
    if (this.has(race)) await gap(player);
    return this.has(race) ? key : player.keys.get(name);
  }

  protected name(operation: string, reference: string): string {
    return `${this.has('operations-share-ids') && operation !== 'rollback' ? 'id' : operation} ${normalised(reference, this.has)}`;
  }

  protected async move(wallet: Wallet, amount: bigint): Promise<void> {
    const before = wallet.balance;
    if (this.has('lost-update')) await gap(wallet);
    wallet.balance = before + amount;
    wallet.float += Number(spell(amount));
    wallet.version += 1;
  }

  protected receipt(key: Key, wallet: Wallet, status: string): Answer {
    return {
      transactionId: key.id, reference: key.reference, type: key.operation, status, outcome: key.outcome, amount: spell(key.moved < 0n ? -key.moved : key.moved),
      ...this.view(wallet), processedAt: new Date(key.at).toISOString(),
    };
  }

  protected key(operation: string, asked: Asked, moved: bigint, outcome: Key['outcome'] = 'applied'): Key {
    return {
      id: randomUUID(), operation, reference: asked.transactionId, digest: digestOf(operation, asked, this.has), outcome, moved, at: Date.now(), currency: asked.currency,
      round: asked.roundId, undone: false, wins: 0, free: asked.free !== undefined, bet: asked.betTransactionId, face: asked.amount,
    };
  }

  protected roundsOf(player: Player): Map<string, Round> {
    return this.has('rounds-shared') ? this.rounds : player.rounds;
  }

  protected repeat(player: Player, asked: Asked, key: Key, wallet: Wallet): Answer {
    if (key.outcome === 'tombstoned') {
      if (this.has('tombstone-used-up')) player.keys.delete(this.name(key.operation, asked.transactionId));
      return this.refuse('ROLLED_BACK', wallet);
    }
    if (key.digest !== digestOf(key.operation, asked, this.has)) return this.refuse('TRANSACTION_CONFLICT', wallet);
    if (key.code !== undefined) return this.refuse(key.code, wallet);
    const again = this.has('new-id-on-retry') && key.operation === 'bet' ? { ...key, id: randomUUID() } : key;
    return { ...this.receipt(again, wallet, 'replayed'), ...(this.has('stale-balance-on-retry') && key.told !== undefined && { balance: key.told }) };
  }

  protected forgets(player: Player, key: Key | undefined, asked: Asked): boolean {
    if (!key) return true;
    const { outcome, operation } = key;
    if (outcome === 'refused') return this.has('refusal-forgotten');
    if (operation !== 'bet' || outcome !== 'applied') return false;
    const wallet = player.wallets.get(asked.currency);
    if (this.has('funds-before-key') && wallet && wallet.balance < asked.amount) this.refuse('INSUFFICIENT_FUNDS', wallet);
    if (this.has('round-before-key') && wallet && this.roundsOf(player).get(asked.roundId)?.closed) this.refuse('ROUND_CLOSED', wallet);
    if (this.has('settled-before-key') && wallet && key.wins > 0) this.refuse('BET_ALREADY_SETTLED', wallet);
    return key.undone ? this.has('undone-bet-charged') : this.has('charge-again') && !key.free;
  }

  protected async bet(player: Player, asked: Asked): Promise<Answer> {
    const name = this.name('bet', asked.transactionId);
    if (this.has('players-share-ids') && (this.owners.get(name) ?? player) !== player) throw new Refused('TRANSACTION_CONFLICT');
    const key = await this.known(player, name, 'race-bet');
    const wallet = this.walletOf(player, asked);
    if (key && !this.forgets(player, key, asked)) return this.repeat(player, asked, key, wallet);
    const code = this.judgeBet(player, asked, wallet);
    if (code !== undefined) {
      if (this.has('stake-held')) wallet.held += asked.amount;
      player.keys.set(name, { ...this.key('bet', asked, 0n, 'refused'), code });
      return this.refuse(code, wallet);
    }
    if (this.has('race-funds')) await gap(player);
    const applied = this.applyBet(player, asked, (delta) => this.move(wallet, delta));
    await applied.moved;
    applied.key.told = this.view(wallet).balance;
    return this.receipt(applied.key, wallet, 'applied');
  }

  protected judgeBet(player: Player, asked: Asked, wallet: Wallet): string | undefined {
    const round = this.roundsOf(player).get(asked.roundId);
    if (round?.cancelled && !this.has('cancelled-round-open')) return 'ROLLED_BACK';
    if (round?.closed && !this.has('closed-round-open')) return 'ROUND_CLOSED';
    if (round && this.has('one-bet-a-round')) return 'ROUND_CLOSED';
    if (!GAMES.includes(asked.gameId)) return 'GAME_NOT_FOUND';
    const session = this.sessions.get(asked.sessionToken ?? '');
    if (asked.sessionToken !== undefined) {
      if (!session && !this.has('any-token-bets')) return 'SESSION_NOT_FOUND';
      if (session && session.player !== player && !this.has('others-token-bets')) return 'SESSION_NOT_FOUND';
      if (session && !session.live && !this.has('expired-bets')) return 'SESSION_EXPIRED';
      if (session?.superseded && !this.has('superseded-bets')) return 'SESSION_SUPERSEDED';
    }
    if (player.blocked && !this.has('blocked-bets')) return 'PLAYER_BLOCKED';
    if (asked.free && !this.has('free-bet-needs-funds')) return undefined;
    const left = wallet.balance - wallet.held;
    const covered = this.has('exact-balance-refused') ? left > asked.amount : left >= asked.amount;
    return covered || this.has('negative-balance') ? undefined : 'INSUFFICIENT_FUNDS';
  }

  protected applyBet(player: Player, asked: Asked, move: (delta: bigint) => unknown): { readonly key: Key; readonly moved: unknown } {
    const uncharged = (asked.free && !this.has('free-bet-charged')) || (this.has('bet-uncharged') && asked.amount > 100_000_000n);
    const amount = uncharged ? 0n : asked.amount;
    const key = this.key('bet', asked, -amount);
    const name = this.name('bet', asked.transactionId);
    player.keys.set(name, key);
    this.owners.set(name, player);
    this.bets.set(name, { player, bet: key });
    const rounds = this.roundsOf(player);
    const round = rounds.get(asked.roundId) ?? { closed: false, bets: [] };
    rounds.set(asked.roundId, { ...round, closed: round.closed || (asked.closeRound === true && !this.has('closing-bet-ignored')), bets: [...round.bets, key] });
    return { key, moved: move(-amount) };
  }

  protected async win(player: Player, asked: Asked): Promise<Answer> {
    const wallet = this.walletOf(player, asked);
    if (this.stopped(player, 'win')) this.refuse(player.blocked ? 'PLAYER_BLOCKED' : 'SESSION_EXPIRED', wallet);
    const name = this.name('win', asked.transactionId);
    const key = await this.known(player, name, 'race-win');
    const tombless = key?.outcome === 'tombstoned' && this.has('win-tombstone-forgotten');
    if (key && !tombless && !(this.has('pay-again') && key.outcome === 'applied')) return this.repeat(player, asked, key, wallet);
    const bet = asked.betTransactionId === undefined ? undefined : this.namedBet(player, asked.betTransactionId);
    const code = this.judgeWin(player, asked, bet);
    if (code !== undefined) {
      if (this.has('win-refusal-remembered') && code === 'BET_NOT_FOUND') player.keys.set(name, { ...this.key('win', asked, 0n, 'refused'), code });
      return this.refuse(code, wallet);
    }
    if (this.has('race-settle')) await gap(player);
    const applied = this.applyWin(player, asked, bet);
    const kept = this.has('debt-taken-from-win') ? least(wallet.debt, applied.moved) : 0n;
    wallet.debt -= kept;
    await this.move(wallet, applied.moved - kept);
    return this.receipt(applied, wallet, 'applied');
  }

  protected stopped(player: Player, what: 'win' | 'rollback'): boolean {
    return (player.blocked && this.has(`blocked-${what}-refused`)) || (player.over && this.has(`expired-${what}-refused`)) || (player.older && this.has(`superseded-${what}-refused`));
  }

  protected namedBet(player: Player, reference: string): Key | undefined {
    const name = this.name('bet', reference);
    return this.has('others-bet-wins') ? this.bets.get(name)?.bet : player.keys.get(name);
  }

  protected judgeWin(player: Player, asked: Asked, bet: Key | undefined): string | undefined {
    const round = this.roundsOf(player).get(asked.roundId);
    if ((bet?.undone && !this.has('undone-win-paid')) || bet?.outcome === 'tombstoned') return 'ROLLED_BACK';
    if (bet?.outcome !== 'applied' && !(asked.betTransactionId === undefined && round && round.bets.length > 0)) return 'BET_NOT_FOUND';
    if (this.has('undone-bet-voids-round') && round?.bets.some((each) => each.undone)) return 'ROLLED_BACK';
    return round?.closed && this.has('late-win-refused') ? 'ROUND_CLOSED' : undefined;
  }

  protected applyWin(player: Player, asked: Asked, bet: Key | undefined): Key {
    const key = this.key('win', asked, bet?.free && this.has('free-win-unpaid') ? 0n : asked.amount);
    player.keys.set(this.name('win', asked.transactionId), key);
    if (bet) bet.wins += 1;
    const round = this.roundsOf(player).get(asked.roundId);
    if (round) round.closed ||= (asked.closeRound === true && !this.has('closing-win-ignored')) || this.has('win-closes-round');
    return key;
  }

  protected async award(player: Player, asked: Asked): Promise<Answer> {
    const wallet = this.walletOf(player, asked);
    if (this.has('award-needs-round') && asked.type === 'jackpot') this.refuse('BET_NOT_FOUND', wallet);
    if (player.blocked && this.has('blocked-award-refused')) this.refuse('PLAYER_BLOCKED', wallet);
    const name = this.name('win', asked.transactionId);
    const key = await this.known(player, name, 'race-award');
    if (key && !this.has('award-again')) return this.repeat(player, asked, key, wallet);
    if (asked.type === 'free_rounds' && asked.campaignId !== undefined) this.claim(player, asked.campaignId, wallet);
    const applied = this.key('win', asked, asked.amount);
    player.keys.set(name, applied);
    await this.move(wallet, applied.moved);
    return this.receipt(applied, wallet, 'applied');
  }

  protected claim(player: Player, campaign: string, wallet: Wallet): void {
    const first = this.campaigns.get(campaign) ?? player;
    this.campaigns.set(campaign, first);
    const taken = this.has('one-total-a-player') ? player.totals.size > 0 : player.totals.has(campaign) && !this.has('total-twice');
    if (taken || (this.has('campaign-of-first-player') && first !== player)) this.refuse('TRANSACTION_CONFLICT', wallet);
    player.totals.add(campaign);
  }
}
