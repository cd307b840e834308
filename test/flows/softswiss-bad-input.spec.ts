import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ground } from '../support/ground.ts';
import type { WorldPlayer } from '../support/world.ts';
import { bet, expectRefused, said, Seat, seatAt, send, SOFTSWISS, TOKEN, undo, win, type SendOptions } from './softswiss-seat.ts';

/** What must not move anything: each time wallets, versions, keys, ledger and rounds are counted before and after. */
const OTHER = 'another-account-of-it';
const here = ground({ players: { EUR: 60 }, dialects: [{ ...SOFTSWISS, secrets: [TOKEN, 'the-token-before-it'] }, { ...SOFTSWISS, secrets: [OTHER] }, { ...SOFTSWISS, addresses: ['198.51.100.0/24'] }] });

const envelope = ({ who }: Seat) => ({ ...who, game: 'game-1', game_id: 'r1' });
const signOf = (body: string | Buffer, token = TOKEN) => createHmac('sha256', token).update(body).digest('hex');

describe('a signature', () => {
  it('fits no body with one byte changed, whichever it is', async () => {
    const seat = seatAt(here);
    const raw = Buffer.from(JSON.stringify({ ...envelope(seat), session_id: seat.session, finished: true, actions: [bet('a1', 100), win('a2', 250)] }));
    await here.unmoved(async () => {
      for (let at = 0; at < raw.length; at++) {
        const changed = Buffer.from(raw);
        changed[at] = (changed[at] as number) ^ (at % 2 ? 1 : 32);
        expectRefused(await send(here, 'play', changed, { sign: signOf(raw) }), 403, 403);
      }
      for (const changed of [Buffer.alloc(0), raw.subarray(1), Buffer.concat([raw, Buffer.from(' ')])]) expectRefused(await send(here, 'play', changed, { sign: signOf(raw) }), 403, 403);
    });
    expect(said(await send(here, 'play', raw))).toBe('ok 10150');
  });

  it('fits no body whose keys stand in another order', async () => {
    const seat = seatAt(here);
    const fields = { ...envelope(seat), actions: [bet('a1', 100)] };
    const turned = JSON.stringify(Object.fromEntries(Object.entries(fields).reverse()));
    await here.unmoved(async () => expectRefused(await send(here, 'play', turned, { sign: signOf(JSON.stringify(fields)) }), 403, 403));
    expect(said(await send(here, 'play', turned))).toBe('ok 9900');
  });

  it('is needed, in lower-case hex, once, and of a token of this account', async () => {
    const seat = seatAt(here);
    const body = JSON.stringify({ ...envelope(seat), actions: [bet('a1', 100)] });
    const right = signOf(body);
    const wrong: SendOptions[] = [
      { sign: undefined }, { sign: '' }, { sign: right.slice(1) }, { sign: `${right}00` }, { sign: right.toUpperCase() }, { sign: `sha256=${right}` }, { sign: '0'.repeat(64) },
      { sign: undefined, headers: { 'x-request-sign': [right, right] } }, { sign: Buffer.from(right, 'hex').toString('base64') }, { token: OTHER }, { token: `${TOKEN} ` }, { token: '' },
    ];
    await here.unmoved(async () => {
      for (const options of wrong) expectRefused(await send(here, 'play', body, options), 403, 403);
      expectRefused(await send(here, 'play', body, { account: 1 }), 403, 403);
      expectRefused(await send(here, 'play', body, { account: 2 }), 403, 403);
    });
    expect(said(await send(here, 'play', body, { token: 'the-token-before-it' }))).toBe('ok 9900');
    expect(said(await send(here, 'play', body))).toBe('ok 9900');
  });
});

describe('a captured call', () => {
  const bodies = (seat: Seat): Record<string, { readonly home: string; readonly body: object }> => ({
    balance: { home: 'play', body: seat.who },
    play: { home: 'play', body: { ...envelope(seat), finished: true, actions: [bet('a1', 100), win('a2', 250)] } },
    close: { home: 'play', body: { ...envelope(seat), finished: true } },
    rollback: { home: 'rollback', body: { ...envelope(seat), actions: [undo('x2', 'a2'), undo('x1', 'a1')] } },
    freespins: { home: 'freespins', body: { issue_id: 'i1', status: 'finished', total_amount: 500, ...seat.who } },
  });
  const pairs = ['balance', 'play', 'close', 'rollback', 'freespins'].flatMap((name) => ['play', 'rollback', 'freespins'].map((path) => [name, path] as const));

  it.each(pairs)('of a %s, sent to /%s, moves nothing', async (name, path) => {
    const seat = seatAt(here);
    for (const { home, body } of Object.values(bodies(seat))) await seat.call(home, body);
    const { home, body } = bodies(seat)[name] as { home: string; body: object };
    await here.unmoved(async () => {
      const reply = await seat.call(path, body);
      // At home it is the same again; free rounds that name their player may read the balance, as whoever signed them may anyway.
      if (path === home || (name === 'freespins' && path === 'play')) expect([reply.status, reply.body.balance]).toEqual([200, await seat.balance()]);
      else expectRefused(reply, 400, 400);
    });
  });

  it('is worth nothing on an account of another token, nor on another path', async () => {
    const seat = seatAt(here);
    const body = JSON.stringify({ ...envelope(seat), actions: [win('a1', 100)] });
    await here.unmoved(async () => {
      expectRefused(await send(here, 'play', body, { account: 1 }), 403, 403);
      for (const path of ['', 'bet', 'Play', 'play/', 'play/x', '%70lay', '../play', 'play%2f', 'rollback;play']) expectRefused(await send(here, path, body), 404, 404);
    });
  });
});

