/**
 * How often an account may bet and read, by its policy: token buckets of this process, so that N processes let N times as much through.
 * Asked after the signature, so that nobody empties another's bucket. What a player is owed is never throttled.
 */
import { Buckets, rateLimitHeaders, type BucketsOptions, type Rate } from '../../libs/http/index.ts';
import type { Account } from '../wallet/contract.ts';

export interface Throttled {
  readonly detail: string;
  readonly headers: Record<string, string>;
}

export class Throttle {
  private readonly accounts: Buckets<number>;
  private readonly players: Buckets;
  private readonly readers: Buckets<number>;

  constructor(options?: BucketsOptions) {
    this.accounts = new Buckets(options);
    this.players = new Buckets(options);
    this.readers = new Buckets(options);
  }

  /** So many bets of one call go together or not at all; undefined: they may. */
  bets({ accountId, policy }: Account, player: string, count: number): Throttled | undefined {
    const { bets, playerBets } = policy;
    const key = playerBets && `${accountId} ${player}`;
    const ofPlayer = playerBets && key !== undefined ? refused(this.players, 'player-bets', key, playerBets, count) : undefined;
    if (ofPlayer || !bets) return ofPlayer;
    const ofAccount = refused(this.accounts, 'bets', accountId, bets, count);
    if (ofAccount && key !== undefined) this.players.giveBack(key, count);
    return ofAccount;
  }

  /** A balance or an authentication; undefined: it may be read. */
  reads({ accountId, policy }: Account): Throttled | undefined {
    return policy.reads && refused(this.readers, 'reads', accountId, policy.reads, 1);
  }
}

function refused<Key>(buckets: Buckets<Key>, name: string, key: Key, rate: Rate, count: number): Throttled | undefined {
  const taken = buckets.take(key, rate, count);
  if (taken.allowed) return undefined;
  return { detail: `more ${name.replace('-', ' ')} than ${rate.perSecond} a second`, headers: rateLimitHeaders(name, rate, taken) };
}
