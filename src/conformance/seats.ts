/** Who plays in which case: each seat by one case at a time, in turn. */
import type { Seat } from './contract.ts';
import type { Extra, Need, Stopped } from './case.ts';
import type { OpenBet, Setting, StoppedSeat } from './setting.ts';

/** The currency most seats are in; the first of several. */
export function mainCurrency(seats: readonly Seat[]): string {
  const counts = new Map<string, number>();
  for (const { currency } of seats) counts.set(currency, (counts.get(currency) ?? 0) + 1);
  return [...counts].reduce<[string, number]>((most, each) => (each[1] > most[1] ? each : most), ['', 0])[0];
}

export interface Lease {
  readonly own: Seat;
  readonly extra: Partial<Record<Extra, { readonly seat: StoppedSeat; readonly open?: OpenBet }>>;
  /** `poor`: a seat with too little money in it, which no other case need try. */
  release(poor?: readonly Seat[]): void;
}

type Kind = Extra | 'own';

export class Seats {
  private readonly main: string;
  private readonly free: Record<'playing' | Stopped, StoppedSeat[]>;
  /** references of open bets that were handed out */
  private readonly used = new Set<OpenBet>();
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(setting: Pick<Setting, 'seats' | Stopped>) {
    this.main = mainCurrency(setting.seats);
    this.free = {
      playing: setting.seats.map((seat) => ({ ...seat, open: [] })), blocked: [...setting.blocked], expired: [...setting.expired], superseded: [...setting.superseded],
    };
  }

  /** All that a case needs, or none of it. A sentence where it can never be had. */
  async take(needs: readonly Need[]): Promise<Lease | string> {
    const kinds = new Map<Kind, boolean>([['own', false]]);
    for (const { seat, openBet } of needs) if (seat) kinds.set(seat, openBet === true || kinds.get(seat) === true);
    for (;;) {
      const lease = this.tryToTake(kinds);
      if (typeof lease !== 'string') return lease;
      if (this.taken === 0) return lease;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private tryToTake(kinds: ReadonlyMap<Kind, boolean>): Lease | string {
    const got: { kind: Kind; seat: StoppedSeat; open?: OpenBet }[] = [];
    for (const [kind, openBet] of kinds) {
      const seat = this.pool(kind).find((each) => this.fits(each, kind, openBet, got.map((one) => one.seat)));
      if (!seat) return MISSING[kind];
      const open = openBet ? seat.open.find((bet) => !this.used.has(bet)) : undefined;
      got.push({ kind, seat, ...(open && { open }) });
    }
    for (const { kind, seat, open } of got) {
      this.pool(kind).splice(this.pool(kind).indexOf(seat), 1);
      if (open) this.used.add(open);
    }
    this.taken += got.length;
    const own = got.find(({ kind }) => kind === 'own')?.seat as Seat;
    const extra = Object.fromEntries(got.filter(({ kind }) => kind !== 'own').map(({ kind, seat, open }) => [kind, { seat, open }]));
    return { own, extra, release: (poor = []) => this.giveBack(got, poor) };
  }

  private pool(kind: Kind): StoppedSeat[] {
    return this.free[isStopped(kind) ? kind : 'playing'];
  }

  private fits(seat: StoppedSeat, kind: Kind, openBet: boolean, got: readonly Seat[]): boolean {
    if (got.some(({ player }) => player === seat.player)) return false;
    if (openBet && !seat.open.some((bet) => !this.used.has(bet))) return false;
    if (isStopped(kind)) return true;
    return kind === 'foreign' ? seat.currency !== this.main : seat.currency === this.main;
  }

  private giveBack(got: readonly { kind: Kind; seat: StoppedSeat }[], poor: readonly Seat[]): void {
    for (const { kind, seat } of got) if (!poor.includes(seat)) this.pool(kind).push(seat);
    this.taken -= got.length;
    for (const wake of this.waiting.splice(0)) wake();
  }
}

const isStopped = (kind: Kind): kind is Stopped => kind === 'blocked' || kind === 'expired' || kind === 'superseded';

const MISSING: Record<Kind, string> = {
  own: 'no seat has money enough to play with',
  second: 'no second seat has money enough to play with',
  foreign: 'no seat in another currency has money enough to play with',
  blocked: 'no blocked player is left, or none with a bet that no other case has used',
  expired: 'no session that has run out is left, or none with a bet that no other case has used',
  superseded: 'no superseded token is left, or none with a bet that no other case has used',
};
