/** The rest of the little wallet's rules: rollbacks, plays, rounds, and who asks. */
import { Book, nothing } from './book.ts';
import { gap, Refused, spell, type Action, type Answer, type Asked, type Key, type Player, type Wallet } from './state.ts';

export class Rules extends Book {
  async ask(asked: Asked): Promise<Answer> {
    if (asked.operation === 'authenticate') return this.authenticate(asked);
    const player = this.playerOf(asked);
    player.calls.count += 1;
    switch (asked.operation) {
      case 'balance': return { playerId: player.id, ...this.view(this.walletOf(player, asked)) };
      case 'bet': return this.bet(player, asked);
      case 'win': return asked.type === undefined || asked.type === 'win' ? this.win(player, asked) : this.award(player, asked);
      case 'rollback': return this.rollback(player, asked);
      case 'play': return this.play(player, asked);
      case 'adjust': return this.adjust(player, asked);
      case 'cancel-round': return this.cancel(player, asked);
      default: return this.close(player, asked);
    }
  }

  private authenticate({ sessionToken }: Asked): Answer {
    const session = this.sessions.get(sessionToken as string) ?? (this.has('any-token-opens') ? [...this.sessions.values()][0] : undefined);
    if (!session) throw new Refused('SESSION_NOT_FOUND');
    return { playerId: session.player.id, ...this.view(session.player.wallets.get(session.currency) as Wallet), sessionToken };
  }

  private async rollback(player: Player, asked: Asked): Promise<Answer> {
    const wallet = this.walletOf(player, asked);
    if (this.stopped(player, 'rollback')) this.refuse(player.blocked ? 'PLAYER_BLOCKED' : 'SESSION_EXPIRED', wallet);
    const name = this.name('rollback', asked.transactionId);
    const key = await this.known(player, name, 'race-rollback');
    if (key && !this.has('rollback-again') && !this.has('race-rollback')) return this.repeat(player, asked, key, wallet);
    const original = this.originalOf(player, asked);
    if (original?.outcome !== 'applied') return this.undoNothing(player, asked, original, wallet);
    const again = (key !== undefined && this.has('rollback-again')) || this.has('other-rollback-pays') || (key === undefined && this.has('race-rollback'));
    const undone = original.undone;
    if (undone && !again) return this.kept(player, asked, original.moved, wallet, 'replayed');
    const settled = original.operation === 'bet' && original.wins > 0 && !this.has('settled-bet-given-back');
    if (settled) this.refuse('BET_ALREADY_SETTLED', wallet);
    if (this.has('closed-rollback-refused') && this.roundsOf(player).get(original.round)?.closed) this.refuse('ROUND_CLOSED', wallet);
    if (this.has('race-undo')) await gap(player);
    return this.undo(player, asked, original, wallet);
  }

  private originalOf(player: Player, asked: Asked): Key | undefined {
    const name = this.name('bet', asked.originalTransactionId);
    if (asked.originalType === 'win' || asked.originalType === 'adjustment') return player.keys.get(this.name(asked.originalType, asked.originalTransactionId));
    if (this.has('others-bet-undone')) return this.bets.get(name)?.bet;
    const bet = player.keys.get(name);
    return this.has('rollback-takes-last') && bet ? (this.roundsOf(player).get(bet.round)?.bets.at(-1) ?? bet) : bet;
  }

  private async undoNothing(player: Player, asked: Asked, original: Key | undefined, wallet: Wallet): Promise<Answer> {
    if (original?.outcome === 'refused') {
      if (this.has('refused-bet-given-back')) await this.move(wallet, original.face);
      return this.kept(player, asked, 0n, wallet, 'ignored');
    }
    if (this.has('rollback-of-unknown-refused')) this.refuse('BET_NOT_FOUND', wallet);
    const operation = asked.originalType ?? 'bet';
    const name = this.name(operation, asked.originalTransactionId);
    const lifted = original !== undefined && this.has('tombstone-toggled');
    if (lifted) player.keys.delete(name);
    else if (!this.has('tombstone-forgotten')) player.keys.set(name, { ...this.key(operation, asked, 0n, 'tombstoned'), reference: asked.originalTransactionId });
    if (this.has('tombstone-closes-round')) this.roundsOf(player).set(asked.roundId, { closed: true, bets: [] });
    return this.kept(player, asked, 0n, wallet, 'tombstoned');
  }

