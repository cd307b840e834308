/** The stand-in's process: so many sessions of `pg` at once. */
import { transact } from './tpcb-tables.ts';

interface Task {
  readonly url: string;
  readonly scale: number;
  readonly clients: number;
  readonly seconds: number;
}

const { url, scale, clients, seconds } = JSON.parse(process.argv[2] as string) as Task;
const begunAt = performance.now();
process.send?.('begun');
const isOver = () => performance.now() - begunAt > seconds * 1000;
const counts = await Promise.all(Array.from({ length: clients }, () => transact(url, scale, isOver)));
process.send?.({ transactions: counts.reduce((a, b) => a + b, 0), elapsed: (performance.now() - begunAt) / 1000 });
