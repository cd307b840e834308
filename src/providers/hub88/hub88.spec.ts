import { describe, expect, it } from '@jest/globals';
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseExactJson } from '../../../libs/http/index.ts';
import type { Said, Seat, Verdict } from '../../conformance/contract.ts';
import { REFUSALS, type Receipt, type RefusalCode } from '../../wallet/contract.ts';
import { parsePolicy, Turned, type Ask, type Client, type Context, type Operation } from '../contract.ts';
import { hub88 } from './adapter.ts';
import { hub88Words } from './refusals.ts';
import type { Hub88Settings } from './schema.ts';
import { hub88Speaker } from './simulator.ts';

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const vectors = fixture('hub88-signatures.csv').trim().split('\n').slice(1).map((line) => line.split(';') as [string, string]);
const PUBLISHED = fixture('hub88-public.pem');

const ours = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = ours.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const signed = (body: string, key: KeyObject = ours.privateKey) => sign('sha256', Buffer.from(body), key).toString('base64');

const CURRENCIES = {
  EUR: { code: 'EUR', exponent: 2, scale: 6, maxAmount: 10n ** 15n }, JPY: { code: 'JPY', exponent: 0, scale: 6, maxAmount: 10n ** 17n },
  BTC: { code: 'BTC', exponent: 8, scale: 8, maxAmount: 21n * 10n ** 14n }, SHIB: { code: 'SHIB', exponent: 2, scale: 2, maxAmount: 10n ** 17n },
};
type Code = keyof typeof CURRENCIES;

const settings = (given: object = {}) => hub88.settings.parse(given);
const clientOf = (pems: readonly string[], given = {}) =>
  ({ account: {}, settings: settings(given), keys: pems.map(hub88.key) }) as unknown as Client<KeyObject, Hub88Settings>;
const call = (body: string | Buffer, signature?: unknown, header = 'x-hub88-signature') => ({
  method: 'POST', path: 'transaction/bet', query: '', body: Buffer.from(body),
  headers: { 'content-type': 'application/json', ...(signature === undefined ? {} : { [header]: signature as string }) },
});
const verdict = (body: string | Buffer, signature: unknown, client = clientOf([PEM]), header?: string): string => {
  try {
    hub88.verify(call(body, signature, header), client);
    return 'ok';
  } catch (error) {
    return error instanceof Turned ? error.code : String(error);
  }
};

const contextOf = (body: unknown, more: Partial<Context<Hub88Settings>> = {}): Context<Hub88Settings> => ({
  requestId: 'q1', policy: parsePolicy({}, hub88.policy), settings: settings(), body, currency: (code) => CURRENCIES[code as Code], player: 'p1', ...more,
});
const operationOf = (name: string) => hub88.operations.find((each) => each.name === name) as unknown as Operation<unknown, Hub88Settings>;

/** As the door does it: bytes, schema, meaning. What it is turned away with as this wire says it, else what the core is asked, priced. */
function asked(name: string, body: object | string, currency: Code = 'EUR', given: object = {}): any {
  const json = parseExactJson(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  const context = contextOf(json, { settings: settings(given) });
  const { request, read } = operationOf(name);
  const parsed = request.safeParse(json);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
    return JSON.parse(hub88.fail({ code: 'REQUEST_INVALID', detail: '', errors }, context).body).status;
  }
  try {
    const ask: Ask = read(parsed.data, context);
    return 'request' in ask && typeof ask.request === 'function' ? { ...ask, request: ask.request(CURRENCIES[currency]) } : ask;
  } catch (error) {
    if (error instanceof Turned) return error.code;
    throw error;
  }
}

