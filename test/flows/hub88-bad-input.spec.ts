import { describe, expect, it } from '@jest/globals';
import { ground } from '../support/ground.ts';
import { CALETA, expectRefused, fresh, HUB88, newPair, said, seatAt, send, signatureOf, STRANGE, THEIRS, type Hub88Seat, type SendOptions } from './hub88-seat.ts';

/** What must not move anything: each time wallets, versions, keys, ledger and rounds are counted before and after. */
const OTHERS = newPair();
const RETIRED = newPair();
const keyed = (of: typeof HUB88, ...more: string[]) => ({ ...of, secrets: [THEIRS.pem, ...more] });
/** Counts euros in steps of 10^-8, which is finer than a wallet of 10^-6 can hold. */
const settings = { currencies: { fine: { code: 'EUR', digits: 8 } } };
const here = ground({
  players: { EUR: 110 },
  dialects: [
    keyed(HUB88, RETIRED.pem), keyed(CALETA, RETIRED.pem), { ...HUB88, secrets: [OTHERS.pem] }, { ...CALETA, secrets: [OTHERS.pem] }, { ...HUB88, secrets: [] }, { ...CALETA, secrets: [] },
    { ...HUB88, addresses: ['198.51.100.0/24'] }, { ...CALETA, addresses: ['198.51.100.0/24'] }, { ...HUB88, settings: { header: 'X-Nirova-Signature' } },
    { ...HUB88, settings }, { ...CALETA, settings },
  ],
});

const DIALECTS = [['Hub88', 0], ['Caleta', 1]] as const;
const reversed = (text: string) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse()));
const uuidOf = (text: string) => (JSON.parse(text) as { request_uuid?: string }).request_uuid;

describe.each(DIALECTS)('a signature of %s', (_name, account) => {
  const betOf = (seat: Hub88Seat) => JSON.stringify(seat.bodies.bet(fresh(), 100_000));

  it('fits no body with one byte changed, whichever it is', async () => {
    const seat = seatAt(here, account);
    const text = betOf(seat);
    const [raw, signature] = [Buffer.from(text), signatureOf(text)];
    await here.unmoved(async () => {
      for (let at = 0; at < raw.length; at++) {
        const changed = Buffer.from(raw);
        changed[at] = (changed[at] as number) ^ (at % 2 ? 1 : 32);
        expectRefused(await send(here, seat.path('bet'), changed, { signature, account }), 'INVALID_SIGNATURE');
      }
      for (const changed of [Buffer.alloc(0), raw.subarray(1), Buffer.concat([raw, Buffer.from(' ')]), Buffer.from(reversed(text)), Buffer.from(JSON.stringify(JSON.parse(text), null, 1))]) {
        expectRefused(await send(here, seat.path('bet'), changed, { signature, account }), 'INVALID_SIGNATURE');
      }
    });
    expect(said(await send(here, seat.path('bet'), raw, { signature, account }))).toBe('OK 9900000');
    expect(said(await send(here, seat.path('bet'), reversed(text), { account }))).toBe('OK 9900000');
  });

  it('is needed, once, in standard base64, and of a key of this account; the call’s id is told back', async () => {
    const seat = seatAt(here, account);
    const text = betOf(seat);
    const right = signatureOf(text);
    const header = account === 0 ? 'x-hub88-signature' : 'x-auth-signature';
    const other = account === 0 ? 'x-auth-signature' : 'x-hub88-signature';
    const wrong: SendOptions[] = [
      { signature: undefined }, { signature: '' }, { signature: right.slice(4) }, { signature: right.slice(0, -1) }, { signature: `${right.slice(0, -4)}????` },
      { signature: Buffer.from(right, 'base64').toString('hex') }, { signature: Buffer.alloc(256).toString('base64') }, { signature: undefined, headers: { [header]: [right, right] } },
      { signature: undefined, headers: { [other]: right } }, { pair: STRANGE }, { pair: OTHERS }, { signature: signatureOf(betOf(seat)) },
    ];
    if (/[+/]/.test(right)) wrong.push({ signature: right.replaceAll('+', '-').replaceAll('/', '_') });
    await here.unmoved(async () => {
      for (const options of wrong) expectRefused(await send(here, seat.path('bet'), text, { account, ...options }), 'INVALID_SIGNATURE', uuidOf(text));
      expectRefused(await send(here, seat.path('bet'), text, { account: account + 2 }), 'INVALID_SIGNATURE', uuidOf(text));
    });
    expect(said(await send(here, seat.path('bet'), text, { account, pair: RETIRED }))).toBe('OK 9900000');
  });

  it('of a partner that is none, or calls from elsewhere, is worth nothing', async () => {
    const seat = seatAt(here, account);
    const text = betOf(seat);
    const code = account === 0 ? 'INVALID_PARTNER' : 'UNKNOWN';
    await here.unmoved(async () => {
      expectRefused(await send(here, seat.path('bet'), text, { account: account + 4 }), code, uuidOf(text));
      expectRefused(await send(here, seat.path('bet'), text, { account: account + 6 }), code);
    });
  });
});

