/**
 * `npm run bench -- --call-log`: what the call log costs bets that are accepted. Two wallets in turn, one that keeps its usual share of the calls and one
 * that keeps none, each pair behind the other in the other order; the ratio is taken within a pair.
 */
import { median } from './figures.ts';
import { peak, uniform, type Field, type Sample } from './peak.ts';
import { startWallet, type Server } from './servers.ts';

const PAIRS = 12;
/** Of the goal: what it may cost. */
const MOST = 0.02;

export interface CallLogReport {
  readonly share: number;
  readonly pairs: readonly { readonly without: Sample; readonly kept: Sample }[];
  /** of the pairs' ratios, kept ÷ without: median, and the middle half of them */
  readonly perSecond: Spread;
  readonly cpu: Spread;
  /** calls that the log had at the end */
  readonly logged: number;
}

interface Spread {
  readonly median: number;
  readonly from: number;
  readonly to: number;
}

/** Of both processes together, µs a bet. */
const cpuOf = ({ nodeUs, postgresUs }: Sample): number => nodeUs + postgresUs;

function spreadOf(ratios: readonly number[]): Spread {
  const sorted = ratios.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] as number;
  return { median: median(ratios), from: at(0.25), to: at(0.75) };
}

export async function measureCallLog(
  field: Field, { seconds, connections }: { readonly seconds: number; readonly connections: number }, progress: (sentence: string) => void, stops: (() => Promise<void>)[],
): Promise<CallLogReport> {
  const share = 0.01;
  const started = async (name: string, kept: number): Promise<Server> => {
    const server = await startWallet(field.ground, { name, env: { CALL_LOG_SAMPLE: String(kept) } });
    stops.push(server.stop);
    return server;
  };
  const [none, usual] = [await started('wallet without calls kept', 0), await started('wallet with its calls', share)];
  for (const server of [none, usual]) await peak(field, server, uniform(field), connections, seconds);
  const pairs: { without: Sample; kept: Sample }[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const taken = new Map<Server, Sample>();
    for (const server of pair % 2 === 0 ? [none, usual] : [usual, none]) {
      await field.ground.superuser.query('checkpoint');
      taken.set(server, await peak(field, server, uniform(field), connections, seconds));
    }
    const [without, kept] = [taken.get(none) as Sample, taken.get(usual) as Sample];
    pairs.push({ without, kept });
    progress(`pair ${pair + 1} of ${PAIRS}: ${without.perSecond.toFixed(0)} and ${kept.perSecond.toFixed(0)} bets/s, ${cpuOf(without).toFixed(1)} and ${cpuOf(kept).toFixed(1)} µs a bet`);
  }
  const { rows } = await field.ground.superuser.query<{ logged: string }>('select count(*) as logged from call_log');
  return {
    share, pairs, logged: Number(rows[0]?.logged), perSecond: spreadOf(pairs.map(({ without, kept }) => kept.perSecond / without.perSecond)),
    cpu: spreadOf(pairs.map(({ without, kept }) => cpuOf(kept) / cpuOf(without))),
  };
}

export const isCheap = ({ cpu }: CallLogReport): boolean => cpu.median <= 1 + MOST;

export function callLogMarkdown({ share, pairs, perSecond, cpu, logged }: CallLogReport): string {
  const percent = (ratio: number) => `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(1)} %`;
  const row = (what: string, { median: middle, from, to }: Spread) => `| ${what} | ${percent(middle)} | ${percent(from)} … ${percent(to)} |`;
  return [
    `${pairs.length} pairs of loads of signed bets, each of a wallet that keeps ${share * 100} % of the accepted calls and of one that keeps none. The log had ${logged.toLocaleString('en')} calls at the end.`, '',
    '| with the call log | median of the pairs | their middle half |', '| --- | --- | --- |',
    row('CPU of Node and PostgreSQL a bet', cpu), row('bets a second', perSecond), '',
    '| pair | bets/s without | with | µs a bet without | with |', '| --- | --- | --- | --- | --- |',
    ...pairs.map(({ without, kept }, i) => `| ${i + 1} | ${without.perSecond.toFixed(0)} | ${kept.perSecond.toFixed(0)} | ${cpuOf(without).toFixed(1)} | ${cpuOf(kept).toFixed(1)} |`),
  ].join('\n');
}
