import { beforeAll, describe, expect, it } from '@jest/globals';
import { fingerprint } from '../../libs/crypto/index.ts';
import { ground, Seat } from '../support/ground.ts';
import { allRoles, Reader } from '../support/reader.ts';

// What happened, as the operator's API tells it, from one database: what a reference came to, one transaction, one round's rows.

const here = ground({ players: { EUR: 20 }, policies: [{ deadlineMs: 5_000 }, { deadlineMs: 5_000, rounds: 'none', winNeeds: 'bet' }] }, allRoles);
let reader: Reader;
let foreigner: Reader;

const seat = (account = 0) => here.seat({ account });
const accountOf = (index: number) => here.account(index).accountId;
const wallet = ({ player }: Seat) => `/v1/players/${player.id}/wallets/EUR/transactions`;
const NOBODY = '01890000-0000-7000-8000-00000000dead';

beforeAll(async () => {
  [reader, foreigner] = [await here.reader(0), await here.reader(1)];
});

describe('one transaction by its id', () => {
  it('says what the receipt said, and by whom it was served as of when', async () => {
    const anna = seat();
    const { body: receipt, headers } = await anna.bet('b1', '10.25', { roundId: 'evening' });
    const found = await reader.get(`/v1/transactions/${receipt.transactionId}`, headers['x-consistency-token']);
    expect([found.status, found.body]).toEqual([200, {
      transactionId: receipt.transactionId, playerId: anna.player.id, currency: 'EUR', walletVersion: 2, processedAt: receipt.processedAt, kind: 'bet',
      amount: '-10.25', balance: '89.75', accountId: accountOf(0), reference: 'b1', roundId: 'evening', gameId: 'game-1',
    }]);
    expect(Date.parse(found.headers['x-as-of'] as string)).toBeGreaterThanOrEqual(Date.parse(receipt.processedAt));
    expect((await reader.get(`/v1/transactions/${receipt.transactionId}`, found.headers['x-consistency-token'] as string)).plain).toBe(found.plain);
  });

  it('of another operator has the same bytes as one that does not exist', async () => {
    const { body: { transactionId: id } } = await seat().bet('b1', '1.00');
    const theirs = await foreigner.get(`/v1/transactions/${id}`);
    const nobodys = await reader.get(`/v1/transactions/${NOBODY}`);
    expect([theirs.status, theirs.plain]).toEqual([404, nobodys.plain]);
    expect(theirs.body.code).toBe('NOT_FOUND');
    // The latest time and the furthest batch that an id can hold, another spelling, no id at all.
    for (const other of ['ffffffff-ffff-7fff-bfff-ffffffffffff', id.toUpperCase(), `${id}0`, 'null', "' or 1=1"]) {
      expect([(await reader.get(`/v1/transactions/${encodeURIComponent(other)}`)).plain, other]).toEqual([nobodys.plain, other]);
    }
  });

  it('is found whatever batch of a lane it is, also beyond the bits that an id keeps', async () => {
    const { body: { transactionId: id } } = await seat().bet('b1', '1.00');
    await here.sql('update transaction set batch = batch + 1073741824 where transaction_id = $1', [id]);
    expect((await reader.get(`/v1/transactions/${id}`)).body.transactionId).toBe(id);
  });
});

