/** What a run is given, and what is noted of each thing said in it. */
import type { Heard, Reply, Said, Seat, Speaker, Verdict, Wire } from './contract.ts';

/** A bet placed before its player was blocked, or its session ran out or was superseded; each is used by one case of one run. */
export interface OpenBet {
  readonly reference: string;
  readonly round: string;
  readonly game: string;
  readonly amount: string;
}

/** Of a player who may not bet, or not under this token. */
export interface StoppedSeat extends Seat {
  readonly open: readonly OpenBet[];
  /** What the wallet held when the bet was laid. Where it holds something else now, an earlier run has used the bet, and the seat is passed over. */
  readonly balance?: string;
}

/** A wallet under judgement, and what its operator gave the provider. */
export interface Setting {
  readonly speaker: Speaker;
  /** as the speaker made it */
  readonly secret: unknown;
  readonly baseUrl: string;
  readonly games: readonly string[];
  readonly seats: readonly Seat[];
  readonly blocked: readonly StoppedSeat[];
  readonly expired: readonly StoppedSeat[];
  /** whose tokens have successors that are in use */
  readonly superseded: readonly StoppedSeat[];
  /** of all ids */
  readonly seed: string;
  /** cases at once */
  readonly atOnce: number;
  readonly timeoutMs: number;
  /** for how long a call that is to be retried is sent again before its answer is judged as it is */
  readonly patienceMs: number;
}

/** One thing said, what came back, and what is to be thought of it. */
export interface Step {
  readonly title: string;
  readonly said?: Said;
  readonly sent?: Wire;
  readonly reply?: Reply;
  readonly heard?: Heard;
  readonly expected: string;
  /** one sentence or two; absent: as expected */
  readonly wrong?: string;
}

/** One way a call may turn out rightly: how it is answered, and what the player's balance gains by it (default nothing). */
export interface Outcome {
  readonly verdicts: readonly Verdict[];
  readonly moves?: bigint;
  /** as good as those verdicts, whatever stands in the answer: what the HTTP server says before the wallet is asked */
  readonly statuses?: readonly number[];
}

export const ok = (moves = 0n): Outcome => ({ verdicts: ['ok'], moves });
export const refused = (...verdicts: readonly Verdict[]): Outcome => ({ verdicts });
