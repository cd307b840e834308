/** The measuring itself: each round meets every contestant, in turned order, behind a checkpoint of its own. */
import { lone, type LoneKind, type LoneSample } from './lone.ts';
import { peak, type Field, type Sample } from './peak.ts';
import type { Server } from './servers.ts';
import type { Goal, Sizes } from './settings.ts';
import type { Tpcb, TpcbSample } from './tpcb.ts';
import { walOf, type WalSample } from './wal.ts';

export interface Round {
  readonly wallet: Sample[];
  readonly bare: Sample[];
  readonly tpcb: TpcbSample[];
  lone: LoneSample | undefined;
}

export interface Contestants {
  readonly wallet: Server;
  readonly bare: Server | undefined;
  readonly tpcb: Tpcb | undefined;
}

export async function measureRounds(
  field: Field, { wallet, bare, tpcb }: Contestants, sizes: Sizes, goals: readonly Goal[], progress: (sentence: string) => void,
): Promise<Round[]> {
  const account = field.ground.accounts.kept;
  const { connections, seconds, warmUpSeconds } = sizes;
  for (const server of [wallet, bare]) {
    if (!server) continue;
    progress(`warming up: ${server.name}`);
    await peak(field, server, account, connections[0] as number, warmUpSeconds);
  }
  const rounds: Round[] = [];
  for (let number = 1; number <= sizes.rounds; number++) {
    const round: Round = { wallet: [], bare: [], tpcb: [], lone: undefined };
    const turned = <Item>(items: readonly Item[]) => (number % 2 === 1 ? [...items] : items.toReversed());
    const told = (what: string, perSecond: number) => progress(`round ${number} of ${sizes.rounds}: ${what} ${Math.round(perSecond)}/s`);
    const steps = [
      async () => {
        for (const clients of tpcb ? turned(sizes.pgbenchClients) : []) {
          round.tpcb.push(await (tpcb as Tpcb).run(clients, seconds));
          told(`TPC-B, ${clients} clients,`, round.tpcb.at(-1)?.perSecond ?? 0);
        }
      },
      async () => {
        for (const many of goals.includes('S1') || goals.includes('S3') ? turned(connections) : []) {
          round.wallet.push(await peak(field, wallet, account, many, seconds));
          told(`bets, ${many} connections,`, round.wallet.at(-1)?.perSecond ?? 0);
        }
      },
      async () => {
        for (const many of bare ? turned(connections) : []) {
          round.bare.push(await peak(field, bare as Server, account, many, seconds));
          told(`bare, ${many} connections,`, round.bare.at(-1)?.perSecond ?? 0);
        }
      },
      async () => {
        if (!goals.includes('S4')) return;
        round.lone = await lone(field, wallet, sizes.loneCalls, turned<LoneKind>(['insert', 'lane', 'http']));
        told('lone bets over HTTP,', 1_000 / round.lone.http);
      },
    ];
    await field.ground.superuser.query('checkpoint');
    for (const step of turned(steps)) await step();
    rounds.push(round);
  }
  return rounds;
}

export interface Wal {
  readonly none: WalSample[];
  readonly kept: WalSample[];
}

export async function measureWal(field: Field, wallet: Server, sizes: Sizes, progress: (sentence: string) => void): Promise<Wal> {
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
