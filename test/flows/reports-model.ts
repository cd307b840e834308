/** What reports must say, computed from the list of what happened. Written from the definitions; it imports nothing of the service. */

export interface Happened {
  readonly id: string;
  readonly operator: string;
  readonly player: string;
  readonly test: boolean;
  readonly account: number;
  readonly game: string | undefined;
  /** its own, or that of what it undoes */
  readonly round: string | undefined;
  readonly currency: string;
  readonly kind: string;
  /** what it does to the player, debts with it; what moved in the wallet */
  readonly effect: bigint;
  readonly amount: bigint;
  readonly debt: bigint;
  readonly free: boolean;
  readonly at: number;
  readonly undoes: Happened | undefined;
  /** whether the figures of its day stood already when it came to them */
  afterLock: boolean;
  /** whether projections have had it */
  applied: boolean;
}

export interface Zone {
  readonly timeZone: string;
  /** `06:00` */
  readonly dayStarts: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The wall's clock there, as if it were UTC. */
function wallClock(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)])) as Record<string, number>;
  return Date.UTC(parts['year'] as number, (parts['month'] as number) - 1, parts['day'], parts['hour'], parts['minute'], parts['second']) + (at % 1000);
}

/** Right where the day does not begin within an hour that is repeated or left out. */
export function dayOf(at: number, { timeZone, dayStarts }: Zone): string {
  const [hours = 0, minutes = 0] = dayStarts.split(':').map(Number);
  return new Date(wallClock(at, timeZone) - (hours * 60 + minutes) * 60_000).toISOString().slice(0, 10);
}

export interface Numbers {
  bets: number;
  freeBets: number;
  undoneBets: number;
  wins: number;
  turnover: bigint;
  won: bigint;
  awarded: bigint;
  adjusted: bigint;
  deposited: bigint;
  withdrawn: bigint;
}

export const nothing = (): Numbers =>
  ({ bets: 0, freeBets: 0, undoneBets: 0, wins: 0, turnover: 0n, won: 0n, awarded: 0n, adjusted: 0n, deposited: 0n, withdrawn: 0n });

function add(numbers: Numbers, { kind, undoes, effect, free }: Happened): void {
  if (kind === 'bet') {
    numbers.bets += 1;
    if (free) numbers.freeBets += 1;
  }
  if (kind === 'win') numbers.wins += 1;
  if (kind === 'rollback' && undoes?.kind === 'bet') numbers.undoneBets += 1;
  switch (undoes?.kind ?? kind) {
    case 'bet': numbers.turnover -= effect; break;
    case 'win': numbers.won += effect; break;
    case 'promo_win': numbers.awarded += effect; break;
    case 'adjustment': numbers.adjusted += effect; break;
    case 'deposit': numbers.deposited += effect; break;
    case 'withdrawal': numbers.withdrawn -= effect; break;
    default: throw new Error(`what is a ${kind}?`);
  }
}

export interface Line {
  readonly onTime: Numbers;
  readonly late: Numbers;
  readonly bettors: Set<string>;
  readonly rows: Happened[];
}

/** By the values of `keys`, of what one operator's players did. */
export function linesOf(history: readonly Happened[], operator: string, zone: Zone, keyOf: (row: Happened, day: string) => string): Map<string, Line> {
  const lines = new Map<string, Line>();
  for (const row of history) {
    if (row.operator !== operator || row.test || row.kind === 'close' || row.kind === 'cancel') continue;
    const day = dayOf(row.at, zone);
    const key = keyOf(row, day);
    const line = lines.get(key) ?? { onTime: nothing(), late: nothing(), bettors: new Set(), rows: [] };
    lines.set(key, line);
    const late = row.afterLock || (row.undoes !== undefined && dayOf(row.undoes.at, zone) < day);
    add(late ? line.late : line.onTime, row);
    if (row.kind === 'bet') line.bettors.add(row.player);
    line.rows.push(row);
  }
  return lines;
}

export interface PlayedRound {
  readonly player: string;
  readonly account: number;
  readonly currency: string;
  readonly round: string;
  /** of several the first by name */
  readonly game: string | undefined;
  readonly openedDay: string;
  readonly endedDay: string | undefined;
}

/** One operator's rounds; `byGame`: whether an account takes one id in two games for two rounds. */
export function roundsOf(history: readonly Happened[], operator: string, zone: Zone, byGame: (account: number) => boolean): PlayedRound[] {
  const rounds = new Map<string, Happened[]>();
  for (const row of history) {
    if (row.operator !== operator || row.test || row.round === undefined || !['bet', 'win', 'close', 'cancel'].includes(row.undoes?.kind ?? row.kind)) continue;
    const key = JSON.stringify([row.player, row.account, row.round, byGame(row.account) ? row.game : '']);
    rounds.set(key, [...(rounds.get(key) ?? []), row]);
  }
  const first = (rows: readonly Happened[]) => Math.min(...rows.map(({ at }) => at));
  return [...rounds.values()].map((rows) => {
    const [{ player, account, currency, round }] = rows as [Happened];
    const ends = rows.filter(({ kind }) => kind === 'close' || kind === 'cancel');
    return {
      player, account, currency, round: round as string, game: rows.flatMap(({ game }) => game ?? []).toSorted()[0],
      openedDay: dayOf(first(rows), zone), endedDay: ends.length === 0 ? undefined : dayOf(first(ends), zone),
    };
  });
}
