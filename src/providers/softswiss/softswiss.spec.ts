import { describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseExactJson } from '../../../libs/http/index.ts';
import type { Said, Seat, Verdict } from '../../conformance/contract.ts';
import type { Receipt, RefusalCode } from '../../wallet/contract.ts';
import { parsePolicy, Turned, type Ask, type Client, type Context, type Failure, type Operation } from '../contract.ts';
import { softswiss } from './adapter.ts';
import { FAILED, REFUSED } from './refusals.ts';
import { Settings, type SoftswissSettings } from './schema.ts';
import { softswissSpeaker } from './simulator.ts';

const TOKEN = 'auth-token-demo';
const { vectors } = JSON.parse(readFileSync(new URL('fixtures/vectors.json', import.meta.url), 'utf8')) as {
  vectors: { name: string; path: string; authToken: string; body: string; sign: string }[];
};

const CURRENCIES = {
  EUR: { code: 'EUR', exponent: 2, scale: 6, maxAmount: 1_000_000_000_000_000n }, JPY: { code: 'JPY', exponent: 0, scale: 6, maxAmount: 10n ** 17n },
  KWD: { code: 'KWD', exponent: 3, scale: 6, maxAmount: 10n ** 15n }, BTC: { code: 'BTC', exponent: 8, scale: 8, maxAmount: 21n * 10n ** 14n },
};
type Code = keyof typeof CURRENCIES;
const contextOf = (body: unknown, more: Partial<Context<SoftswissSettings>> = {}): Context<SoftswissSettings> => ({
  requestId: 'q1', policy: parsePolicy({}, softswiss.policy), settings: Settings.parse({}), body, currency: (code) => CURRENCIES[code as Code], ...more,
});

const clientOf = (...secrets: string[]) => ({ account: {}, settings: Settings.parse({}), keys: secrets.map(softswiss.key) }) as unknown as Client<Buffer, SoftswissSettings>;
const hmac = (token: string, body: string | Buffer) => createHmac('sha256', token).update(body).digest('hex');
const call = (body: string | Buffer, sign?: unknown, path = 'play') =>
  ({ method: 'POST', path, query: '', headers: sign === undefined ? {} : { 'x-request-sign': sign as string }, body: Buffer.from(body) });

const operationOf = (name: string) => softswiss.operations.find((each) => each.name === name) as unknown as Operation<unknown, SoftswissSettings>;

