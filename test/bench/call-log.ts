/**
 * `npm run bench -- --call-log`: what the call log costs bets that are accepted. Three wallets in turn, each behind another one every round: one that keeps
 * none of them, one that keeps the usual share, one that keeps all. Between the first two lies less than a machine's own swing, so what one kept call
 * costs is told by the third, and the usual share of that is what a bet pays.
 */
import pg from 'pg';
import { median } from './figures.ts';
import { DATABASE } from './ground.ts';
import { peak, uniform, type Field, type Sample } from './peak.ts';
import { startWallet, type Server } from './servers.ts';

const ROUNDS = 9;
const USUAL = 0.01;
/** Of the goal: what it may cost. */
const MOST = 0.02;

interface Taken {
  readonly none: Sample;
  readonly usual: Sample;
  readonly all: Sample;
}

export interface CallLogReport {
  readonly share: number;
  readonly rounds: readonly Taken[];
  /** of those of all loads of the third */
  readonly applied: number;
  readonly logged: number;
  /** CPU µs of one call that is kept, of Node and PostgreSQL: median over the rounds */
  readonly keptUs: number;
  readonly betUs: number;
  /** of a bet's CPU */
  readonly cost: number;
  /** the second ÷ the first: median, and the middle half */
  readonly paired: readonly [middle: number, from: number, to: number];
}

/** Of both processes together, µs a bet. */
const cpuOf = ({ nodeUs, postgresUs }: Sample): number => nodeUs + postgresUs;

export async function measureCallLog(
  field: Field, { seconds, connections }: { readonly seconds: number; readonly connections: number }, progress: (sentence: string) => void, stops: (() => Promise<void>)[],
): Promise<CallLogReport> {
  const db = new pg.Client(field.ground.postgres.superuserUrl(DATABASE));
  await db.connect();
  stops.push(() => db.end());
  const count = async () => Number((await db.query<{ logged: string }>('select count(*) as logged from call_log')).rows[0]?.logged);
  const started = async (name: string, share: number): Promise<Server> => {
    const server = await startWallet(field.ground, { name, env: { CALL_LOG_SAMPLE: String(share) } });
    stops.push(server.stop);
    return server;
  };
  const servers = { none: await started('wallet, no calls kept', 0), usual: await started('wallet, usual calls kept', USUAL), all: await started('wallet, all calls kept', 1) };
  const names = Object.keys(servers) as (keyof Taken)[];
  for (const name of names) await peak(field, servers[name], uniform(field), connections, seconds);
  const rounds: Taken[] = [];
  let [applied, logged] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const taken: Partial<Record<keyof Taken, Sample>> = {};
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length] as keyof Taken;
      await db.query('checkpoint');
      const before = await count();
      const sample = await peak(field, servers[name], uniform(field), connections, seconds);
      taken[name] = sample;
      if (name === 'all') [applied, logged] = [applied + sample.answered, logged + (await count()) - before];
    }
    rounds.push(taken as Taken);
    progress(`round ${round + 1} of ${ROUNDS}: ${names.map((name) => `${name} ${cpuOf(taken[name] as Sample).toFixed(1)}`).join(', ')} µs a bet`);
  }
  const kept = logged / applied;
  const betUs = median(rounds.map(({ none }) => cpuOf(none)));
  const keptUs = median(rounds.map(({ none, all }) => cpuOf(all) - cpuOf(none))) / kept;
  const ratios = rounds.map(({ none, usual }) => cpuOf(usual) / cpuOf(none)).toSorted((one, other) => one - other);
  const at = (share: number) => ratios[Math.round((ratios.length - 1) * share)] as number;
  return { share: USUAL, rounds, applied, logged, keptUs, betUs, cost: (USUAL * keptUs) / betUs, paired: [at(0.5), at(0.25), at(0.75)] };
}

export const isCheap = ({ cost }: CallLogReport): boolean => cost <= MOST;

export function callLogMarkdown({ share, rounds, applied, logged, keptUs, betUs, cost, paired: [middle, from, to] }: CallLogReport): string {
  const percent = (ratio: number) => `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`;
  return [
    `A bet takes ${betUs.toFixed(0)} µs of CPU (Node and PostgreSQL together, median); a call that is kept ${keptUs.toFixed(0)} µs more. With ${share * 100} % of the accepted calls kept that is **${(cost * 100).toFixed(2)} %** of a bet (goal: ${MOST * 100} % at most).`, '',
    `Of ${applied.toLocaleString('en')} calls that were to be kept all, the log took ${logged.toLocaleString('en')}. Compared directly, a wallet that keeps ${share * 100} % took ${percent(middle)} CPU a bet against one that keeps none (median of ${rounds.length} rounds; their middle half ${percent(from)} … ${percent(to)}): that is the machine's own swing.`, '',
    '| round | µs a bet: none kept | 1 % kept | all kept | bets/s: none kept | 1 % kept | all kept |', '| --- | --- | --- | --- | --- | --- | --- |',
    ...rounds.map((round, i) => `| ${i + 1} | ${[round.none, round.usual, round.all].map((sample) => cpuOf(sample).toFixed(1)).join(' | ')} | ${[round.none, round.usual, round.all].map(({ perSecond }) => perSecond.toFixed(0)).join(' | ')} |`),
  ].join('\n');
}
