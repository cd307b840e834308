/**
 * Many callers at once: each repeats its call, signed anew and at the next process, until the answer is definite, and notes what every
 * attempt was told. The times the database keeps then say whether "this attempt did nothing" was true.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { asSuperuser, type TestDatabase } from '../support/cluster.ts';
import type { Provider, Reply } from '../support/provider.ts';
import type { Command, Traffic } from './traffic.ts';
import { keyOf, partsOf, type Witness } from './witness.ts';

const DEFINITE_WITHIN_MS = 120_000;
/** Twice as long each time. */
const PAUSES_MS = { first: 20, longest: 320 };
/** The database cuts its times to the millisecond. */
const MARGIN_MS = 1;
/** Answers that say: this attempt did nothing. */
const NOTHING = ['OVERLOADED', 'UNAVAILABLE'];

interface Attempt {
  /** milliseconds since 1970; without an answer it may act for ever */
  readonly sentAt: number;
  answeredAt: number;
  told: 'definite' | 'nothing' | 'unknown';
}

export class Callers {
  readonly attempts = new Map<Command, Attempt[]>();
  /** from the first attempt to the definite answer */
  longestMs = 0;

  constructor(
    private readonly traffic: Traffic,
    private readonly witness: Witness,
    private readonly providers: readonly Provider[],
  ) {}

  /** So many at once, each a call after the other, until `over` says so; ends when the last one has its definite answer. */
  async call(strands: number, over: () => boolean): Promise<void> {
    let failed = false;
    const call = async (strand: number) => {
      while (!over() && !failed) await this.untilDefinite(this.traffic.next(), strand);
    };
    await Promise.all(Array.from({ length: strands }, (_, strand) => call(strand).catch((error: unknown) => {
      failed = true;
      throw error;
    })));
  }

  /** Commands whose first attempt was told this. */
  firstTold(told: Attempt['told']): number {
    return [...this.attempts.values()].filter(([first]) => first?.told === told).length;
  }

  get mostAttempts(): number {
    return Math.max(...[...this.attempts.values()].map(({ length }) => length));
  }

  /** Each thing done (or refused for good) at a time when nobody asked for it, but for attempts that were told that they did nothing. */
  async untold(database: TestDatabase): Promise<string[]> {
    const found = await asSuperuser<{ name: string; at: string }>(database.url('superuser'), `select
      format('%s %s %s', player_id, operation, replace(reference::text, '-', '')) as name, uuid_extract_timestamp(transaction_id) as at
      from transaction_key where operation <> 'cashier' and outcome in ('applied', 'refused', 'ignored')`);
    const times = new Map(found.map(({ name, at }) => [name, Number(at)]));
    const untold: string[] = [];
    for (const [command, attempts] of this.attempts) {
      for (const part of partsOf(command)) {
        const at = times.get(keyOf(command.player, part));
        if (at === undefined) continue;
        const askedThen = ({ sentAt, answeredAt, told }: Attempt) =>
          told !== 'nothing' && sentAt - MARGIN_MS <= at && at <= answeredAt + MARGIN_MS;
        if (!attempts.some(askedThen)) untold.push(`${part.reference} was done at ${at}: ${JSON.stringify(attempts)}`);
      }
    }
    return untold;
  }

  private async untilDefinite(command: Command, strand: number): Promise<void> {
    const began = performance.now();
    const provider = (turn: number) => this.providers[(strand + turn) % this.providers.length] as Provider;
    for (let turn = 0; !(await this.witness.ask(command, () => this.attempt(command, provider(turn)))); turn++) {
      if (performance.now() - began > DEFINITE_WITHIN_MS) throw new Error(`no definite answer: ${JSON.stringify(command)}`);
      await pause(Math.min(PAUSES_MS.first * 2 ** turn, PAUSES_MS.longest));
    }
    this.longestMs = Math.max(this.longestMs, performance.now() - began);
  }

  private async attempt(command: Command, provider: Provider): Promise<Reply> {
    const attempt: Attempt = { sentAt: Date.now(), answeredAt: Infinity, told: 'unknown' };
    const attempts = this.attempts.get(command) ?? [];
    this.attempts.set(command, attempts);
    attempts.push(attempt);
    const reply = await provider.call(command.operation, command.fields);
    attempt.answeredAt = Date.now();
    if (reply.status !== 503) attempt.told = 'definite';
    else if (NOTHING.includes(reply.body.code)) attempt.told = 'nothing';
    return reply;
  }
}