/** As the door does it: bytes, schema, meaning. A sentence where it is turned away. */
function meant(path: string, body: unknown, context: Partial<Context<SoftswissSettings>> = {}): Ask | string {
  const json = parseExactJson(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  const { request, read } = operationOf(path);
  const parsed = request.safeParse(json);
  if (!parsed.success) return `REQUEST_INVALID ${parsed.error.issues.map((issue) => issue.path.join('.')).join(' ')}`;
  try {
    return read(parsed.data, contextOf(json, context));
  } catch (error) {
    if (error instanceof Turned) return error.code;
    throw error;
  }
}

/** What the core is asked for, priced in the currency. */
function asked(path: string, body: unknown, currency: Code = 'EUR', context: Partial<Context<SoftswissSettings>> = {}): any {
  const ask = meant(path, body, context);
  if (typeof ask === 'string' || !('request' in ask) || typeof ask.request !== 'function') return ask;
  try {
    return { ...ask, request: ask.request(CURRENCIES[currency]) };
  } catch (error) {
    if (error instanceof Turned) return error.code;
    throw error;
  }
}

const ENVELOPE = { user_id: 'p1', currency: 'EUR', game: 'studio:one', game_id: 'r1' };
const bet = (amount: unknown, more: object = {}) => ({ action: 'bet', action_id: 'b1', amount, ...more });
const win = (amount: unknown, more: object = {}) => ({ action: 'win', action_id: 'w1', amount, ...more });
const BODIES: Record<string, object> = {
  balance: { user_id: 'p1', currency: 'EUR' },
  play: { ...ENVELOPE, finished: true, session_id: 's1', actions: [bet(100), win(250)] },
  close: { ...ENVELOPE, finished: true },
  rollback: { ...ENVELOPE, actions: [{ action: 'rollback', action_id: 'x1', original_action_id: 'b1' }] },
  freespins: { issue_id: 'i1', status: 'finished', total_amount: 1250 },
};

describe('the signature', () => {
  it.each(vectors)('of $name is the HMAC of the bytes as they were sent', ({ authToken, body, sign }) => {
    expect(hmac(authToken, body)).toBe(sign);
    expect(() => softswiss.verify(call(body, sign), clientOf(authToken))).not.toThrow();
  });

  it('fits no body with one byte changed, whichever it is', () => {
    const { body, sign } = vectors[0] as (typeof vectors)[number];
    const raw = Buffer.from(body);
    for (let at = 0; at < raw.length; at++) {
      const changed = Buffer.from(raw);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => softswiss.verify(call(changed, sign), clientOf(TOKEN))).toThrow(Turned);
    }
    expect(() => softswiss.verify(call(`${body} `, sign), clientOf(TOKEN))).toThrow(Turned);
  });

  it('fits no body whose keys were put in another order', () => {
    const { body, sign } = vectors[0] as (typeof vectors)[number];
    const turned = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(body) as object).reverse()));
    expect(turned).toHaveLength(body.length);
    expect(() => softswiss.verify(call(turned, sign), clientOf(TOKEN))).toThrow(Turned);
  });

  it.each([[undefined], [''], ['c776'], [hmac(TOKEN, '{}').toUpperCase()], [`${hmac(TOKEN, '{}')}, ${hmac(TOKEN, '{}')}`], [`${hmac(TOKEN, '{}')}0`], [[hmac(TOKEN, '{}')]],
    [createHmac('sha256', TOKEN).update('{}').digest('base64')], [hmac('another-token', '{}')]])('%j is none', (sign) => {
    expect(() => softswiss.verify(call('{}', sign), clientOf(TOKEN))).toThrow(expect.objectContaining({ code: 'SIGNATURE_INVALID' }));
  });

  it('of each live secret is good, and of none where there is none', () => {
    for (const token of ['newest-token', 'older-token-1']) expect(() => softswiss.verify(call('{}', hmac(token, '{}')), clientOf('newest-token', 'older-token-1'))).not.toThrow();
    expect(() => softswiss.verify(call('{}', hmac('', '{}')), clientOf())).toThrow(Turned);
  });

  it('is made with a token of 12 characters or more, which no error quotes', () => {
    for (const secret of ['', 'eleven-char', 'with a blank in it', 'x'.repeat(257)]) {
      expect(() => softswiss.key(secret)).toThrow('an auth token must be 12 to 256 characters without blanks');
    }
    expect(softswiss.key(softswiss.makeSecret?.() ?? '')).toHaveLength(32);
  });
});

