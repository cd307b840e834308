/** The measuring itself: each round meets every contestant, in turned order, behind a checkpoint of its own. */
import { setTimeout as pause } from 'node:timers/promises';
import { drawOf, SPREADS, type Spread } from './draws.ts';
import { median } from './figures.ts';
import { lone, type LoneKind, type LoneSample } from './lone.ts';
import { openLoop, type OpenSample } from './open-loop.ts';
import { best, peak, uniform, type Field, type Sample } from './peak.ts';
import type { Asked } from './presign.ts';
import type { Server } from './servers.ts';
import type { Goal, Sizes } from './settings.ts';
import type { Tpcb, TpcbSample } from './tpcb.ts';
import { walOf, type WalSample } from './wal.ts';

export interface Round {
  readonly wallet: Sample[];
  /** the wallet with another number of writer lanes */
  readonly lanes: { readonly lanes: number; readonly sample: Sample }[];
  readonly bare: Sample[];
  readonly textbook: Sample[];
  readonly tpcb: TpcbSample[];
  /** `times`: of the peak known by then */
  readonly open: { readonly times: number; readonly sample: OpenSample }[];
  readonly spreads: { readonly spread: Spread; readonly sample: Sample }[];
  readonly reads: Sample[];
  readonly bareReads: Sample[];
  /** bets in other dialects, and natively at the same number of connections */
  readonly dialects: { readonly name: string; readonly sample: Sample }[];
  lone: LoneSample | undefined;
}

export interface Contestants {
  readonly wallet: Server;
  readonly lanes: readonly { readonly lanes: number; readonly server: Server }[];
  readonly bare: Server | undefined;
  readonly textbook: Server | undefined;
  readonly tpcb: Tpcb | undefined;
}

type Tell = (sentence: string) => void;

/** Of the peak, in the open loop's quiet form. */
export const SHARE = 0.6;
const OF_PEAK: readonly Goal[] = ['S1', 'S2', 'S3', 'S5', 'S6'];

interface Running {
  readonly field: Field;
  readonly contestants: Contestants;
  readonly sizes: Sizes;
  readonly wants: (...goals: readonly Goal[]) => boolean;
  readonly rounds: Round[];
  readonly round: Round;
  /** in the other order every second round */
  turned<Item>(items: readonly Item[]): Item[];
  told(what: string, perSecond: number): void;
}

export async function measureRounds(
  field: Field, contestants: Contestants, sizes: Sizes, goals: readonly Goal[], progress: Tell,
): Promise<Round[]> {
  const wants = (...wanted: readonly Goal[]) => wanted.some((goal) => goals.includes(goal));
  await warmUp(field, contestants, sizes, wants, progress);
  const rounds: Round[] = [];
  for (let number = 1; number <= sizes.rounds; number++) {
    const round: Round = { wallet: [], lanes: [], bare: [], textbook: [], tpcb: [], open: [], spreads: [], reads: [], bareReads: [], dialects: [], lone: undefined };
    rounds.push(round);
    const running: Running = {
      field, contestants, sizes, wants, rounds, round,
      turned: (items) => (number % 2 === 1 ? [...items] : items.toReversed()),
      told: (what, perSecond) => progress(`round ${number} of ${sizes.rounds}: ${what} ${Math.round(perSecond)}/s`),
    };
    await field.ground.superuser.query('checkpoint');
    for (const step of running.turned([byTpcb, bets, ofBare, ofTextbook, lonely, openly, unevenly, balances, otherwise])) await step(running);
  }
  return rounds;
}

async function warmUp(field: Field, { wallet, lanes, bare }: Contestants, sizes: Sizes, wants: Running['wants'], progress: Tell): Promise<void> {
  const [connections, seconds] = [sizes.connections[0] as number, sizes.warmUpSeconds];
  for (const server of [wallet, ...lanes.map((one) => one.server), bare]) {
    if (!server) continue;
    progress(`warming up: ${server.name}`);
    await peak(field, server, uniform(field), connections, seconds);
    if (wants('S9') && (server === wallet || server === bare)) await peak(field, server, uniform(field, 'balance'), connections, Math.ceil(seconds / 2));
  }
}

async function byTpcb({ contestants: { tpcb }, sizes, round, turned, told }: Running): Promise<void> {
  for (const clients of tpcb ? turned(sizes.pgbenchClients) : []) {
    round.tpcb.push(await (tpcb as Tpcb).run(clients, sizes.seconds));
    told(`TPC-B, ${clients} clients,`, round.tpcb.at(-1)?.perSecond ?? 0);
  }
}

async function bets({ field, contestants, sizes, wants, round, turned, told }: Running): Promise<void> {
  if (!wants(...OF_PEAK)) return;
  const { wallet, lanes } = contestants;
  for (const many of turned(sizes.connections)) {
    for (const { lanes: count, server } of turned([{ lanes: 0, server: wallet }, ...lanes])) {
      const sample = await peak(field, server, uniform(field), many, sizes.seconds);
      if (server === wallet) round.wallet.push(sample);
      else round.lanes.push({ lanes: count, sample });
      told(`bets, ${server.name}, ${many} connections,`, sample.perSecond);
    }
  }
}

async function ofBare({ field, contestants: { bare }, sizes, wants, round, turned, told }: Running): Promise<void> {
  for (const many of bare && wants('S3') ? turned(sizes.connections) : []) {
    round.bare.push(await peak(field, bare as Server, uniform(field), many, sizes.seconds));
    told(`bare, ${many} connections,`, round.bare.at(-1)?.perSecond ?? 0);
  }
}

async function ofTextbook({ field, contestants: { textbook }, sizes, round, turned, told }: Running): Promise<void> {
  for (const many of textbook ? turned(sizes.connections) : []) {
    round.textbook.push(await peak(field, textbook as Server, uniform(field), many, sizes.seconds));
    told(`textbook, ${many} connections,`, round.textbook.at(-1)?.perSecond ?? 0);
  }
}

