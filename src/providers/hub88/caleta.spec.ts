import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseExactJson } from '../../../libs/http/index.ts';
import type { Said, Seat } from '../../conformance/contract.ts';
import { FAULTS, REFUSALS, type RefusalCode } from '../../wallet/contract.ts';
import { parsePolicy, Turned, type Ask, type Client, type Context, type Failure, type Operation } from '../contract.ts';
import { caleta, hub88 } from './adapter.ts';
import { caletaWords } from './refusals.ts';
import type { Hub88Settings } from './schema.ts';
import { caletaSpeaker } from './simulator.ts';

// What Caleta has that Hub88 has not; the rest is one adapter, and hub88.spec.ts looks at it.

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const vectors = fixture('caleta-signatures.csv').trimEnd().split('\n').slice(1).map((line) => line.split(';') as [string, string]);
const EUR = { code: 'EUR', exponent: 2, scale: 6, maxAmount: 10n ** 15n };

const clientOf = (...pems: string[]) => ({ account: {}, settings: caleta.settings.parse({}), keys: pems.map(caleta.key) }) as unknown as Client<KeyObject, Hub88Settings>;
const verdict = (body: string | Buffer, headers: Record<string, string>, client: Client<KeyObject, Hub88Settings>): string => {
  try {
    caleta.verify({ method: 'POST', path: 'wallet/bet', query: '', headers, body: Buffer.from(body) }, client);
    return 'ok';
  } catch (error) {
    return error instanceof Turned ? error.code : String(error);
  }
};
const contextOf = (body: unknown): Context<Hub88Settings> => ({
  requestId: 'q1', policy: parsePolicy({}, caleta.policy), settings: caleta.settings.parse({}), body, currency: (code) => (code === 'EUR' ? EUR : undefined), player: 'p1',
});

function asked(name: string, body: object | string): any {
  const json = parseExactJson(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  const { request, read } = caleta.operations.find((each) => each.name === name) as unknown as Operation<unknown, Hub88Settings>;
  const parsed = request.safeParse(json);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
    return JSON.parse(caleta.fail({ code: 'REQUEST_INVALID', detail: '', errors }, contextOf(json)).body).status;
  }
  const ask: Ask = read(parsed.data, contextOf(json));
  return 'request' in ask && typeof ask.request === 'function' ? { ...ask, request: ask.request(EUR) } : ask;
}

const BALANCE = { token: 'k1', request_uuid: 'q1', supplier_user: 'p1', game_code: 'g1' };
const BET = { ...BALANCE, transaction_uuid: 't1', round_closed: false, round: 'r1', is_free: false, game_id: 7, currency: 'EUR', bet: 'Extra balls n1', amount: 100_000 };
const WIN = { ...BET, transaction_uuid: 't2', reference_transaction_uuid: 't1', round_closed: true, jackpot_win: 50_000 };
const ROLLBACK = { token: 'k1', transaction_uuid: 't3', round_closed: true, round: 'r1', request_uuid: 'q1', reference_transaction_uuid: 't1', is_free: false, game_code: 'g1', user: 'p1' };
const without = (body: object, field: string) => Object.fromEntries(Object.entries(body).filter(([name]) => name !== field));

describe('Caleta’s signature', () => {
  it.each(vectors)('is verified as published, also of nothing: "%.12s"', (data, signature) => {
    const client = clientOf(fixture('caleta-public.pem'));
    expect(verdict(data, { 'x-auth-signature': signature }, client)).toBe('ok');
    expect(verdict(data, { 'x-auth-signature': signature, 'x-msg-timestamp': 'whenever' }, client)).toBe('ok');
    expect(verdict(data, { 'x-hub88-signature': signature }, client)).toBe('SIGNATURE_INVALID');
    expect(verdict(`${data} `, { 'x-auth-signature': signature }, client)).toBe('SIGNATURE_INVALID');
  });

  it('with one byte changed anywhere in the body fits no more', () => {
    const [[body, signature]] = vectors as [[string, string]];
    const client = clientOf(fixture('caleta-public.pem'));
    for (let i = 0; i < body.length; i++) {
      const changed = Buffer.from(body);
      changed[i] = (changed[i] as number) ^ 1;
      expect(verdict(changed, { 'x-auth-signature': signature }, client)).toBe('SIGNATURE_INVALID');
    }
  });
});