describe('a play', () => {
  it('is its bets and wins in order, in subunits, the session with the bets', () => {
    expect(asked('play', BODIES.play)).toEqual({
      ask: 'play', who: { player: 'p1' }, currency: 'EUR',
      request: {
        currency: 'EUR', round: 'r1', closeRound: true,
        actions: [
          { kind: 'bet', reference: 'b1', currency: 'EUR', amount: 1_000_000n, game: 'studio:one', round: 'r1', closeRound: false, free: false, sessionToken: 's1' },
          { kind: 'win', reference: 'w1', currency: 'EUR', amount: 2_500_000n, game: 'studio:one', round: 'r1', closeRound: false },
        ],
      },
    });
  });

  it('without actions asks for the balance, and closes the round where it is finished', () => {
    for (const actions of [undefined, null, []]) {
      expect(meant('play', { ...ENVELOPE, actions })).toEqual({ ask: 'balance', who: { player: 'p1' }, currency: 'EUR' });
      expect(meant('play', { ...ENVELOPE, actions, finished: true })).toEqual({ ask: 'close', who: { player: 'p1' }, currency: 'EUR', round: 'r1', game: 'studio:one' });
    }
    expect(meant('play', BODIES.balance)).toEqual({ ask: 'balance', who: { player: 'p1' }, currency: 'EUR' });
  });

  it.each([
    ['EUR', '1250', 12_500_000n], ['EUR', '0', 0n], ['EUR', '-0', 0n], ['JPY', '100', 100_000_000n], ['KWD', '1250', 1_250_000n], ['BTC', '1', 1n],
    ['EUR', '100000000000', 10n ** 15n], ['EUR', '100000000001', 'AMOUNT_INVALID'], ['JPY', '9007199254740993', 'AMOUNT_INVALID'],
    ['EUR', '-1', 'AMOUNT_INVALID'], ['EUR', '12.5', 'AMOUNT_INVALID'], ['EUR', '1.0', 'AMOUNT_INVALID'], ['EUR', '1e2', 'AMOUNT_INVALID'],
    ['EUR', '99999999999999999999999999999999999999999999999999', 'AMOUNT_INVALID'], ['EUR', '1e400', 'AMOUNT_INVALID'], ['EUR', '0.1', 'AMOUNT_INVALID'],
  ] as const)('in %s with the amount %s comes to %s', (currency, amount, units) => {
    const got = asked('play', `{"user_id":"p1","currency":"${currency}","game":"g","game_id":"r","actions":[{"action":"bet","action_id":"b","amount":${amount}}]}`, currency);
    expect(typeof units === 'bigint' ? got.request.actions[0].amount : got).toBe(units);
  });

  it.each([
    [{ ...ENVELOPE, user_id: undefined }, 'user_id'], [{ ...ENVELOPE, currency: undefined }, 'currency'], [{ ...ENVELOPE, user_id: 7 }, 'user_id'], [{ ...ENVELOPE, finished: 'yes' }, 'finished'],
    [{ ...ENVELOPE, game: undefined, actions: [bet(1)] }, 'game'], [{ ...ENVELOPE, game_id: null, finished: true }, 'game_id'], [{ ...ENVELOPE, actions: {} }, 'actions'],
    [{ ...ENVELOPE, actions: [bet('100')] }, 'actions.0.amount'], [{ ...ENVELOPE, actions: [bet(null)] }, 'actions.0.amount'], [{ ...ENVELOPE, actions: [{ action: 'bet', amount: 1 }] }, 'actions.0.action_id'],
    [{ ...ENVELOPE, actions: [win(1), bet(1, { action: 'tip' })] }, 'actions.1.action'], [{ ...ENVELOPE, actions: [bet(1), win(1, { action_id: 'b1' })] }, 'actions.1.action_id'],
    [{ ...ENVELOPE, actions: [bet(1, { action_id: 'x'.repeat(129) })] }, 'actions.0.action_id'], [{ ...ENVELOPE, actions: [bet(1, { action_id: 'a\u0000' })] }, 'actions.0.action_id'],
    [{ ...ENVELOPE, actions: Array.from({ length: 101 }, (_, i) => bet(1, { action_id: `b${i}` })) }, 'actions'],
  ])('of another form is turned away: %#', (body, field) => {
    expect(meant('play', body)).toBe(`REQUEST_INVALID ${field}`);
  });

  it('may say more than is known here: contributions, jackpots, whatever comes', () => {
    const body = { ...ENVELOPE, provider: 'x', actions: [bet(100, { jackpot_contribution: 0.25 }), win(250, { jackpot_win: 200, list: [{}] })] };
    expect(asked('play', body).request.actions.map(({ amount }: { amount: bigint }) => amount)).toEqual([1_000_000n, 2_500_000n]);
  });

  it('keeps ids byte for byte', () => {
    const ids = [' b', 'B', 'b', 'é', 'e\u0301', '0b', 'b '];
    const actions = ids.map((action_id) => bet(1, { action_id }));
    expect(asked('play', { ...ENVELOPE, actions }).request.actions.map(({ reference }: { reference: string }) => reference)).toEqual(ids);
  });
});

