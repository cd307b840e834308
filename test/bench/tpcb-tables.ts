/** The stand-in's tables and its transaction, in the proportions of TPC-B: 10 tellers and 100,000 accounts a branch. */
import pg from 'pg';

const TELLERS = 10;
const ACCOUNTS = 100_000;

export async function makeTables(url: string, scale: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`
      create table branch (id int primary key, balance int not null);
      create table teller (id int primary key, branch int not null, balance int not null);
      create table account (id int primary key, branch int not null, balance int not null, filler char(84) not null);
      create table history (teller int, branch int, account int, delta int, at timestamp, filler char(22));
      insert into branch select n, 0 from generate_series(1, ${scale}) n;
      insert into teller select n, (n - 1) / ${TELLERS} + 1, 0 from generate_series(1, ${scale * TELLERS}) n;
      insert into account select n, (n - 1) / ${ACCOUNTS} + 1, 0, '' from generate_series(1, ${scale * ACCOUNTS}) n`);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

/** One session's transactions, one after the other, until `until`; answers how many. */
export async function transact(url: string, scale: number, until: () => boolean): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const run = (name: string, text: string, values: unknown[]) => client.query({ name, text, values });
  const draw = (limit: number) => 1 + Math.floor(Math.random() * limit);
  let done = 0;
  while (!until()) {
    const [account, teller, branch, delta] = [draw(scale * ACCOUNTS), draw(scale * TELLERS), draw(scale), draw(10_001) - 5_001];
    await client.query('begin');
    await run('account', 'update account set balance = balance + $1 where id = $2', [delta, account]);
    await run('read', 'select balance from account where id = $1', [account]);
    await run('teller', 'update teller set balance = balance + $1 where id = $2', [delta, teller]);
    await run('branch', 'update branch set balance = balance + $1 where id = $2', [delta, branch]);
    await run('history', 'insert into history (teller, branch, account, delta, at) values ($1, $2, $3, $4, current_timestamp)',
      [teller, branch, account, delta]);
    await client.query('commit');
    done++;
  }
  await client.end();
  return done;
}