describe('Caleta’s calls', () => {
  it('name the player as supplier_user, or only by the token', () => {
    expect(asked('bet', BET)).toEqual({
      ask: 'bet', who: { player: 'p1', token: 'k1' }, currency: 'EUR',
      request: { kind: 'bet', reference: 't1', currency: 'EUR', amount: 1_000_000n, free: false, campaign: undefined, game: 'g1', round: 'r1', closeRound: false },
    });
    expect(asked('bet', { ...BET, supplier_user: null }).who).toEqual({ player: undefined, token: 'k1' });
    expect([asked('rollback', ROLLBACK).who, asked('rollback', without(ROLLBACK, 'user')).who]).toEqual([{ player: 'p1', token: 'k1' }, { player: undefined, token: 'k1' }]);
    expect(asked('check', { token: 'k1' })).toEqual({ ask: 'session', who: { token: 'k1' } });
  });

  it('say a free bet by its campaign; a jackpot is a part of the win’s amount', () => {
    expect(asked('bet', { ...BET, is_free: true, campaign_uuid: 'c1', reward_uuid: 'w1' }).request).toMatchObject({ free: true, campaign: 'c1', amount: 1_000_000n });
    expect(asked('win', WIN).request).toEqual({ kind: 'win', reference: 't2', currency: 'EUR', amount: 1_000_000n, game: 'g1', round: 'r1', bet: 't1', closeRound: true });
    expect(asked('win', { ...WIN, is_supplier_promo: true }).request.award).toBe(undefined);
  });

  it('lack a field: WRONG_SYNTAX; have one of another type: WRONG_TYPES', () => {
    for (const field of Object.keys(BET).filter((name) => !['game_id', 'bet'].includes(name))) expect([field, asked('bet', without(BET, field))]).toEqual([field, 'RS_ERROR_WRONG_SYNTAX']);
    for (const field of Object.keys(ROLLBACK).filter((name) => !['is_free', 'user'].includes(name))) expect([field, asked('rollback', without(ROLLBACK, field))]).toEqual([field, 'RS_ERROR_WRONG_SYNTAX']);
    for (const field of Object.keys(BALANCE)) expect([field, asked('balance', without(BALANCE, field))]).toEqual([field, 'RS_ERROR_WRONG_SYNTAX']);
    for (const [field, value] of [['amount', '100000'], ['is_free', 'false'], ['round_closed', 0], ['supplier_user', 7], ['round', '']] as const) {
      expect([field, asked('bet', { ...BET, [field]: value })]).toEqual([field, 'RS_ERROR_WRONG_TYPES']);
    }
  });

  it('sent to another path are no calls of it, or only tell a balance', () => {
    const bodies = { balance: BALANCE, bet: BET, win: WIN, rollback: ROLLBACK };
    for (const path of ['check', 'bet', 'win', 'rollback']) {
      for (const [name, body] of Object.entries({ ...bodies, check: { token: 'k1' } })) {
        if (path !== name) expect([name, path, asked(path, body)]).toEqual([name, path, 'RS_ERROR_WRONG_SYNTAX']);
      }
    }
  });
});