describe('bad input', () => {
  it('on an account that is not there is a 404', async () => {
    const seat = seatAt(here);
    const [ours] = here.world.dialects.map(({ basePath }) => basePath);
    const body = JSON.stringify({ ...envelope(seat), actions: [win('a1', 100)] });
    const native = `/providers/${here.account().accountId}/`;
    await here.unmoved(async () => {
      for (const base of ['/providers/999999/', '/providers/0/', '/providers/-1/', '/providers/x/', '/providers//', '/providers/99999999999999999999/', `/providers/0${ours?.slice(11)}`, '/providers/', native]) {
        expect([base, (await send(here, 'play', body, { base })).status]).toEqual([base, 404]);
      }
    });
    expect(said(await send(here, 'play', body))).toBe('ok 10100');
  });

  it('by another method or of another media type is told in the aggregator’s form', async () => {
    const seat = seatAt(here);
    const body = JSON.stringify({ ...envelope(seat), actions: [bet('a1', 100)] });
    await here.unmoved(async () => {
      for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
        const reply = await send(here, 'play', body, { method });
        expectRefused(reply, 405, 400);
        expect(reply.headers.allow).toBe('POST');
      }
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', undefined]) {
        expectRefused(await send(here, 'play', body, { headers: { 'content-type': type } }), 400, 400);
      }
      expectRefused(await send(here, 'play', ' '.repeat(70_000)), 400, 400);
    });
    expect(said(await send(here, 'play', body, { headers: { 'content-type': 'application/json; charset=utf-8' } }))).toBe('ok 9900');
  });

  it.each(['', 'null', '[]', '"text"', '{', '{"user_id":', 'user_id=1', '\ufeff{}', '{}', '{"user_id":"\ud800"}', '[[[['.repeat(8_000), '1e999'])('%j is no call', async (body) => {
    await here.unmoved(async () => {
      for (const path of ['play', 'rollback', 'freespins']) expectRefused(await send(here, path, body), 400, 400);
    });
    expectRefused(await send(here, 'play', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), 400, 400);
  });

  it('without a field that is needed is a bad request, and with one more is none', async () => {
    const seat = seatAt(here);
    const whole = { play: { ...envelope(seat), actions: [bet('a1', 100)] }, rollback: { user_id: seat.player.id, actions: [undo('x1', 'a9')] }, freespins: { issue_id: 'i', status: 'finished', total_amount: 1 } };
    await here.unmoved(async () => {
      for (const [path, fields] of Object.entries(whole)) {
        for (const name of Object.keys(fields)) {
          if (name === 'actions' && path === 'play') continue;
          expectRefused(await seat.call(path, { ...fields, [name]: undefined }), 400, 400);
          expectRefused(await seat.call(path, { ...fields, [name]: { a: 1 } }), 400, 400);
        }
        if (!('actions' in fields)) continue;
        for (const name of Object.keys(fields.actions[0] as object)) {
          for (const value of [undefined, null, {}, '', true]) expectRefused(await seat.call(path, { ...fields, actions: [{ ...fields.actions[0], [name]: value }] }), 400, 400);
        }
        expectRefused(await seat.call(path, { ...fields, actions: [fields.actions[0], fields.actions[0]] }), 400, 400);
      }
    });
    expect(said(await seat.call('play', { ...whole.play, provider: 'x', extra: { deep: [1] }, __proto__: null, actions: [{ ...bet('a1', 100), why: null }] }))).toBe('ok 9900');
  });

  it.each(['-1', '12.5', '100.0', '1e2', '"100"', 'null', 'true', '100000000001', '9007199254740993000', '1e400', '123456789012345678901234567890123456789012345'])(
    'of the amount %s is a bad request, for bets, wins and free rounds', async (amount) => {
      const seat = seatAt(here);
      const head = `"user_id":"${seat.player.id}","currency":"EUR"`;
      await here.unmoved(async () => {
        for (const action of ['bet', 'win']) {
          expectRefused(await send(here, 'play', `{${head},"game":"game-1","game_id":"r","actions":[{"action":"${action}","action_id":"a","amount":${amount}}]}`), 400, 400);
        }
        expectRefused(await send(here, 'freespins', `{${head},"issue_id":"i","status":"finished","total_amount":${amount}}`), 400, 400);
      });
    });

  it('for a player of nobody, or of another operator, is 101 and moves nothing', async () => {
    const [stranger] = here.world.strangers as [WorldPlayer];
    await here.unmoved(async () => {
      for (const id of [stranger.id, '00000000-0000-7000-8000-000000000000', 'nobody', `${stranger.id} `, "' or 1=1 --"]) {
        const seat = new Seat(here, { ...stranger, id });
        expectRefused(await seat.play([bet('a1', 100)]), 412, 101);
        expectRefused(await seat.play([win('a1', 100)], { finished: true }), 412, 101);
        expectRefused(await seat.play(), 412, 101);
        expectRefused(await seat.play([], { finished: true }), 412, 101);
        expectRefused(await seat.rollback([undo('x1', 'a1')]), 412, 101);
        expectRefused(await seat.rollback([undo('x1', 'a1'), undo('x2', 'a2')]), 412, 101);
        expectRefused(await seat.freespins('i1', 100, seat.who), 412, 101);
      }
    });
  });
});
