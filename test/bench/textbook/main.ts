/** The textbook rival's process: the same door as the wallet's, and behind it one transaction of MikroORM a bet. */
import { MikroORM } from '@mikro-orm/postgresql';
import { serve } from '../door.ts';
import { LedgerEntry, TransactionKey, Wallet } from './entities.ts';
import { placeBet, type House } from './place-bet.ts';

const connections = Number(process.env['TEXTBOOK_POOL']);
const { games, ...account } = JSON.parse(process.env['TEXTBOOK_HOUSE'] ?? '') as Omit<House, 'games'> & { games: string[] };
const house: House = { ...account, games: new Set(games) };

const orm = await MikroORM.init({
  clientUrl: process.env['DATABASE_URL'], entities: [Wallet, TransactionKey, LedgerEntry], pool: { min: connections, max: connections },
});

let applied = 0;
let other = 0;

await serve({
  async bet(call) {
    const answer = await placeBet(orm.em.fork(), house, call);
    if ((answer.body as { status?: unknown }).status === 'applied') applied++;
    else other++;
    return answer;
  },
  metrics: () => `croupier_outcomes_total{command="bet",code="applied"} ${applied}\ncroupier_outcomes_total{command="bet",code="other"} ${other}\n`,
}, () => orm.close());