describe('a rollback', () => {
  it('of one action leaves currency to the original where it names none; of several it is all or nothing', () => {
    const one = { kind: 'rollback', reference: 'x1', original: 'b1' };
    expect(meant('rollback', BODIES.rollback)).toEqual({ ask: 'rollback', who: { player: 'p1' }, request: { ...one, currency: 'EUR' } });
    expect(meant('rollback', { user_id: 'p1', actions: [{ action: 'rollback', action_id: 'x1', original_action_id: 'b1' }] })).toEqual({ ask: 'rollback', who: { player: 'p1' }, request: one });
    const actions = [{ action: 'rollback', action_id: 'x2', original_action_id: 'w1' }, { action: 'rollback', action_id: 'x1', original_action_id: 'b1' }];
    expect(asked('rollback', { ...ENVELOPE, finished: true, actions })).toEqual({
      ask: 'play', who: { player: 'p1' }, currency: 'EUR',
      request: { currency: 'EUR', round: 'r1', closeRound: false, actions: [{ kind: 'rollback', reference: 'x2', original: 'w1', currency: 'EUR' }, { ...one, currency: 'EUR' }] },
    });
    expect(meant('rollback', { user_id: 'p1', actions })).toBe('REQUEST_INVALID');
  });
});

describe('a result of free rounds', () => {
  it('is an award under its issue, whatever its status; a total of nothing only reads', () => {
    for (const status of ['active', 'finished', 'expired', 'canceled']) {
      expect(asked('freespins', { ...BODIES.freespins, status })).toEqual({
        ask: 'win', who: { issue: 'i1' },
        request: { kind: 'win', reference: 'i1', operation: 'award', award: 'free_rounds', campaign: 'i1', currency: 'EUR', amount: 12_500_000n, closeRound: false },
      });
    }
    expect(meant('freespins', { ...BODIES.freespins, total_amount: 0 })).toEqual({ ask: 'balance', who: { issue: 'i1' } });
    expect(meant('freespins', { ...BODIES.freespins, user_id: 'p1', currency: 'EUR' })).toMatchObject({ who: { issue: 'i1', player: 'p1' }, currency: 'EUR' });
  });
});

describe('a captured body', () => {
  const paths = { balance: 'play', play: 'play', close: 'play', rollback: 'rollback', freespins: 'freespins' } as const;
  for (const [name, home] of Object.entries(paths)) {
    for (const other of ['play', 'rollback', 'freespins'].filter((path) => path !== home)) {
      it(`of a ${name} is turned away at /${other}`, () => {
        expect(typeof meant(home, BODIES[name])).toBe('object');
        expect(meant(other, BODIES[name])).toMatch(/^REQUEST_INVALID /);
      });
    }
  }

  it('of free rounds that names its player may at most read the balance at /play', () => {
    expect(meant('play', { ...BODIES.freespins, user_id: 'p1', currency: 'EUR' })).toEqual({ ask: 'balance', who: { player: 'p1' }, currency: 'EUR' });
  });
});

