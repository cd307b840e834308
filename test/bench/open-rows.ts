/** S5: what calls wait for where nobody waits for an answer before the next call, and what becomes of more than can be served. */
import { showSpread } from './figures.ts';
import type { Latency, OpenSample } from './open-loop.ts';
import { best } from './peak.ts';
import { SHARE, type Round } from './rounds.ts';
import { over, type Row } from './row.ts';

const SERVED = '200';
const REFUSED = '503 OVERLOADED';
const QUIET_GOALS: readonly { readonly upTo: number; readonly ms: number }[] = [{ upTo: 64, ms: 25 }, { upTo: Infinity, ms: 60 }];

export function openRows(rounds: readonly Round[]): Row[] {
  const kinds = new Map<string, { times: number; connections: number }>();
  for (const { times, sample } of rounds.flatMap((round) => round.open)) kinds.set(`${times} ${sample.connections}`, { times, connections: sample.connections });
  return [...kinds.values()].sort((a, b) => a.times - b.times || a.connections - b.connections).flatMap(({ times, connections }) => {
    const met = rounds.map((round) => ({
      peak: best(round.wallet).perSecond,
      sample: round.open.find((one) => one.times === times && one.sample.connections === connections)?.sample as OpenSample,
    }));
    return times === SHARE ? [quietRow(met.map(({ sample }) => sample), connections)] : overRows(met, times, connections);
  });
}

const percent = (share: number) => Math.round(share * 100);

function quietRow(samples: readonly OpenSample[], connections: number): Row {
  return {
    id: 'S5', what: `p99 at ${percent(SHARE)} % of peak, open loop, ${connections} connections`, unit: 'ms',
    goal: { most: QUIET_GOALS.find(({ upTo }) => connections <= upTo)?.ms }, value: over(samples, ({ all }) => all.p99),
    from: `p50 ${showSpread(over(samples, ({ all }) => all.p50))} ms of ${showSpread(over(samples, (sample) => sample.perSecond))} bets/s, `
      + `${notServed(samples)}; begun late at p99 ${showSpread(over(samples, ({ late }) => late.p99))} ms`,
  };
}

function overRows(met: readonly { readonly peak: number; readonly sample: OpenSample }[], times: number, connections: number): Row[] {
  const samples = met.map(({ sample }) => sample);
  const what = `at ${percent(times)} % of peak, open loop, ${connections} connections`;
  const refused = (sample: OpenSample): Latency | undefined => sample.byAnswer[REFUSED];
  const share = (sample: OpenSample) => ((refused(sample)?.calls ?? 0) / sample.all.calls) * 100;
  const served = (sample: OpenSample) => sample.byAnswer[SERVED]?.p99 ?? NaN;
  return [
    {
      id: 'S5', what: `goodput ${what} ÷ peak`, unit: '×', goal: { least: 0.8 }, value: over(met, ({ peak, sample }) => sample.servedPerSecond / peak),
      from: `${showSpread(over(samples, (sample) => sample.servedPerSecond))} of ${showSpread(over(samples, (sample) => sample.perSecond))} bets/s served, `
        + `p99 ${showSpread(over(samples, served))} ms; CPU of the load generator ${showSpread(over(samples, (sample) => sample.loadUs))} µs a call`,
    },
    {
      id: 'S5', what: `p99 of the refused (503) ${what}`, unit: 'ms', goal: { most: 50 },
      value: over(samples, (sample) => refused(sample)?.p99 ?? NaN),
      from: `${showSpread(over(samples, share))} % refused, ${others(samples)}; begun late at p99 ${showSpread(over(samples, ({ late }) => late.p99))} ms`,
    },
  ];
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function notServed(samples: readonly OpenSample[]): string {
  const calls = sum(samples.map(({ all }) => all.calls));
  return `${sum(samples.map(({ all, byAnswer }) => all.calls - (byAnswer[SERVED]?.calls ?? 0)))} of ${calls} not served`;
}

/** What was neither served nor refused. */
function others(samples: readonly OpenSample[]): string {
  const counts = new Map<string, number>();
  for (const { byAnswer } of samples) {
    for (const [answer, { calls }] of Object.entries(byAnswer)) {
      if (answer !== SERVED && answer !== REFUSED) counts.set(answer, (counts.get(answer) ?? 0) + calls);
    }
  }
  const named = [...counts].map(([answer, calls]) => `${calls} × ${answer}`);
  const unbegun = sum(samples.map((sample) => sample.unbegun));
  if (unbegun > 0) named.push(`${unbegun} found no free connection`);
  return [...named, `${sum(samples.map(({ lost }) => lost))} without an answer`].join(', ');
}