describe('a reference', () => {
  const known = async ({ player }: Seat, query: string) => reader.get(`/v1/players/${player.id}/transactions?${query}`);
  const short = (read: { body: any }) => read.body.items.map((item: any) =>
    [item.operations.join(' or '), item.outcome, item.code, item.amount, item.transaction?.kind].filter((part) => part !== undefined).join(' '));

  it('comes to each thing that it was used for', async () => {
    const ben = seat();
    await ben.bet('x', '10.00');
    await ben.win('x', '4.00', { betTransactionId: 'x' });
    await ben.rollback('x', 'x', { originalType: 'win' });
    const found = await known(ben, 'reference=x');
    expect(short(found)).toEqual(['bet applied -10.00 bet', 'win applied 4.00 win', 'rollback applied -4.00 rollback']);
    const [bet, win, rollback] = found.body.items;
    expect([win.undoneBy, rollback.transaction.undoes]).toEqual([rollback.transactionId, win.transactionId]);
    expect([bet.undoneBy, bet.transaction.walletVersion, bet.processedAt]).toEqual([undefined, 2, bet.transaction.processedAt]);
    expect(found.body.asOf).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(short(await known(ben, 'reference=x&operation=win'))).toEqual(['win applied 4.00 win']);
    expect(short(await known(ben, `reference=x&accountId=${accountOf(0)}&operation=bet`))).toEqual(['bet applied -10.00 bet']);
    expect(short(await known(ben, `reference=x&accountId=${accountOf(1)}`))).toEqual([]);
    expect(short(await known(ben, 'reference=X'))).toEqual([]);
  });

  it('that was refused, undone before it came, or undone twice, says so', async () => {
    const cleo = seat();
    await cleo.bet('too much', '1000.00');
    await cleo.rollback('r0', 'too much');
    await cleo.rollback('r1', 'never came');
    await cleo.bet('b', '1.00');
    await cleo.rollback('r2', 'b');
    await cleo.rollback('r3', 'b');
    const all = await Promise.all(['too%20much', 'r0', 'never%20came', 'r1', 'r2', 'r3'].map((reference) => known(cleo, `reference=${reference}`)));
    expect(all.map(short)).toEqual([
      ['bet refused INSUFFICIENT_FUNDS'], ['rollback ignored 0.00'], ['bet or win or award tombstoned 0.00'], ['rollback tombstoned 0.00'],
      ['rollback applied 1.00 rollback'], ['rollback repeated 1.00'],
    ]);
    expect(all[5]?.body.items[0].transactionId).toBe(all[4]?.body.items[0].transactionId);
    // One fact in each of its name spaces; the rollback that bears its original's id is another, and so is one that says what it undoes.
    await cleo.rollback('same', 'same');
    await cleo.rollback('r4', 'same', { originalType: 'win' });
    await cleo.rollback('r5', 'typed', { originalType: 'win' });
    expect(short(await known(cleo, 'reference=same'))).toEqual(['bet or win or award tombstoned 0.00', 'rollback tombstoned 0.00']);
    expect(short(await known(cleo, 'reference=same&operation=award'))).toEqual(['bet or win or award tombstoned 0.00']);
    expect(short(await known(cleo, 'reference=same&operation=adjustment'))).toEqual([]);
    expect(short(await known(cleo, 'reference=typed'))).toEqual(['win tombstoned 0.00']);
  });

  it('of another operator’s player is not there, like a player who does not exist', async () => {
    const [player] = here.world.strangers;
    const [theirs, nobodys] = await Promise.all([player?.id, NOBODY].map((id) => reader.get(`/v1/players/${id}/transactions?reference=opening%20${player?.id}%20${player?.currency}`)));
    expect([theirs?.status, theirs?.plain]).toEqual([404, nobodys?.plain]);
    expect((await foreigner.get(`/v1/players/${player?.id}/transactions?reference=opening%20${player?.id}%20${player?.currency}`)).body.items[0].transaction.kind).toBe('deposit');
  });

  it.each([
    ['', 'reference'], ['reference=', 'reference'], [`reference=${'x'.repeat(129)}`, 'reference'], ['reference=a%00b', 'reference'], ['reference=a&reference=b', 'reference'],
    ['reference=a&operation=deposit', 'operation'], ['reference=a&accountId=0', 'accountId'], ['reference=a&accountId=4294967296', 'accountId'], ['reference=a&kind=bet', 'kind'],
  ])('asked for by "%s" is refused, naming %s', async (query, field) => {
    const { status, body } = await reader.get(`/v1/players/${here.world.players[0]?.id}/transactions?${query}`);
    expect([status, body.code, body.errors[0].field]).toEqual([400, 'REQUEST_INVALID', field]);
  });
});

