/** What is asked of a server, on its way to one. */
import type { Step } from '../../../libs/postgres/index.ts';
import type { Position } from './position.ts';
import { NoAnswer, type Found, type Question, type Server } from './server.ts';

/** One silent server leaves time for another. */
const SERVER_MS = { most: 700, least: 50 };
/** For the others, behind what the first one may take. */
const OTHERS_MS = 800;

/** One read on its way from server to server. */
export class Asked {
  private readonly endsAt: number;

  constructor(readonly question: Question, private readonly most: number = SERVER_MS.most) {
    this.endsAt = performance.now() + most + OTHERS_MS;
  }

  /** How long the next server may take. */
  msFor(): number {
    const left = this.endsAt - performance.now();
    if (left < SERVER_MS.least) throw new NoAnswer('no time is left');
    return Math.min(left, this.most);
  }
}

/** A read of projections: whose, which, what else it follows from, and what it must not be older than. */
export interface Shown {
  readonly operator: string;
  readonly names: readonly string[];
  readonly besides: readonly Step[];
  readonly wanted: Position | undefined;
  /** how long a server may take, where that is not the usual */
  readonly ms?: number;
}

export interface Served {
  readonly server: Server;
  readonly found: Found;
  /** further behind than the limit: nobody else was there */
  readonly late?: true;
}