const BET = {
  user: 'p1', transaction_uuid: 't1', supplier_transaction_id: 's1', token: 'k1', supplier_user: null, round_closed: null, round: 'r1', reward_uuid: null,
  request_uuid: 'q1', is_free: false, is_supplier_promo: false, is_aggregated: false, game_code: 'g1', currency: 'EUR', bet: 'zero', amount: 356_000, meta: { any: ['thing'] },
};
const WIN = { ...BET, transaction_uuid: 't2', reference_transaction_uuid: 't1' };
const ROLLBACK = { user: 'p1', transaction_uuid: 't3', reference_transaction_uuid: 't1', token: 'k1', round: 'r1', round_closed: true, request_uuid: 'q1', game_code: 'g1' };
const BALANCE = { user: 'p1', token: 'k1', game_code: 'g1', request_uuid: 'q1' };
const without = (body: object, field: string) => Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));

describe('Hub88’s signature', () => {
  it.each(vectors)('is verified as published: %.20s', (data, signature) => {
    expect(verdict(data, signature, clientOf([PUBLISHED]))).toBe('ok');
  });

  it('fits no other body: not another vector’s, not with one byte changed anywhere, not written with spaces or in another order', () => {
    const [, , , [body, signature]] = vectors as [unknown, unknown, unknown, [string, string]];
    const client = clientOf([PUBLISHED]);
    for (const [other] of vectors) if (other !== body) expect(verdict(other, signature, client)).toBe('SIGNATURE_INVALID');
    for (let i = 0; i < body.length; i++) {
      const changed = Buffer.from(body);
      changed[i] = (changed[i] as number) ^ 1;
      expect(verdict(changed, signature, client)).toBe('SIGNATURE_INVALID');
    }
    const fields = JSON.parse(body) as object;
    expect(verdict(JSON.stringify(fields), signature, client)).toBe('ok');
    expect(verdict(JSON.stringify(fields, null, 1), signature, client)).toBe('SIGNATURE_INVALID');
    expect(verdict(JSON.stringify(Object.fromEntries(Object.entries(fields).reverse())), signature, client)).toBe('SIGNATURE_INVALID');
    expect(verdict(`${body} `, signature, client)).toBe('SIGNATURE_INVALID');
  });

  it('has one spelling: standard base64, padded, and nothing around it', () => {
    const right = signed('x');
    const spellings = [right.replaceAll('+', '-').replaceAll('/', '_'), right.replace(/=+$/, ''), `${right}=`, ` ${right}`, `${right}\n`, `${right}, ${right}`, '', '====', 'nonsense', '!', undefined, [right]];
    expect(verdict('x', right)).toBe('ok');
    for (const spelling of spellings.filter((each) => each !== right)) expect([spelling, verdict('x', spelling)]).toEqual([spelling, 'SIGNATURE_INVALID']);
    expect(verdict('x', Buffer.from(right, 'base64').subarray(1).toString('base64'))).toBe('SIGNATURE_INVALID');
  });

  it('may be of any live key, in the header that the account names', () => {
    expect(verdict('x', signed('x'), clientOf([PUBLISHED, PEM]))).toBe('ok');
    expect(verdict('x', signed('x'), clientOf([PUBLISHED]))).toBe('SIGNATURE_INVALID');
    expect(verdict('x', signed('x'), clientOf([]))).toBe('KEY_UNKNOWN');
    expect(verdict('x', signed('x'), clientOf([PEM], { header: 'X-Niropa-Signature' }), 'x-niropa-signature')).toBe('ok');
    expect(verdict('x', signed('x'), clientOf([PEM], { header: 'X-Niropa-Signature' }))).toBe('SIGNATURE_INVALID');
  });

  it('is checked against a public RSA key of 2,048 bits or more, and nothing else is taken for one', () => {
    const pem = (key: KeyObject, type: 'spki' | 'pkcs1' = 'spki') => key.export({ type, format: 'pem' }).toString();
    expect(hub88.key(pem(createPublicKey(PEM), 'pkcs1')).asymmetricKeyType).toBe('rsa');
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => hub88.key(pem(small.publicKey))).toThrow('2,048');
    expect(() => hub88.key(pem(curve.publicKey))).toThrow('2,048');
    const broken = PEM.replace(/[A-Za-z0-9]{40}/, '');
    for (const wrong of [ours.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), '', 'secret-1', broken]) {
      expect(() => hub88.key(wrong)).toThrow(/public key/);
      try { hub88.key(wrong); } catch (error) { if (wrong) expect(String(error)).not.toContain(wrong.slice(30, 60) || wrong); }
    }
  });
});