async function lonely({ field, contestants: { wallet }, sizes, wants, round, turned, told }: Running): Promise<void> {
  if (!wants('S4')) return;
  round.lone = await lone(field, wallet, sizes.loneCalls, turned<LoneKind>(['insert', 'lane', 'http']));
  told('lone bets over HTTP,', 1_000 / round.lone.http);
}

/** The peak as far as it is known, and where it was. */
function peakOf(rounds: readonly Round[]): { perSecond: number; connections: number } {
  const met = rounds.filter((round) => round.wallet.length > 0).map((round) => best(round.wallet));
  return { perSecond: median(met.map((sample) => sample.perSecond)), connections: best(met).connections };
}

async function openly({ field, contestants: { wallet }, sizes, wants, rounds, round, turned, told }: Running): Promise<void> {
  if (!wants('S5')) return;
  const { perSecond } = peakOf(rounds);
  const { kept, over } = field.ground.accounts;
  const loads = [
    ...sizes.openConnections.map((connections) => ({ times: SHARE, connections, account: kept })),
    ...sizes.overload.map((times) => ({ times, connections: sizes.overConnections, account: over })),
  ];
  for (const { times, connections, account } of turned(loads)) {
    const load = { connections, perSecond: perSecond * times, seconds: sizes.sideSeconds };
    const sample = await openLoop(field, wallet, uniform(field, 'bet', account), load);
    round.open.push({ times, sample });
    told(`open loop, ${connections} connections, ${sample.perSecond}/s offered, served`, sample.servedPerSecond);
    // What comes next is measured by itself, not by what this has left behind.
    if (times > SHARE) await pause(1_000);
  }
}

async function unevenly({ field, contestants: { wallet }, sizes, wants, rounds, round, turned, told }: Running): Promise<void> {
  if (!wants('S6')) return;
  const { connections } = peakOf(rounds);
  const { accounts: { kept: account }, players } = field.ground;
  for (const spread of turned(SPREADS)) {
    const asked: Asked = { operation: 'bet', account, draw: drawOf(spread, players, field.random) };
    const sample = await peak(field, wallet, asked, connections, sizes.sideSeconds);
    round.spreads.push({ spread, sample });
    told(`bets, ${spread}, ${connections} connections,`, sample.perSecond);
  }
}

/** Its own signatures are dear to make, so one number of connections has to do. */
async function otherwise({ field, contestants: { wallet }, sizes, wants, round, turned, told }: Running): Promise<void> {
  if (!wants('dialects')) return;
  const { accounts: { kept: account }, dialects } = field.ground;
  const many = sizes.connections[0] as number;
  for (const dialect of turned([undefined, ...dialects])) {
    const players = dialect?.players ?? field.ground.players;
    const asked: Asked = { operation: 'bet', account, draw: drawOf('uniform', players, field.random), ...(dialect && { dialect }) };
    const sample = await peak(field, wallet, asked, many, Math.min(3, sizes.sideSeconds));
    const name = dialect?.name ?? 'native';
    round.dialects.push({ name, sample });
    told(`bets in ${name}, ${many} connections,`, sample.perSecond);
  }
}

async function balances({ field, contestants: { wallet, bare }, sizes, wants, round, turned, told }: Running): Promise<void> {
  if (!wants('S9')) return;
  for (const server of turned([wallet, bare as Server])) {
    for (const many of turned(sizes.readConnections)) {
      const sample = await peak(field, server, uniform(field, 'balance'), many, sizes.sideSeconds);
      (server === wallet ? round.reads : round.bareReads).push(sample);
      told(`balances, ${server.name}, ${many} connections,`, sample.perSecond);
    }
  }
}

export interface Wal {
  readonly none: WalSample[];
  readonly kept: WalSample[];
}

export async function measureWal(field: Field, wallet: Server, sizes: Sizes, progress: Tell): Promise<Wal> {
  const wal: Wal = { none: [], kept: [] };
  const connections = sizes.connections.includes(128) ? 128 : (sizes.connections[0] as number);
  for (let number = 1; number <= sizes.checkpoints; number++) {
    for (const rounds of ['none', 'kept'] as const) {
      const sample = await walOf(field, wallet, field.ground.accounts[rounds], connections, sizes.seconds);
      wal[rounds].push(sample);
      const which = `${rounds === 'none' ? 'without' : 'with'} round rows`;
      progress(`log behind checkpoint ${number} of ${sizes.checkpoints}, ${which}: ${Math.round(sample.bytes)} bytes a bet`);
    }
  }
  return wal;
}

/** The textbook rival with the better pool, found by trying each; it comes warm. */
export async function betterPool(
  field: Field, sizes: Sizes, startWith: (connections: number) => Promise<Server>, progress: Tell,
): Promise<{ server: Server; connections: number }> {
  const tried: { connections: number; server: Server; perSecond: number }[] = [];
  for (const connections of sizes.textbookPools) {
    const server = await startWith(connections);
    tried.push({ connections, server, perSecond: 0 });
  }
  const many = sizes.connections[0] as number;
  for (const one of tried) await peak(field, one.server, uniform(field), many, sizes.warmUpSeconds);
  for (const one of tried) {
    one.perSecond = (await peak(field, one.server, uniform(field), many, sizes.sideSeconds)).perSecond;
    progress(`textbook with a pool of ${one.connections}: ${Math.round(one.perSecond)}/s`);
  }
  const [chosen, ...others] = tried.toSorted((a, b) => b.perSecond - a.perSecond);
  for (const { server } of others) await server.stop();
  return chosen as { server: Server; connections: number };
}