  private kept(player: Player, asked: Asked, moved: bigint, wallet: Wallet, status: 'replayed' | 'ignored' | 'tombstoned'): Answer {
    const key = this.key('rollback', asked, moved, status === 'replayed' ? 'applied' : status === 'ignored' ? 'ignored' : 'applied');
    player.keys.set(this.name('rollback', asked.transactionId), key);
    return this.receipt(key, wallet, status);
  }

  private async undo(player: Player, asked: Asked, original: Key, wallet: Wallet): Promise<Answer> {
    const back = original.free && this.has('free-bet-given-back') ? original.face : -original.moved;
    const amount = original.operation === 'win' && this.has('win-rollback-pays') ? -back : this.has('adjust-debt-given-back') ? back + (original.owed ?? 0n) : back;
    original.undone = true;
    wallet.debt -= original.owed ?? 0n;
    const bet = original.operation === 'win' && original.bet !== undefined ? player.keys.get(this.name('bet', original.bet)) : undefined;
    if (bet && !this.has('undone-win-settles')) bet.wins -= 1;
    if (this.has('undone-stake-held')) wallet.held += amount > 0n ? amount : 0n;
    const key = this.key('rollback', asked, amount);
    player.keys.set(this.name('rollback', asked.transactionId), key);
    await this.move(wallet, amount);
    return this.receipt(key, wallet, 'applied');
  }

  private async play(player: Player, asked: Asked): Promise<Answer> {
    const wallet = this.walletOf(player, asked);
    const single = (action: Action): Asked => ({ ...asked, ...action, type: undefined, operation: action.type, actions: [] });
    const actions = asked.actions.map(single);
    const nameOf = (action: Asked): string => `${this.has('play-keys-apart') ? 'play ' : ''}${this.name(action.operation, action.transactionId)}`;
    const seen = actions.map((action) => player.keys.get(nameOf(action)));
    if (this.has('race-play')) await gap(player);
    const found = (action: Asked, i: number): Key | undefined => {
      const key = this.has('race-play') || this.has('doubled-action-taken') ? seen[i] : player.keys.get(nameOf(action));
      return (key?.outcome === 'applied' && this.has('play-again')) || (key?.outcome === 'tombstoned' && this.has('play-ignores-tombstone')) ? undefined : key;
    };
    const whole = this.has('play-known-as-a-whole') && seen[0]?.outcome === 'applied';
    if (this.has('play-netted') && !whole) wallet.balance += sum(actions, 'win');
    const before = { balance: wallet.balance, float: wallet.float, version: wallet.version, keys: new Map(player.keys), rounds: structuredClone(player.rounds) };
    const receipts: Answer[] = [];
    try {
      for (const [i, action] of actions.entries()) {
        const key = whole ? (seen[i] ?? (seen[0])) : found(action, i);
        if (whole && !seen[i]) receipts.push({ ...this.receipt(key as Key, wallet, 'replayed'), reference: action.transactionId });
        else receipts.push(key ? this.repeat(player, action, key, wallet) : this.act(player, action, wallet, nameOf(action)));
      }
    } catch (error) {
      if (!this.has('play-half-applied')) {
        Object.assign(wallet, { balance: before.balance, float: before.float, version: before.version });
        Object.assign(player, { keys: before.keys, rounds: before.rounds });
      }
      if (this.has('play-netted')) wallet.balance -= sum(actions, 'win');
      this.remember(player, actions, error);
      throw error instanceof Refused && error.wallet ? new Refused(error.code, this.view(wallet)) : error;
    }
    if (this.has('play-netted') && !whole) wallet.balance -= sum(actions, 'win');
    const { balance, walletVersion } = this.view(wallet);
    return { balance, walletVersion, receipts: receipts.map((receipt) => ({ ...receipt, balance })) };
  }