describe('Hub88’s calls', () => {
  it('say a bet of 3.56 as 356000, and what only tells a story is not looked at', () => {
    expect(asked('bet', BET)).toEqual({
      ask: 'bet', who: { player: 'p1', token: 'k1' }, currency: 'EUR',
      request: { kind: 'bet', reference: 't1', currency: 'EUR', amount: 3_560_000n, free: false, campaign: undefined, game: 'g1', round: 'r1', closeRound: false },
    });
    expect(asked('bet', { ...BET, round_closed: true }).request.closeRound).toBe(true);
    expect(asked('bet', { ...BET, unheard_of: [1] })).toEqual(asked('bet', BET));
  });

  it('say a win by its bet, a rollback without amount and currency, of a bet only', () => {
    expect(asked('win', { ...WIN, amount: 0, round_closed: true }).request).toEqual({
      kind: 'win', reference: 't2', currency: 'EUR', amount: 0n, game: 'g1', round: 'r1', bet: 't1', closeRound: true,
    });
    expect(asked('rollback', ROLLBACK)).toEqual({
      ask: 'rollback', who: { player: 'p1', token: 'k1' }, request: { reference: 't3', original: 't1', originalType: 'bet', round: 'r1' },
    });
    expect(asked('balance', BALANCE)).toEqual({ ask: 'balance', who: { player: 'p1', token: 'k1' } });
    expect(asked('info', { user: 'p1', request_uuid: 'q1' })).toEqual({ ask: 'session', who: { player: 'p1' } });
  });

  it('make a bet without a round a round of its own, in which its win is paid', () => {
    expect([asked('bet', { ...BET, round: null }).request.round, asked('win', { ...WIN, round: null }).request.round]).toEqual(['t1', 't1']);
  });

  it('say a free bet with its reward, and a supplier’s prize as a bet of nothing in no session and a prize that names it', () => {
    expect(asked('bet', { ...BET, is_free: true, reward_uuid: 'w1' }).request).toMatchObject({ free: true, campaign: 'w1', amount: 3_560_000n });
    const prize = asked('bet', { ...BET, amount: 0, is_supplier_promo: true });
    expect([prize.who, prize.request.free, prize.request.amount]).toEqual([{ player: 'p1' }, true, 0n]);
    expect(asked('win', { ...WIN, is_supplier_promo: true }).request).toMatchObject({ award: 'tournament', bet: 't1' });
    expect(asked('win', { ...WIN, is_free: true, reward_uuid: 'w1' }).request).toEqual(asked('win', WIN).request);
  });

  it('tell amounts that are none from amounts that the currency cannot hold; a win of those is owed', () => {
    for (const amount of ['-1', '1.5', '1e5', '1.0', '100000000000000000000000000000000000000000', '10000000000000001']) {
      for (const name of ['bet', 'win'] as const) expect([amount, asked(name, JSON.stringify(name === 'bet' ? BET : WIN).replace('356000', amount))]).toEqual([amount, 'AMOUNT_INVALID']);
    }
    for (const amount of ['"356000"', 'true', '[1]', '{}', 'null']) expect([amount, asked('bet', JSON.stringify(BET).replace('356000', amount))]).toEqual([amount, 'RS_ERROR_WRONG_TYPES']);
    expect(asked('bet', { ...BET, amount: 0 }).request.amount).toBe(0n);
    expect(asked('bet', { ...BET, currency: 'SHIB', amount: 1_000 }, 'SHIB').request.amount).toBe(1n);
    expect(asked('bet', { ...BET, currency: 'SHIB', amount: 1_001 }, 'SHIB')).toBe('AMOUNT_INVALID');
    expect(asked('win', { ...WIN, currency: 'SHIB', amount: 1_001 }, 'SHIB')).toBe('AMOUNT_TOO_FINE');
    expect(asked('bet', { ...BET, currency: 'JPY', amount: 1 }, 'JPY').request.amount).toBe(10n);
    expect(asked('bet', JSON.stringify(BET).replace('356000', '99999999999999')).request.amount).toBe(999_999_999_999_990n);
  });

  it('may name currencies otherwise: 356000 mBTC of 10^-5 is 0.00356 BTC', () => {
    const given = { currencies: { mBTC: { code: 'BTC', digits: 8 } } };
    expect(asked('bet', { ...BET, currency: 'mBTC' }, 'BTC', given)).toMatchObject({ currency: 'BTC', request: { currency: 'BTC', amount: 356_000n } });
    expect(asked('bet', { ...BET, currency: 'BTC' }, 'BTC', given)).toMatchObject({ currency: 'BTC', request: { amount: 356_000_000n } });
    expect(asked('bet', { ...BET, currency: 'constructor' }, 'EUR', given)).toMatchObject({ currency: 'constructor' });
    expect(hub88.settings.safeParse({ currency: {} }).success).toBe(false);
  });

  it('lack a field: WRONG_SYNTAX; have one of another type: WRONG_TYPES', () => {
    const needed = { bet: ['user', 'transaction_uuid', 'token', 'request_uuid', 'game_code', 'currency', 'amount'], rollback: ['user', 'transaction_uuid', 'reference_transaction_uuid', 'token', 'request_uuid'] };
    for (const field of needed.bet) expect([field, asked('bet', without(BET, field))]).toEqual([field, 'RS_ERROR_WRONG_SYNTAX']);
    for (const field of [...needed.bet, 'reference_transaction_uuid']) expect([field, asked('win', without(WIN, field))]).toEqual([field, 'RS_ERROR_WRONG_SYNTAX']);
    for (const field of needed.rollback) expect([field, asked('rollback', without(ROLLBACK, field))]).toEqual([field, 'RS_ERROR_WRONG_SYNTAX']);
    for (const [field, value] of [['user', 7], ['round', 1], ['is_free', 'no'], ['round_closed', 1], ['transaction_uuid', ''], ['token', 'a'.repeat(129)], ['game_code', 'a\u0000']] as const) {
      expect([field, asked('bet', { ...BET, [field]: value })]).toEqual([field, 'RS_ERROR_WRONG_TYPES']);
    }
    expect(asked('bet', without({ ...BET, amount: '1' }, 'user'))).toBe('RS_ERROR_WRONG_SYNTAX');
    for (const body of ['[]', '1', 'null', '"x"', '{}']) expect([body, asked('bet', body)]).toEqual([body, 'RS_ERROR_WRONG_SYNTAX']);
  });

  it('sent to another path are no calls of it, or only tell a balance', () => {
    const bodies = { info: { user: 'p1', request_uuid: 'q1' }, balance: BALANCE, bet: BET, win: WIN, rollback: ROLLBACK };
    const moves = ['bet', 'win', 'rollback'] as const;
    for (const [name, body] of Object.entries(bodies)) {
      for (const path of moves) if (path !== name) expect([name, path, asked(path, body)]).toEqual([name, path, 'RS_ERROR_WRONG_SYNTAX']);
    }
    expect(asked('win', { ...WIN, amount: 0, is_supplier_promo: true })).toMatchObject({ ask: 'win' });
    expect(asked('bet', { ...WIN, amount: 0, is_supplier_promo: true })).toBe('RS_ERROR_WRONG_SYNTAX');
    expect(asked('bet', { ...BET, reference_transaction_uuid: null })).toMatchObject({ ask: 'bet' });
  });
});

