/** The stand-in's process: so many sessions of `pg` at once. */
import { transact } from './tpcb-tables.ts';

const { url, scale, clients, seconds } = JSON.parse(process.argv[2] as string) as { url: string; scale: number; clients: number; seconds: number };
const begunAt = performance.now();
process.send?.('begun');
const counts = await Promise.all(Array.from({ length: clients }, () => transact(url, scale, () => performance.now() - begunAt > seconds * 1000)));
process.send?.({ transactions: counts.reduce((a, b) => a + b, 0), elapsed: (performance.now() - begunAt) / 1000 });