it('a signature stands in the header that its account names', async () => {
  const seat = seatAt(here, 8);
  const text = JSON.stringify(seat.bodies.bet(fresh(), 100_000));
  await here.unmoved(async () => expectRefused(await send(here, seat.path('bet'), text, { account: 8 }), 'INVALID_SIGNATURE', uuidOf(text)));
  expect(said(await send(here, seat.path('bet'), text, { account: 8, signature: undefined, headers: { 'X-Nirova-Signature': signatureOf(text) } }))).toBe('OK 9900000');
});

describe.each(DIALECTS)('a captured call of %s', (_name, account) => {
  const names = account === 0 ? (['info', 'balance', 'bet', 'win', 'rollback'] as const) : (['check', 'balance', 'bet', 'win', 'rollback'] as const);
  const pairs = names.flatMap((name) => names.filter((path) => path !== name).map((path) => [name, path] as const));

  /** Their bet, its win, and the rollback of another bet: signed once, sent where one likes. */
  async function captured(seat: Hub88Seat) {
    const { bodies } = seat;
    const [bet, win, undone, undoing] = [fresh(), fresh(), fresh(), fresh()];
    const texts = {
      info: bodies.info(), check: bodies.check(), balance: bodies.balance(), bet: bodies.bet(bet, 100_000), win: bodies.win(win, bet, 300_000), rollback: bodies.rollback(undoing, undone),
    };
    await seat.bet(undone, 200_000, { round: 'r2' });
    return texts;
  }

  it.each(pairs)('%s, sent to the path of %s before it comes, moves nothing and keeps nothing out', async (name, path) => {
    const seat = seatAt(here, account);
    const texts = await captured(seat);
    if (name === 'win') await seat.call('bet', texts.bet);
    await here.unmoved(async () => {
      const reply = await seat.call(path, texts[name]);
      if (path === 'balance' && reply.body.status === 'RS_OK') expect(said(reply)).toBe(await seat.balance());
      else if (path === 'info') expect([reply.body.status, reply.body.balance]).toEqual(['RS_OK', undefined]);
      else expectRefused(reply, /^RS_ERROR_WRONG_(SYNTAX|TYPES)$/);
    });
    const left = { bet: 'OK 9700000', win: 'OK 10000000', rollback: 'OK 10000000', balance: 'OK 9800000', info: 'OK', check: 'undefined' };
    expect(said(await seat.call(name, texts[name]))).toBe(left[name]);
  });

  it.each(pairs)('%s, sent to the path of %s after it came, moves nothing', async (name, path) => {
    const seat = seatAt(here, account);
    const texts = await captured(seat);
    for (const each of ['bet', 'win', 'rollback'] as const) await seat.call(each, texts[each]);
    await here.unmoved(async () => void (await seat.call(path, texts[name])));
    expect(await seat.balance()).toBe('OK 10200000');
  });

  it('sent again to its own path is known', async () => {
    const seat = seatAt(here, account);
    const texts = await captured(seat);
    for (const each of ['bet', 'win', 'rollback'] as const) await seat.call(each, texts[each]);
    await here.unmoved(async () => {
      for (const each of ['bet', 'win', 'rollback'] as const) expect(said(await seat.call(each, texts[each]))).toBe('OK 10200000');
    });
  });
});