describe('a round', () => {
  const round = (who: Seat, id: string, account = accountOf(0)) => reader.get(`/v1/players/${who.player.id}/rounds/${account}/${encodeURIComponent(id)}`);
  const rows = (read: { body: any }) => read.body.items.map(({ kind, amount, closesRound }: any) => [kind, amount, ...(closesRound ? ['closes'] : [])].join(' '));

  it('has its totals and its rows, with rollbacks and awards, and none of other rounds between them', async () => {
    const dora = seat();
    await dora.bet('b1', '10.00', { roundId: 'a/b c' });
    await dora.bet('o1', '1.00', { roundId: 'other' });
    await dora.bet('b2', '5.00', { roundId: 'a/b c' });
    await dora.win('j1', '7.00', { roundId: 'a/b c', type: 'jackpot' });
    await dora.rollback('o2', 'o1');
    await dora.rollback('k1', 'b2');
    await dora.win('w1', '2.50', { roundId: 'a/b c', betTransactionId: 'b1' });
    const open = await round(dora, 'a/b c');
    expect([open.body.state, rows(open)]).toEqual(['open', ['bet -10.00', 'bet -5.00', 'promo_win 7.00', 'rollback 5.00', 'win 2.50']]);
    await dora.closeRound('a/b c');
    const closed = await round(dora, 'a/b c');
    const { items: _, ...totals } = closed.body;
    expect(totals).toEqual({
      playerId: dora.player.id, accountId: accountOf(0), roundId: 'a/b c', currency: 'EUR', state: 'closed', staked: '10.00', won: '2.50', bets: 2, undoneBets: 1,
    });
    expect(rows(closed)).toEqual([...rows(open), 'close 0.00 closes']);
  });

  it('has no more than 1,000 rows in one answer, and says where there are more', async () => {
    const emil = seat();
    for (let i = 0; i < 12; i++) {
      const actions = Array.from({ length: 100 }, (_, j) => ({ type: 'bet' as const, transactionId: `${i}-${j}`, amount: '0.01' }));
      expect((await emil.play(actions)).status).toBe(200);
    }
    const { body } = await round(emil, 'r1');
    expect([body.items.length, body.more, body.bets, body.staked]).toEqual([1_000, true, 1_200, '12.00']);
  });

  it('is not there where its account keeps none, which is said', async () => {
    const fay = seat(1);
    await fay.bet('b1', '1.00');
    const kept = await round(fay, 'r1', accountOf(0));
    const none = await round(fay, 'r1', accountOf(1));
    expect([kept.status, kept.body.code, none.status, none.body.code]).toEqual([404, 'NOT_FOUND', 404, 'NOT_FOUND']);
    expect(kept.body.detail).not.toBe(none.body.detail);
    expect(none.body.detail).toBe('this provider account keeps no rounds: every win names its bet');
  });

  it('of another operator has the same bytes as one that does not exist', async () => {
    const gus = seat();
    await gus.bet('b1', '1.00');
    const path = `/v1/players/${gus.player.id}/rounds/${accountOf(0)}`;
    const none = await reader.get(`${path}/nothing`);
    expect([(await foreigner.get(`${path}/r1`)).plain, (await foreigner.get(`/v1/players/${gus.player.id}/rounds/${accountOf(1)}/r1`)).plain]).toEqual([none.plain, none.plain]);
    for (const odd of ['0/r1', '99999999999/r1', `${accountOf(0)}/${'x'.repeat(129)}`, `${accountOf(0)}/a%00b`]) {
      expect([(await reader.get(`/v1/players/${gus.player.id}/rounds/${odd}`)).plain, odd]).toEqual([none.plain, odd]);
    }
    const longest = '€'.repeat(128);
    await gus.bet('b2', '1.00', { roundId: longest });
    expect((await round(gus, longest)).body.roundId).toBe(longest);
  });
});

describe('a key that may not see transactions', () => {
  it('is refused on every route, before anything is looked up', async () => {
    const cannot = await here.reader(0, []);
    const player = `/v1/players/${here.world.players[0]?.id}`;
    for (const path of [`${player}/wallets/EUR/transactions`, `${player}/transactions?reference=x`, `${player}/rounds/1/r1`, `/v1/transactions/${NOBODY}`]) {
      expect([(await cannot.get(path)).body.code, path]).toEqual(['FORBIDDEN', path]);
      expect([(await new Reader(here.served.baseUrl, 'ck_forged').get(path)).body.code, path]).toEqual(['KEY_UNKNOWN', path]);
    }
  });
});

describe('a consistency token', () => {
  const token = (text: string) => Buffer.from(text).toString('base64url');
  it.each([
    ['', 'nothing'], ['x', 'no base64'], [token('2 00000001 0/1 - -'), 'another version'], [token('1 1 0/1 - -'), 'a short timeline'], [token('1 00000001 0/1 7 -'), 'half a place'],
    [token('1 00000001 0/1 2147483648 1'), 'a lane that cannot be'], [token('1 00000001 0/100000000 - -'), 'no position'], [`${token('1 00000001 0/1 - -')}=`, 'another spelling'],
    ['x'.repeat(5_000), 'much'],
  ])('that cannot be read (%#) is refused by the name of its header', async (text) => {
    const { status, body } = await reader.get(wallet(new Seat(here.provider(), here.world.players[0] as never)), text);
    expect([status, body.code, body.errors[0].field]).toEqual([400, 'REQUEST_INVALID', 'x-consistency-token']);
  });

  it('that came twice, or lies ahead of the database, is refused too', async () => {
    const path = `/v1/transactions/${NOBODY}`;
    const [timeline] = await here.sql<{ timeline: string }>('select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline');
    for (const wrong of [['x', 'y'], token(`1 ${timeline?.timeline} FFFFFFF/0 - -`), token('1 0000FFFF 0/1 - -'), token('1 0000FFFF 0/1 5 5')]) {
      const { status, body } = await reader.get(path, wrong);
      expect([status, body.code, body.errors?.[0].field]).toEqual([400, 'REQUEST_INVALID', 'x-consistency-token']);
    }
    expect((await reader.get(path, token(`1 ${timeline?.timeline} 0/1 - -`))).status).toBe(404);
  });
});

it('no answer holds a null, and a reference is nowhere stored as it came', async () => {
  const hugo = seat();
  await hugo.bet('b1', '1.00');
  const answers = await Promise.all([
    reader.get(wallet(hugo)), reader.get(`/v1/players/${hugo.player.id}/transactions?reference=b1`), reader.get(`/v1/players/${hugo.player.id}/rounds/${accountOf(0)}/r1`),
  ]);
  for (const { plain } of answers) expect(plain).not.toContain('null');
  expect(fingerprint('b1')).toHaveLength(32);
});
