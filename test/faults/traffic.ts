/** Made-up calls of a game provider, of every kind, drawn from a seed: what a casino sees in an hour, in a few seconds. */
import type { WorldPlayer } from '../support/world.ts';

export interface Command {
  readonly player: WorldPlayer;
  readonly operation: 'bet' | 'win' | 'rollback' | 'play' | 'close-round';
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Seen {
  readonly reference: string;
  readonly round: string;
}

/** What a player's calls so far leave to refer to. */
interface Table {
  readonly player: WorldPlayer;
  round: string;
  readonly bets: Seen[];
  readonly wins: Seen[];
  readonly sent: Command[];
}

/** A generator of 32-bit numbers (mulberry32), as a fraction of 1. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Traffic {
  private readonly roll: () => number;
  private readonly tables: Table[];
  private count = 0;

  constructor(
    players: readonly WorldPlayer[],
    seed: number,
    /** begins every reference, so that two runs on one world do not meet */
    private readonly tag: string,
  ) {
    this.roll = dice(seed);
    this.tables = players.map((player) => ({ player, round: this.name('r'), bets: [], wins: [], sent: [] }));
  }

  next(): Command {
    const table = this.oneOf(this.tables);
    if (this.chance(5) && table.sent.length > 0) return this.oneOf(table.sent);
    const command = this.fresh(table);
    table.sent.push(command);
    return command;
  }

  private fresh(table: Table): Command {
    const kind = this.roll() * 100;
    if (this.chance(20)) table.round = this.name('r');
    if (kind < 45 || table.bets.length === 0) return this.bet(table);
    if (kind < 67) return this.win(table, this.oneOf(table.bets.slice(-6)));
    if (kind < 73) return this.win(table, undefined);
    if (kind < 82) return this.rollback(table, this.oneOf(table.bets.slice(-6)).reference);
    if (kind < 86) return this.rollback(table, this.oneOf(table.wins.length > 0 ? table.wins : table.bets).reference);
    if (kind < 89) return this.beforeItsBet(table);
    if (kind < 94) return this.play(table);
    if (kind < 97) return this.command(table, 'close-round', { roundId: table.round });
    const type = this.oneOf(['jackpot', 'tournament']);
    return this.command(table, 'win', { transactionId: this.name('j'), amount: this.amount(9), type });
  }

  private bet(table: Table, reference = this.name('b')): Command {
    table.bets.push({ reference, round: table.round });
    return this.command(table, 'bet', {
      transactionId: reference, amount: this.chance(4) ? '1000000.00' : this.amount(5), gameId: 'game-1', roundId: table.round,
      ...(this.chance(5) && { free: { campaignId: 'spring' } }), ...(this.chance(8) && { closeRound: true }),
    });
  }

  private win(table: Table, bet: Seen | undefined): Command {
    const reference = this.name('w');
    const round = bet?.round ?? table.round;
    table.wins.push({ reference, round });
    return this.command(table, 'win', {
      transactionId: reference, amount: this.amount(8), gameId: 'game-1', roundId: round, ...(bet && { betTransactionId: bet.reference }),
      ...(this.chance(10) && { closeRound: true }),
    });
  }

  private rollback(table: Table, original: string): Command {
    return this.command(table, 'rollback', { transactionId: this.name('k'), originalTransactionId: original });
  }

  /** The bet may come later, and is then refused. */
  private beforeItsBet(table: Table): Command {
    const reference = this.name('t');
    table.bets.push({ reference, round: table.round });
    table.sent.push(this.bet(table, reference));
    return this.rollback(table, reference);
  }

  private play(table: Table): Command {
    const bet = this.name('b');
    const win = this.name('w');
    table.bets.push({ reference: bet, round: table.round });
    table.wins.push({ reference: win, round: table.round });
    const actions = [
      { type: 'bet', transactionId: bet, amount: this.amount(3) },
      { type: 'bet', transactionId: this.name('b'), amount: this.chance(20) ? '1000000.00' : this.amount(3) },
      { type: 'win', transactionId: win, amount: this.amount(5), ...(this.chance(50) && { betTransactionId: bet }) },
    ];
    return this.command(table, 'play', { gameId: 'game-1', roundId: table.round, actions, ...(this.chance(30) && { closeRound: true }) });
  }

  private command({ player }: Table, operation: Command['operation'], fields: Command['fields']): Command {
    return { player, operation, fields: { playerId: player.id, currency: player.currency, ...fields } };
  }

  private name(what: string): string {
    return `${this.tag}-${what}${++this.count}`;
  }

  private amount(below: number): string {
    return (Math.floor(this.roll() * below * 100) / 100 + 0.01).toFixed(2);
  }

  private chance(percent: number): boolean {
    return this.roll() * 100 < percent;
  }

  private oneOf<T>(list: readonly T[]): T {
    return list[Math.floor(this.roll() * list.length)] as T;
  }
}