  private act(player: Player, action: Asked, wallet: Wallet, name: string): Answer {
    const bet = action.operation === 'win' && action.betTransactionId !== undefined ? this.namedBet(player, action.betTransactionId) : undefined;
    const code = action.operation === 'bet' ? this.judgeBet(player, action, wallet) : this.judgeWin(player, action, bet);
    if (code !== undefined) this.refuse(code, wallet);
    const key = action.operation === 'bet' ? this.applyBet(player, action, nothing).key : this.applyWin(player, action, bet);
    if (this.has('play-keys-apart')) {
      player.keys.delete(this.name(action.operation, action.transactionId));
      player.keys.set(name, key);
    }
    wallet.balance += key.moved;
    wallet.float += Number(spell(key.moved));
    wallet.version += 1;
    return this.receipt(key, wallet, 'applied');
  }

  private remember(player: Player, actions: readonly Asked[], error: unknown): void {
    if (!(error instanceof Refused) || ['TRANSACTION_CONFLICT', 'ROLLED_BACK'].includes(error.code) || this.has('play-refusal-forgotten')) return;
    for (const action of actions) {
      const name = this.name('bet', action.transactionId);
      if (action.operation === 'bet' && !player.keys.has(name)) player.keys.set(name, { ...this.key('bet', action, 0n, 'refused'), code: error.code });
    }
  }

  private async adjust(player: Player, asked: Asked): Promise<Answer> {
    const wallet = this.walletOf(player, asked);
    if (player.blocked && this.has('blocked-adjust-refused')) this.refuse('PLAYER_BLOCKED', wallet);
    const name = this.name('adjustment', asked.transactionId);
    const key = await this.known(player, name, 'race-adjust');
    const tombless = key?.outcome === 'tombstoned' && this.has('adjust-tombstone-forgotten');
    if (key && !tombless && !this.has('adjust-again')) return this.repeat(player, asked, key, wallet);
    if (this.has('adjust-needs-open-round') && this.roundsOf(player).get(asked.roundId)?.closed) this.refuse('ROUND_CLOSED', wallet);
    const moved = this.has('adjust-below-zero') || wallet.balance + asked.amount >= 0n ? asked.amount : -wallet.balance;
    const applied: Key = { ...this.key('adjustment', asked, moved), owed: moved - asked.amount };
    wallet.debt += applied.owed as bigint;
    player.keys.set(name, applied);
    await this.move(wallet, moved);
    return this.receipt(applied, wallet, 'applied');
  }

  private async cancel(player: Player, asked: Asked): Promise<Answer> {
    const wallet = this.walletOf(player, asked);
    const rounds = this.roundsOf(player);
    const round = rounds.get(asked.roundId) ?? { closed: false, bets: [] };
    const again = round.cancelled === true && this.has('cancel-again');
    for (const bet of round.bets) {
      if (bet.undone && !again && (round.cancelled || !this.has('cancel-ignores-undone'))) continue;
      if (bet.wins > 0 && !this.has('cancel-takes-settled')) continue;
      bet.undone = !this.has('cancel-forgets-bets');
      await this.move(wallet, -bet.moved);
    }
    if (rounds.has(asked.roundId) || !this.has('unknown-cancel-forgotten')) rounds.set(asked.roundId, { ...round, cancelled: true });
    const { balance, walletVersion } = this.view(wallet);
    return { roundId: asked.roundId, state: 'cancelled', balance, walletVersion };
  }

  private close(player: Player, asked: Asked): Answer {
    const wallet = this.walletOf(player, asked);
    const rounds = this.roundsOf(player);
    const round = rounds.get(asked.roundId);
    if (round?.closed && this.has('second-close-breaks')) throw new TypeError('round.openBets is null');
    if (!round && this.has('unknown-close-kept')) rounds.set(asked.roundId, { closed: true, bets: [] });
    for (const each of this.has('close-closes-all') ? rounds.values() : round ? [round] : []) each.closed = true;
    const { balance, walletVersion } = this.view(wallet);
    return { roundId: asked.roundId, state: round ? 'closed' : 'unknown', balance, walletVersion };
  }
}

const sum = (actions: readonly Asked[], operation: 'bet' | 'win'): bigint =>
  actions.reduce((total, action) => (action.operation === operation ? total + action.amount : total), 0n);