describe('an answer', () => {
  const receipt = (reference: string, outcome: Receipt['outcome'], id: string): Receipt =>
    ({ currency: 'EUR', balance: 12_500_009n, version: 3, transactionId: id, reference, operation: 'bet', status: outcome, outcome, amount: 0n, at: Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
  const rendered = (name: string, body: object, answer: object, ask: Partial<Ask>) =>
    JSON.parse(JSON.stringify(operationOf(name).render(answer as never, ask as Ask, contextOf(body)))) as unknown;

  it('names each transaction, with an empty tx_id where nothing moved, and cuts the balance toward zero', () => {
    const receipts = [receipt('b1', 'applied', 't1'), receipt('w1', 'tombstoned', 't2'), receipt('b2', 'ignored', 't3')];
    expect(rendered('play', BODIES.play as object, { currency: 'EUR', balance: 12_509_999n, version: 3, receipts }, { ask: 'play' })).toEqual({
      balance: 1250, game_id: 'r1',
      transactions: [['b1', 't1'], ['w1', ''], ['b2', '']].map(([action_id, tx_id]) => ({ action_id, tx_id, processed_at: '2026-01-02T03:04:05.006Z' })),
    });
    const undone = { ...receipt('x1', 'applied', 't9') };
    expect(rendered('rollback', BODIES.rollback as object, undone, { ask: 'rollback' }))
      .toEqual({ balance: 1250, game_id: 'r1', transactions: [{ action_id: 'x1', tx_id: 't9', processed_at: '2026-01-02T03:04:05.006Z' }] });
    expect(rendered('freespins', BODIES.freespins as object, undone, { ask: 'win' })).toEqual({ balance: 1250 });
    expect(rendered('play', BODIES.balance as object, { currency: 'BTC', balance: 2_100_000_000_000_000n, version: 1 }, { ask: 'balance' })).toEqual({ balance: 2_100_000_000_000_000, transactions: [] });
  });

  it('counts in the subunits that the account says, there and back', () => {
    const settings = Settings.parse({ currencies: { uBTC: { code: 'BTC', digits: 6 } } });
    const body = { ...ENVELOPE, currency: 'uBTC', actions: [bet(5)] };
    const ask = asked('play', body, 'BTC', { settings });
    expect([ask.currency, ask.request.actions[0].amount]).toEqual(['BTC', 500n]);
    const answer = operationOf('play').render({ currency: 'BTC', balance: 599n, version: 1 }, { ask: 'balance', who: {} }, contextOf(body, { settings }));
    expect(JSON.stringify(answer)).toBe('{"balance":5,"game_id":"r1","transactions":[]}');
    const fine = Settings.parse({ currencies: { BTC: { code: 'BTC', digits: 10 } } });
    expect(asked('play', { ...ENVELOPE, currency: 'BTC', actions: [bet(5)] }, 'BTC', { settings: fine })).toBe('AMOUNT_INVALID');
    expect(asked('play', { ...ENVELOPE, currency: 'BTC', actions: [win(5)] }, 'BTC', { settings: fine })).toBe('AMOUNT_TOO_FINE');
    expect(asked('play', { ...ENVELOPE, currency: 'constructor', actions: [win(5)] }).currency).toBe('constructor');
  });
});

describe('a refusal', () => {
  const VERDICTS: Record<RefusalCode, Verdict> = {
    INSUFFICIENT_FUNDS: 'insufficient-funds', PLAYER_NOT_FOUND: 'unknown-player', SESSION_NOT_FOUND: 'unknown-session', SESSION_EXPIRED: 'session-over',
    SESSION_SUPERSEDED: 'session-superseded', GAME_DISABLED: 'game-closed', PLAYER_BLOCKED: 'player-blocked', CURRENCY_MISMATCH: 'wrong-currency', GAME_NOT_FOUND: 'unknown-game',
    BET_NOT_FOUND: 'unknown-bet', ROLLED_BACK: 'rolled-back', TRANSACTION_CONFLICT: 'conflict', BET_ALREADY_SETTLED: 'bet-settled', ROUND_CLOSED: 'round-closed',
  };
  const SEAT: Seat = { player: 'p1', currency: 'EUR', token: 's1' };
  const said: Said = { say: 'bet', seat: SEAT, round: 'r1', game: 'studio:one', reference: 'b1', amount: '1.00' };
  const wallet = { currency: 'EUR', balance: 7_009_999n, version: 2 };

  it.each(Object.entries(VERDICTS) as [RefusalCode, Verdict][])('%s has its status and code, and the aggregator understands it as %s', (refused, verdict) => {
    const answer = softswiss.refuse({ refused, replayed: false, wallet }, contextOf(BODIES.play));
    const { status, code, message } = REFUSED[refused];
    expect([answer.status, JSON.parse(answer.body), answer.outcome]).toEqual([status, { code, message, balance: 700 }, refused]);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'x-request-id': 'q1' });
    const heard = softswissSpeaker.hear(said, answer);
    expect(heard.complaint).toBeUndefined();
    expect(heard.verdicts).toContain(verdict);
    expect(heard.balance).toBe('7.00');
    expect(status < 500).toBe(refused !== 'BET_ALREADY_SETTLED');
  });

  it('for an issue that is not known is 610, and of a named player 101', () => {
    const codeFor = (who: object, refused: RefusalCode = 'PLAYER_NOT_FOUND') => JSON.parse(softswiss.refuse({ refused, replayed: false }, contextOf({}, { ask: { ask: 'balance', who } })).body).code as number;
    expect([codeFor({ issue: 'i1' }), codeFor({ issue: 'i1', player: 'p1' }), codeFor({ player: 'p1' })]).toEqual([610, 101, 101]);
    expect([codeFor({ issue: 'i1' }, 'SESSION_NOT_FOUND'), codeFor({ issue: 'i1' }, 'CURRENCY_MISMATCH')]).toEqual([610, 154]);
  });

  it('for now is a 5xx, and only that: what may pass, or may have been applied, is never told for good', () => {
    const passing: Failure[] = ['AMOUNT_TOO_FINE', 'THROTTLED', 'OVERLOADED', 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'INTERNAL'];
    for (const [code, { status }] of Object.entries(FAILED) as [Failure, { status: number }][]) {
      const answer = softswiss.fail({ code, detail: 'd', headers: { allow: 'POST' } }, contextOf(undefined));
      const heard = softswissSpeaker.hear(said, answer);
      expect([code, status >= 500, heard.verdicts[0] === 'retry', heard.complaint]).toEqual([code, passing.includes(code), passing.includes(code), undefined]);
      expect(answer.headers).toMatchObject({ allow: 'POST', 'x-request-id': 'q1' });
    }
  });
});