describe('Caleta’s answers', () => {
  /** On these a bet is forgotten without a rollback. */
  const DISCARDS = ['INVALID_TOKEN', 'INVALID_GAME', 'WRONG_CURRENCY', 'NOT_ENOUGH_MONEY', 'USER_DISABLED', 'INVALID_SIGNATURE', 'WRONG_SYNTAX', 'WRONG_TYPES', 'DUPLICATE_TRANSACTION', 'BET_LIMIT_EXCEEDED'];
  /** On these a win stops coming. */
  const FREEZES = ['INVALID_TOKEN', 'INVALID_GAME', 'USER_DISABLED', 'WRONG_CURRENCY', 'DUPLICATE_TRANSACTION', 'TRANSACTION_DOES_NOT_EXIST', 'TRANSACTION_ROLLED_BACK'];
  const word = (code: Failure) => caletaWords.failures[code].replace('RS_ERROR_', '');

  it('are never a code that ends a call for good where an earlier attempt may have been applied', () => {
    const passing: Failure[] = [...(Object.keys(FAULTS) as (keyof typeof FAULTS)[]), 'THROTTLED', 'KEY_UNKNOWN', 'FORBIDDEN', 'MEDIA_TYPE_UNSUPPORTED', 'METHOD_NOT_ALLOWED', 'ROUTE_NOT_FOUND', 'TIMESTAMP_OUT_OF_RANGE', 'AMOUNT_TOO_FINE'];
    for (const code of passing) expect([code, word(code), DISCARDS.includes(word(code)) || FREEZES.includes(word(code))]).toEqual([code, expect.stringMatching(/^(UNKNOWN|TIMEOUT)$/), false]);
    expect(word('OUTCOME_UNKNOWN')).toBe('TIMEOUT');
  });

  it('make an end of a win only where the wallet has refused it', () => {
    for (const code of ['REQUEST_INVALID', 'AMOUNT_INVALID', 'BODY_TOO_LARGE', 'SIGNATURE_INVALID'] as const) expect([code, FREEZES.includes(word(code))]).toEqual([code, false]);
  });

  it('are Caleta’s own words: no partner and no limit of Hub88’s', () => {
    const words = [...Object.values(caletaWords.refusals), ...Object.values(caletaWords.failures)] as string[];
    expect(words.filter((each) => ['RS_ERROR_INVALID_PARTNER', 'RS_ERROR_LIMIT_REACHED', 'RS_OK'].includes(each))).toEqual([]);
    const differing = (Object.keys(REFUSALS) as RefusalCode[]).filter((refused) => {
      const told = [caleta, hub88].map(({ refuse }) => JSON.parse(refuse({ refused, replayed: false }, contextOf(BET)).body).status as string);
      return told[0] !== told[1];
    });
    expect([differing, caletaWords.refusals.ROLLED_BACK]).toEqual([['ROLLED_BACK'], 'RS_ERROR_TRANSACTION_ROLLED_BACK']);
  });

  it('to a check are the token to go on with', () => {
    const check = caleta.operations.find(({ name }) => name === 'check') as unknown as Operation<unknown, Hub88Settings>;
    expect(check.render({ currency: 'EUR', balance: 1n, version: 1, player: 'p1', token: 'k2' }, undefined as never, contextOf({ token: 'k1' }))).toEqual({ token: 'k2' });
  });
});

describe('Caleta’s speaker', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secret = caletaSpeaker.secret({ privateKeyPem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) });
  const client = clientOf(pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  const seat: Seat = { player: 'p1', currency: 'EUR', token: 'k1' };
  const bet: Said = { say: 'bet', seat, round: 'r1', game: 'g1', reference: 't1', amount: '1.00' };
  const sayings: Said[] = [{ say: 'authenticate', seat }, { say: 'balance', seat }, bet, { ...bet, say: 'win', reference: 't2', bet: 't1' }, { say: 'rollback', seat, round: 'r1', game: 'g1', reference: 't3', original: 't1' }];

  it('says what the adapter understands, signed', () => {
    for (const said of sayings) {
      const { path, headers, body } = caletaSpeaker.say(said, secret);
      expect(verdict(body, headers, client)).toBe('ok');
      const name = path.replace('/wallet/', '');
      expect(asked(name, body.toString())).toMatchObject({ ask: said.say === 'authenticate' ? 'session' : said.say });
    }
    expect(asked('bet', caletaSpeaker.say(bet, secret).body.toString())).toEqual(asked('bet', BET));
    expect(() => caletaSpeaker.say({ say: 'close', seat, round: 'r1', game: 'g1' }, secret)).toThrow('Caleta cannot say close');
  });

  it('hears the next token, and each code', () => {
    const heard = (said: Said, body: object) => caletaSpeaker.hear(said, { status: 200, headers: {}, body: JSON.stringify(body) });
    expect(heard({ say: 'authenticate', seat }, { token: 'k2' })).toEqual({ verdicts: ['ok'], token: 'k2' });
    expect(heard({ say: 'authenticate', seat }, { status: 'RS_ERROR_INVALID_TOKEN', request_uuid: '' }).verdicts).toEqual(['unknown-session', 'unknown-player']);
    for (const code of new Set([...Object.values(caletaWords.refusals), ...Object.values(caletaWords.failures)])) {
      expect([code, heard(bet, { status: code, request_uuid: '' }).verdicts]).not.toEqual([code, ['not-understood']]);
    }
    expect(heard(bet, { status: 'RS_ERROR_INVALID_PARTNER', request_uuid: '' }).verdicts).toEqual(['not-understood']);
  });
});
