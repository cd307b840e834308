/** The rival's own database in the cluster of the wallet's, with the same players and the same money. */
import pg from 'pg';
import { CURRENCY, OPENING, type Ground } from '../ground.ts';
import { TABLES } from './entities.ts';

const DATABASE = 'textbook';

/** Answers where it is. */
export async function prepareTextbook({ postgres, superuser, players, accounts }: Ground): Promise<string> {
  await superuser.query(`create database ${DATABASE}`);
  const url = postgres.superuserUrl(DATABASE);
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(TABLES);
    await client.query('insert into wallet select player_id, $2, $3, $4, 1 from unnest($1::uuid[]) player_id',
      [players, CURRENCY, accounts.kept.operatorId, OPENING.toString()]);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
  return url;
}

/** Throws where the rival's books do not fit: then it did not do the work it is measured by. Answers how many bets it took. */
export async function checkTextbook(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<Record<'bets' | 'keys' | 'versions' | 'staked' | 'taken', string>>(
      `select (select count(*) from ledger_entry) bets, (select count(*) from transaction_key) keys, (select sum(version - 1) from wallet) versions,
         (select coalesce(-sum(amount), 0) from ledger_entry) staked, (select sum($1 - balance) from wallet) taken`, [OPENING.toString()]);
    const { bets, keys, versions, staked, taken } = rows[0] as (typeof rows)[number];
    if (bets !== keys || bets !== versions || staked !== taken) throw new Error(`the textbook rival's books do not fit: ${JSON.stringify(rows[0])}`);
    return Number(bets);
  } finally {
    await client.end();
  }
}