describe('the aggregator’s side', () => {
  const seat: Seat = { player: 'p1', currency: 'EUR', token: 's1' };
  const told = { seat, round: 'r1', game: 'studio:one' };
  const SAID: Said[] = [
    { say: 'balance', seat }, { say: 'bet', ...told, reference: 'b', amount: '1.00' }, { say: 'win', ...told, reference: 'w', amount: '0.50', closes: true }, { say: 'close', ...told },
    { say: 'rollback', ...told, reference: 'x', original: 'b' }, { say: 'play', ...told, actions: [{ kind: 'bet', reference: 'b', amount: '90071992547409.93' }] },
    { say: 'award', seat, reference: 'a', amount: '5.00', award: 'total', campaign: 'c' }, { say: 'award', seat, reference: 'a', amount: '5.00', award: 'jackpot' },
  ];
  it.each(SAID)('says $say so that it is verified and understood', (said) => {
    const { path, headers, body } = softswissSpeaker.say(said, { authToken: TOKEN });
    expect(() => softswiss.verify({ method: 'POST', path, query: '', headers, body }, clientOf(TOKEN))).not.toThrow();
    expect(typeof meant(path.slice(1), body.toString())).toBe('object');
  });
  it('counts subunits exactly, and says what this wire cannot say', () => {
    expect(softswissSpeaker.say(SAID[5] as Said, { authToken: TOKEN }).body.toString()).toContain('"amount":9007199254740993');
    expect(['EUR', 'JPY', 'KWD', 'BTC', 'USDT'].map(softswissSpeaker.can.digits)).toEqual([2, 0, 3, 8, 2]);
    expect(() => softswissSpeaker.say({ say: 'authenticate', seat }, { authToken: TOKEN })).toThrow('no authentication');
    expect(() => softswissSpeaker.say({ say: 'bet', ...told, reference: 'b', amount: '0.001' }, { authToken: TOKEN })).toThrow('2 digits');
    expect(() => softswissSpeaker.secret({ authToken: 5 })).toThrow('authToken');
  });
});