describe('Hub88’s answers', () => {
  const receipt: Receipt = {
    currency: 'EUR', balance: 100_000_019n, version: 7, transactionId: 'x', reference: 't1', operation: 'bet', status: 'applied', outcome: 'applied', amount: 3_560_000n, at: 0,
  };
  const rendered = (name: string, answer: object, body: object, more: Partial<Context<Hub88Settings>> = {}) =>
    operationOf(name).render(answer as Receipt, undefined as never, contextOf(body, more)) as { status: number; body: string; headers: Record<string, string>; outcome: string };

  it('tell the balance × 100 000, cut off and never rounded up', () => {
    const answer = rendered('bet', receipt, BET);
    expect(JSON.parse(answer.body)).toEqual({ user: 'p1', status: 'RS_OK', request_uuid: 'q1', currency: 'EUR', balance: 10_000_001 });
    expect([answer.status, answer.outcome, answer.headers['content-type'], answer.headers['x-wallet-version'], answer.headers['x-request-id']]).toEqual([200, 'applied', 'application/json', '7', 'q1']);
    expect(JSON.parse(rendered('bet', { ...receipt, status: 'replayed' }, BET).body)).toEqual(JSON.parse(answer.body));
    expect(rendered('balance', { currency: 'EUR', balance: 10n ** 18n, version: 1 }, BALANCE).body).toContain('"balance":100000000000000000}');
  });

  it('tell it in the currency that the call named', () => {
    const given = { settings: settings({ currencies: { mBTC: { code: 'BTC', digits: 8 } } }) };
    const wallet = { ...receipt, currency: 'BTC', balance: 150_000_000n };
    const told = (body: object) => { const { currency, balance } = JSON.parse(rendered('bet', wallet, body, given).body); return [currency, balance]; };
    expect([told({ ...BET, currency: 'mBTC' }), told({ ...BET, currency: 'BTC' }), told(BALANCE)]).toEqual([['mBTC', 150_000_000], ['BTC', 150_000], ['mBTC', 150_000_000]]);
  });

  it('tell who a player is, as far as it is known', () => {
    expect(rendered('info', { ...receipt, player: 'p1', token: '', country: 'MT' }, { user: 'p1', request_uuid: 'q1' })).toEqual({ user: 'p1', status: 'RS_OK', request_uuid: 'q1', country: 'MT', jurisdiction: undefined });
  });

  it('to a rollback of nothing are RS_OK, unless the account’s policy wants it said', () => {
    const nothing = { ...receipt, operation: 'rollback', status: 'tombstoned', outcome: 'tombstoned' } as const;
    const refused = { ...receipt, operation: 'rollback', status: 'ignored', outcome: 'ignored', ignoredBecause: 'refused' } as const;
    const word = (answer: object, policy: object) => JSON.parse(rendered('rollback', answer, ROLLBACK, { policy: parsePolicy(policy, hub88.policy) }).body).status;
    expect([word(nothing, {}), word(refused, {})]).toEqual(['RS_OK', 'RS_OK']);
    expect([word(nothing, { rollbackUnknown: 'not-found' }), word(refused, { rollbackUnknown: 'not-found' })]).toEqual(['RS_ERROR_TRANSACTION_DOES_NOT_EXIST', 'RS_OK']);
    expect([word(nothing, { rollbackOfRefused: 'failed' }), word(refused, { rollbackOfRefused: 'failed' })]).toEqual(['RS_OK', 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST']);
  });

  it.each(Object.keys(REFUSALS) as RefusalCode[])('to %s are HTTP 200, a code and the call’s id, and of lacking funds the balance', (refused) => {
    const wallet = { currency: 'EUR', balance: 1_000_000n, version: 3 };
    const answer = hub88.refuse({ refused, replayed: false, wallet }, contextOf(BET));
    const body = JSON.parse(answer.body);
    expect([answer.status, answer.outcome, body.status, body.request_uuid]).toEqual([200, refused, hub88Words.refusals[refused], 'q1']);
    expect(body.balance).toBe(refused === 'INSUFFICIENT_FUNDS' ? 100_000 : undefined);
    expect(body.status).not.toBe('RS_OK');
  });

  it('are the words that Hub88 acts on: what is over for good says why, and no more than a closed round is said to be unknown', () => {
    const words: Record<RefusalCode, Verdict> = {
      INSUFFICIENT_FUNDS: 'insufficient-funds', PLAYER_NOT_FOUND: 'unknown-player', SESSION_NOT_FOUND: 'unknown-session', SESSION_EXPIRED: 'session-over', SESSION_SUPERSEDED: 'session-superseded',
      GAME_NOT_FOUND: 'unknown-game', GAME_DISABLED: 'game-closed', PLAYER_BLOCKED: 'player-blocked', CURRENCY_MISMATCH: 'wrong-currency', BET_NOT_FOUND: 'unknown-bet',
      ROLLED_BACK: 'rolled-back', TRANSACTION_CONFLICT: 'conflict', BET_ALREADY_SETTLED: 'bet-settled', ROUND_CLOSED: 'retry',
    };
    const said: Said = { say: 'bet', seat: { player: 'p1', currency: 'EUR', token: 'k1' }, round: 'r1', game: 'g1', reference: 't1', amount: '3.56' };
    for (const [refused, verdict] of Object.entries(words) as [RefusalCode, Verdict][]) {
      const answer = hub88.refuse({ refused, replayed: false, wallet: { currency: 'EUR', balance: 1n, version: 3 } }, contextOf(BET));
      expect([refused, hub88Speaker.hear(said, answer).verdicts]).toEqual([refused, expect.arrayContaining([verdict])]);
    }
  });

  it('to whatever may have been done, or will be, make a bet rolled back and a win come again', () => {
    for (const code of ['INTERNAL', 'OVERLOADED', 'UNAVAILABLE', 'OUTCOME_UNKNOWN', 'THROTTLED', 'AMOUNT_TOO_FINE', 'METHOD_NOT_ALLOWED', 'ROUTE_NOT_FOUND', 'MEDIA_TYPE_UNSUPPORTED'] as const) {
      const answer = hub88.fail({ code, detail: '', headers: { 'retry-after': '1' } }, contextOf(undefined));
      expect([code, answer.status, JSON.parse(answer.body), answer.headers['retry-after']]).toEqual([code, 200, { status: 'RS_ERROR_UNKNOWN', request_uuid: '' }, '1']);
    }
  });

  it('bear the call’s id also where nobody vouches for its bytes, or they are no JSON', () => {
    const broken = '{"request_uuid": "583c985f-fee6-4c0e-bbf5-308aad6265af", "amount": 1,,}';
    const told = (error: unknown) => (error instanceof Turned ? JSON.parse(hub88.fail(error, contextOf(undefined)).body) : error);
    for (const [what, status] of [[() => hub88.verify(call(broken, 'AAAA'), clientOf([PEM])), 'RS_ERROR_INVALID_SIGNATURE'], [() => hub88.verify(call(broken), clientOf([])), 'RS_ERROR_INVALID_PARTNER'],
      [() => hub88.parse?.({ ...call(broken), headers: { 'content-type': 'text/plain' } }), 'RS_ERROR_UNKNOWN']] as const) {
      try {
        what();
        throw new Error('it went through');
      } catch (error) {
        expect(told(error)).toEqual({ status, request_uuid: '583c985f-fee6-4c0e-bbf5-308aad6265af' });
      }
    }
    const unread = hub88.parse?.(call(broken));
    for (const { request } of hub88.operations) expect(request.safeParse(unread).success).toBe(false);
    expect(JSON.parse(hub88.fail({ code: 'REQUEST_INVALID', detail: '', errors: [{ field: 'user', message: 'missing' }] }, contextOf(unread)).body))
      .toEqual({ status: 'RS_ERROR_WRONG_SYNTAX', request_uuid: '583c985f-fee6-4c0e-bbf5-308aad6265af' });
    expect(hub88.parse?.(call('{"request_uuid":"a\\u0022"')) as object).toEqual({ request_uuid: undefined });
  });
});

describe('Hub88’s speaker', () => {
  const secret = hub88Speaker.secret({ privateKeyPem: ours.privateKey.export({ type: 'pkcs8', format: 'pem' }), header: 'X-Hub88-Signature' });
  const seat: Seat = { player: 'p1', currency: 'EUR', token: 'k1' };
  const bet: Said = { say: 'bet', seat, round: 'r1', game: 'g1', reference: 't1', amount: '3.56' };
  const sayings: Said[] = [{ say: 'balance', seat }, bet, { ...bet, free: { campaign: 'w1' }, closes: true },
    { ...bet, say: 'win', reference: 't2', bet: 't1' }, { say: 'rollback', seat, round: 'r1', game: 'g1', reference: 't3', original: 't1' }];
  const heard = (said: Said, body: object | string, status = 200) => hub88Speaker.hear(said, { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) });
  const idOf = (said: Said) => JSON.parse(hub88Speaker.say(said, secret).body.toString()).request_uuid as string;

  it('says what the adapter understands, signed', () => {
    for (const said of sayings) {
      const wire = hub88Speaker.say(said, secret);
      expect(verdict(wire.body, wire.headers['x-hub88-signature'])).toBe('ok');
      expect(asked(wire.path.split('/').at(-1) as string, wire.body.toString())).toMatchObject({ ask: said.say });
    }
    expect(asked('bet', hub88Speaker.say(bet, secret).body.toString())).toEqual(asked('bet', BET));
    expect(asked('bet', hub88Speaker.say(sayings[2] as Said, secret).body.toString()).request).toMatchObject({ free: true, campaign: 'w1', closeRound: true });
    expect(idOf(bet)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(idOf(bet)).not.toBe(idOf(bet));
    const attack = hub88Speaker.sign(hub88Speaker.say(bet, secret), Buffer.from('{}'), secret);
    expect(verdict('{}', attack.headers['x-hub88-signature'])).toBe('ok');
  });

  it('cannot say what this wire has no words for, nor with a secret that is none', () => {
    for (const say of ['authenticate', 'close'] as const) expect(() => hub88Speaker.say({ say, seat } as Said, secret)).toThrow(`Hub88 cannot say ${say}`);
    for (const amount of ['0.000001', '-1', '1e5', '']) expect(() => hub88Speaker.say({ ...bet, amount }, secret)).toThrow('cannot say the amount');
    for (const value of [null, {}, { privateKeyPem: 'x' }, { privateKeyPem: 7 }]) expect(() => hub88Speaker.secret(value)).toThrow('privateKeyPem');
  });

  it('hears each code, and what is wrong with an answer', () => {
    const ok = { user: 'p1', status: 'RS_OK', request_uuid: idOf(bet), currency: 'EUR', balance: 10_000_001 };
    expect(heard(bet, ok)).toEqual({ verdicts: ['ok'], balance: '100.00001', currency: 'EUR' });
    expect(heard(bet, '{"user":"p1","status":"RS_OK","request_uuid":"ID","currency":"EUR","balance":123456789012345678901}'.replace('ID', idOf(bet))).balance).toBe('1234567890123456.78901');
    for (const [change, complaint] of [[{ request_uuid: 'other' }, 'request_uuid'], [{ user: 'p2' }, 'user'], [{ currency: 'USD' }, 'currency'], [{ balance: '1' }, 'balance'], [{ balance: -1 }, 'balance'], [{ balance: 1.5 }, 'balance']] as const) {
      expect(heard(bet, { ...ok, ...change }).complaint).toContain(complaint);
    }
    const verdictsOf = (code: string): readonly Verdict[] => heard(bet, { status: code, request_uuid: idOf(bet) }).verdicts;
    for (const code of new Set([...Object.values(hub88Words.refusals), ...Object.values(hub88Words.failures)])) expect([code, verdictsOf(code)]).not.toEqual([code, ['not-understood']]);
    expect([verdictsOf('RS_ERROR_UNKNOWN')[0], verdictsOf('RS_ERROR_TIMEOUT')[0], verdictsOf('constructor')[0]]).toEqual(['retry', 'not-understood', 'not-understood']);
    expect(heard(bet, { status: 'RS_ERROR_NOT_ENOUGH_MONEY', request_uuid: idOf(bet) }).complaint).toContain('without the balance');
    for (const body of ['', '<html>', '[]', 'null', '1']) expect(heard(bet, body).verdicts).toEqual(['not-understood']);
    expect(heard(bet, ok, 502)).toEqual({ verdicts: ['retry'], complaint: 'HTTP 502 instead of 200' });
  });
});