describe.each(DIALECTS)('a bad call of %s', (_name, account) => {
  it('that is no JSON, or JSON of another kind, is WRONG_SYNTAX under its id where it can be read', async () => {
    const seat = seatAt(here, account);
    await here.unmoved(async () => {
      for (const body of ['', ' ', '{', '[]', 'null', '7', '"bet"', '{}', '\u0000', '{"a":1}{"a":1}', `${'['.repeat(5_000)}`, Buffer.from([0xff, 0xfe]), Buffer.from('{"user":"\xff"}', 'latin1')]) {
        expectRefused(await send(here, seat.path('bet'), body, { account }), 'WRONG_SYNTAX', '');
      }
      expectRefused(await send(here, seat.path('bet'), '{"request_uuid":"q-7","amount":1,}', { account }), 'WRONG_SYNTAX', 'q-7');
    });
  });

  it('that lacks a field is WRONG_SYNTAX, with one of another type WRONG_TYPES, with one more as good as any', async () => {
    const seat = seatAt(here, account);
    const bodies = { bet: seat.bodies.bet(fresh(), 100_000), win: seat.bodies.win(fresh(), fresh(), 100), rollback: seat.bodies.rollback(fresh(), fresh()) };
    const optional = account === 0 ? ['round', 'round_closed', 'is_free'] : ['user'];
    // Hub88's rollback is one without these, whatever is in them.
    const unread = account === 0 ? ['rollback round_closed', 'rollback game_code'] : [];
    await here.unmoved(async () => {
      for (const [name, body] of Object.entries(bodies)) {
        for (const field of Object.keys(body).filter((each) => !unread.includes(`${name} ${each}`))) {
          const without = Object.fromEntries(Object.entries(body).filter(([each]) => each !== field));
          if (!optional.includes(field)) expect([name, field, said(await seat.call(name, without))]).toEqual([name, field, 'WRONG_SYNTAX']);
          for (const value of [7, '', { a: 1 }, [], '\u0007'].filter((each) => field !== 'amount' || each !== 7)) {
            expect([name, field, value, said(await seat.call(name, { ...body, [field]: value }))]).toEqual([name, field, value, 'WRONG_TYPES']);
          }
        }
      }
    });
    expect(said(await seat.call('bet', { ...bodies.bet, unheard_of: { of: ['any', 1.5] }, constructor: null }))).toBe('OK 9900000');
  });

  it('of another content type or method, or of a path that is none, is one whose outcome is unknown', async () => {
    const seat = seatAt(here, account);
    const text = JSON.stringify(seat.bodies.bet(fresh(), 100_000));
    await here.unmoved(async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'application/json-patch', undefined]) {
        expectRefused(await send(here, seat.path('bet'), text, { account, headers: { 'content-type': type } }), 'UNKNOWN', uuidOf(text));
      }
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) expectRefused(await send(here, seat.path('bet'), text, { account, method }), 'UNKNOWN');
      for (const path of ['', 'bet', `${seat.path('bet')}/`, `/${seat.path('bet')}`, seat.path('bet').toUpperCase(), `${seat.path('bet')}%20`, '../bet', `${seat.path('bet')}/../win`]) {
        expectRefused(await send(here, path, text, { account }), 'UNKNOWN');
      }
      expectRefused(await send(here, seat.path('bet'), `{"a":"${'x'.repeat(70_000)}"}`, { account }), 'WRONG_SYNTAX');
    });
    expect(said(await send(here, seat.path('bet'), text, { account, headers: { 'content-type': 'Application/JSON; charset=utf-8' } }))).toBe('OK 9900000');
  });

  it('of an account that is none is nobody’s', async () => {
    const seat = seatAt(here, account);
    const text = JSON.stringify(seat.bodies.bet(fresh(), 100_000));
    await here.unmoved(async () => {
      for (const path of ['../999999/transaction/bet', '../0/wallet/bet', '../x/wallet/bet', '../-1/wallet/bet']) {
        const reply = await send(here, path, text, { account });
        expect([path, reply.status < 500, reply.body.status === 'RS_OK']).toEqual([path, true, false]);
      }
    });
  });

  it('with an amount that is none moves nothing', async () => {
    const seat = seatAt(here, account);
    const bet = fresh();
    await seat.bet(bet, 100_000);
    const [betting, winning] = [JSON.stringify(seat.bodies.bet(fresh(), 777)), JSON.stringify(seat.bodies.win(fresh(), bet, 777))];
    await here.unmoved(async () => {
      for (const amount of ['-1', '-0.5', '1.5', '0.1', '1e3', '1E-3', '"777"', 'true', 'null', '[777]', '1e999', '9'.repeat(400), '100000000000001']) {
        for (const [name, text] of [['bet', betting], ['win', winning]] as const) {
          expect([name, amount, said(await send(here, seat.path(name), text.replace(':777', `:${amount}`), { account }))]).toEqual([name, amount, 'WRONG_TYPES']);
        }
      }
    });
  });

  it('with an amount finer than its currency is kept moves nothing; a win of that is owed, and comes again', async () => {
    const seat = seatAt(here, 9 + account);
    const fine = { currency: 'fine' };
    const bet = fresh();
    expect(await seat.bet(bet, 100_000_000, fine)).toBe('OK 9900000000');
    await here.unmoved(async () => {
      expect([await seat.bet(fresh(), 1_001, fine), await seat.win(fresh(), bet, 1_001, fine)]).toEqual(['WRONG_TYPES', 'UNKNOWN']);
    });
    expect([await seat.win(fresh(), bet, 1_000, fine), await seat.balance()]).toEqual(['OK 9900001000', 'OK 9900001000']);
  });

  it('with another player’s session, or for another operator’s player, moves nothing', async () => {
    const [seat, other] = [seatAt(here, account), seatAt(here, account)];
    const [stranger] = here.world.strangers;
    const user = account === 0 ? 'user' : 'supplier_user';
    const before = await here.totals();
    expect([await seat.bet(fresh(), 100_000, { token: other.token }), await seat.bet(fresh(), 100_000, { token: seat.player.sessionToken }), await seat.bet(fresh(), 100_000, { [user]: stranger?.id, token: stranger?.sessionToken })])
      .toEqual(['INVALID_TOKEN', 'INVALID_TOKEN', 'INVALID_TOKEN']);
    for (const [name, body] of [['win', seat.bodies.win(fresh(), fresh(), 100)], ['rollback', seat.bodies.rollback(fresh(), fresh())], ['balance', seat.bodies.balance()]] as const) {
      const named = name === 'rollback' ? 'user' : user;
      expect([name, said(await seat.call(name, { ...body, [named]: stranger?.id, token: stranger?.sessionToken }))]).toEqual([name, 'INVALID_TOKEN']);
    }
    const { money, entries, versions } = await here.totals();
    expect({ money, entries, versions }).toEqual({ money: before.money, entries: before.entries, versions: before.versions });
    expect([await seat.balance(), await other.balance()]).toEqual(['OK 10000000', 'OK 10000000']);
  });
});
