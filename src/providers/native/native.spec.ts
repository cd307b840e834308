import { describe, expect, it } from '@jest/globals';
import { sign } from '../../../libs/crypto/index.ts';
import type { Said, Seat } from '../../conformance/contract.ts';
import { FAULTS, REFUSALS, type Receipt, type RefusalCode } from '../../wallet/contract.ts';
import { parsePolicy, Turned, type Ask, type Client, type Context, type Failure, type Operation, type WireAnswer } from '../contract.ts';
import { native } from './adapter.ts';
import { nativeSpeaker } from './simulator.ts';

/** The native dialect without a server: what a provider's bytes come to, and what it hears. */
type Settings = Record<string, never>;

const EUR = { code: 'EUR', exponent: 2, scale: 6, maxAmount: 10n ** 15n };
const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const KEYS = nativeSpeaker.secret({ apiKey: 'key_1', secret: SECRET });
const client = { account: {}, settings: {}, keys: [native.key(SECRET)] } as unknown as Client<Buffer, Settings>;
const seat: Seat = { player: 'p1', currency: 'EUR', token: 's1' };
const told = { seat, round: 'r1', game: 'g1' };
const BET: Said = { say: 'bet', ...told, reference: 'b1', amount: '12.50' };

const contextOf = (body: unknown, more: Partial<Context<Settings>> = {}): Context<Settings> =>
  ({ requestId: 'q1', policy: parsePolicy({}, native.policy), settings: {}, body, currency: (code) => (code === 'EUR' ? EUR : undefined), player: 'p1', ...more });
const operationOf = (name: string) => native.operations.find((each) => each.name === name) as unknown as Operation<unknown, Settings>;

const verdict = (body: string | Buffer, headers: Record<string, string>): string => {
  try {
    native.verify({ method: 'POST', path: 'bet', query: '', headers, body: Buffer.from(body) }, client);
    return 'ok';
  } catch (error) {
    return error instanceof Turned ? error.code : String(error);
  }
};

/** As the door does it: bytes, schema, meaning. What it is turned away with, else what the core is asked, priced. */
function asked(name: string, body: object): any {
  const context = contextOf(body);
  const { request, read } = operationOf(name);
  const parsed = request.safeParse(JSON.parse(JSON.stringify(body)));
  if (!parsed.success) return `REQUEST_INVALID ${parsed.error.issues.map(({ path }) => path.join('.')).join(' ')}`;
  try {
    const ask: Ask = read(parsed.data, context);
    return 'request' in ask && typeof ask.request === 'function' ? { ...ask, request: ask.request(EUR) } : ask;
  } catch (error) {
    if (error instanceof Turned) return error.code;
    throw error;
  }
}

const heardOf = (said: Said): any => {
  const { path, body } = nativeSpeaker.say(said, KEYS);
  return asked(path.slice('/v1/wallet/'.length), JSON.parse(body.toString()) as object);
};

describe('the native signature', () => {
  const { headers, body } = nativeSpeaker.say(BET, KEYS);

  it('fits the bytes as they were sent, and none with a byte changed, written anew, or with its keys in another order', () => {
    expect(verdict(body, { ...headers })).toBe('ok');
    for (let at = 0; at < body.length; at++) {
      const changed = Buffer.from(body);
      changed[at] = (changed[at] as number) ^ 1;
      expect([at, verdict(changed, { ...headers })]).toEqual([at, 'SIGNATURE_INVALID']);
    }
    const fields = JSON.parse(body.toString()) as object;
    const spaced = JSON.stringify(fields, null, 1);
    expect(verdict(spaced, { ...headers })).toBe('SIGNATURE_INVALID');
    expect(verdict(JSON.stringify(Object.fromEntries(Object.entries(fields).toReversed())), { ...headers })).toBe('SIGNATURE_INVALID');
    expect(verdict(spaced, { ...nativeSpeaker.sign(nativeSpeaker.say(BET, KEYS), Buffer.from(spaced), KEYS).headers })).toBe('ok');
  });

  it('is of its id and its time too, which may be 300 s off and not 302', () => {
    const at = (seconds: number) => {
      const time = String(Math.floor(Date.now() / 1000) + seconds);
      return verdict(body, { 'webhook-id': 'i', 'webhook-timestamp': time, 'webhook-signature': sign(KEYS.key, 'i', time, body) });
    };
    expect([at(0), at(-298), at(298), at(-302), at(302)]).toEqual(['ok', 'ok', 'ok', 'TIMESTAMP_OUT_OF_RANGE', 'TIMESTAMP_OUT_OF_RANGE']);
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) expect([name, verdict(body, { ...headers, [name]: '1' })]).toEqual([name, 'SIGNATURE_INVALID']);
  });
});

describe('a native call', () => {
  it('is what its speaker says', () => {
    const who = { player: 'p1' };
    expect(heardOf(BET)).toEqual({
      ask: 'bet', who: { player: 'p1', token: 's1' }, currency: 'EUR',
      request: { kind: 'bet', reference: 'b1', currency: 'EUR', amount: 12_500_000n, free: false, campaign: undefined, game: 'g1', round: 'r1', sessionToken: 's1', closeRound: false },
    });
    expect(heardOf({ ...BET, say: 'win', reference: 'w1', bet: 'b1', closes: true }).request).toMatchObject({ kind: 'win', reference: 'w1', bet: 'b1', award: undefined, closeRound: true });
    expect(heardOf({ say: 'rollback', ...told, reference: 'k1', original: 'b1', of: 'win' }))
      .toEqual({ ask: 'rollback', who, request: { reference: 'k1', original: 'b1', originalType: 'win', currency: 'EUR', round: 'r1' } });
    expect(heardOf({ say: 'close', ...told })).toEqual({ ask: 'close', who, round: 'r1', currency: 'EUR' });
    expect(heardOf({ say: 'cancel', ...told })).toEqual({ ask: 'cancel', who, round: 'r1', currency: 'EUR' });
    expect(heardOf({ say: 'award', seat, reference: 'a1', amount: '1', award: 'total', campaign: 'c1' }).request).toMatchObject({ award: 'free_rounds', campaign: 'c1' });
    expect(heardOf({ say: 'authenticate', seat })).toEqual({ ask: 'session', who: { token: 's1' } });
  });

  it('that adjusts gives or takes: 2.50 and −2.50', () => {
    const adjust = (amount: string) => heardOf({ say: 'adjust', seat, reference: 'j1', amount }).request.amount as bigint;
    expect([adjust('2.50'), adjust('-2.50')]).toEqual([2_500_000n, -2_500_000n]);
  });

  it('that plays does it in order, each bet in the session', () => {
    const { request } = heardOf({ say: 'play', ...told, closes: true, actions: [{ kind: 'bet', reference: 'b1', amount: '1' }, { kind: 'win', reference: 'w1', amount: '2', bet: 'b1' }, { kind: 'bet', reference: 'b2', amount: '3' }] });
    expect(request.closeRound).toBe(true);
    expect(request.actions.map(({ kind, reference, amount, sessionToken }: Record<string, unknown>) => [kind, reference, amount, sessionToken]))
      .toEqual([['bet', 'b1', 1_000_000n, 's1'], ['win', 'w1', 2_000_000n, undefined], ['bet', 'b2', 3_000_000n, 's1']]);
  });

  it('of nothing is a bet only where it is free, and of more digits than the currency has is none', () => {
    const bet = (amount: string, more: object = {}) => asked('bet', { operation: 'bet', transactionId: 'b1', playerId: 'p1', currency: 'EUR', amount, gameId: 'g1', roundId: 'r1', ...more });
    expect([bet('0'), bet('0', { free: { campaignId: 'c1' } }).request.amount, bet('0.0000001'), bet('-1'), bet('1000000000.000001')]).toEqual(['AMOUNT_INVALID', 0n, 'AMOUNT_INVALID', 'AMOUNT_INVALID', 'AMOUNT_INVALID']);
  });

  it('bears the name of its path, whichever other it is sent to', () => {
    const names = native.operations.map(({ name }) => name);
    const everything = { transactionId: 't', originalTransactionId: 'b', playerId: 'p1', currency: 'EUR', amount: '1', gameId: 'g', roundId: 'r', sessionToken: 's', reference: 'b', actions: [{ type: 'bet', transactionId: 'b', amount: '1' }] };
    for (const name of names) {
      for (const path of names) {
        const got = asked(path, { ...everything, operation: name, ...(path === 'status' && { type: 'bet' }) });
        expect([name, path, typeof got === 'string' ? got.split(' ').slice(0, 2).join(' ') : 'asked']).toEqual([name, path, name === path ? 'asked' : 'REQUEST_INVALID operation']);
      }
    }
  });
});

describe('a native answer', () => {
  const receipt: Receipt = { currency: 'EUR', balance: 87_500_000n, version: 3, transactionId: 't9', reference: 'b1', operation: 'bet', status: 'applied', outcome: 'applied', amount: 12_500_000n, at: 0 };
  const wallet = { currency: 'EUR', balance: 1_000_000n, version: 3 };
  const rendered = (name: string, answer: object, policy: object = {}): any =>
    operationOf(name).render(answer as never, { ask: name } as unknown as Ask, contextOf({}, { policy: parsePolicy(policy, native.policy) }));
  const bodyOf = ({ body }: WireAnswer) => JSON.parse(body) as Record<string, unknown>;

  it('tells what was done, to the last digit, and a debt that is left', () => {
    expect(rendered('bet', { ...receipt, balance: 87_500_001n })).toMatchObject({ transactionId: 't9', status: 'applied', amount: '12.50', balance: '87.500001', walletVersion: 3 });
    expect(rendered('adjust', { ...receipt, operation: 'adjustment', debt: 30_000_000n, balance: 0n })).toMatchObject({ debt: '30.00', balance: '0.00' });
  });

  it('to a rollback of the unknown is a receipt, or BET_NOT_FOUND where the policy says so', () => {
    const unknown = { ...receipt, operation: 'rollback', status: 'tombstoned', outcome: 'tombstoned' };
    const refused = { ...receipt, operation: 'rollback', status: 'ignored', outcome: 'ignored', ignoredBecause: 'refused' };
    const outcome = (answer: object, policy: object) => { const { outcome: word, body } = rendered('rollback', answer, policy) as { outcome: string; body?: string }; return body === undefined ? 'receipt' : word; };
    expect([outcome(unknown, {}), outcome(refused, {})]).toEqual(['receipt', 'receipt']);
    expect([outcome(unknown, { rollbackUnknown: 'not-found' }), outcome(refused, { rollbackUnknown: 'not-found' })]).toEqual(['BET_NOT_FOUND', 'receipt']);
    expect([outcome(unknown, { rollbackOfRefused: 'failed' }), outcome(refused, { rollbackOfRefused: 'failed' })]).toEqual(['receipt', 'BET_NOT_FOUND']);
  });

  it.each(Object.keys(REFUSALS) as RefusalCode[])('to %s is understood, and may come again unless a bet remembers it', (refused) => {
    const retryable = (ask: Partial<Ask>, body: object) => bodyOf(native.refuse({ refused, replayed: false, wallet }, contextOf(body, { ask: ask as Ask })))['retryable'];
    const always = REFUSALS[refused].again === 'yes';
    const credit = always || REFUSALS[refused].again === 'credit';
    expect([retryable({ ask: 'bet' }, {}), retryable({ ask: 'win' }, {}), retryable({ ask: 'rollback' }, {}), retryable({ ask: 'session' }, {})]).toEqual([always, credit, credit, always]);
    expect([retryable({ ask: 'play' }, { actions: [{ type: 'win' }] }), retryable({ ask: 'play' }, { actions: [{ type: 'win' }, { type: 'bet' }] })]).toEqual([credit, always]);
    const answer = native.refuse({ refused, replayed: false, wallet }, contextOf({}));
    const heard = nativeSpeaker.hear(BET, answer);
    expect([heard.verdicts.includes('not-understood'), heard.complaint, heard.balance, answer.status]).toEqual([false, undefined, '1.00', REFUSALS[refused].status]);
  });

  it('to a failure comes again where it may pass, or may have been done, and only there', () => {
    const passing: Failure[] = [...(Object.keys(FAULTS) as (keyof typeof FAULTS)[]), 'THROTTLED', 'TIMESTAMP_OUT_OF_RANGE'];
    const others: Failure[] = ['REQUEST_INVALID', 'AMOUNT_INVALID', 'AMOUNT_TOO_FINE', 'ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED', 'BODY_TOO_LARGE', 'MEDIA_TYPE_UNSUPPORTED', 'KEY_UNKNOWN', 'SIGNATURE_INVALID', 'FORBIDDEN'];
    for (const code of [...passing, ...others]) {
      const answer = native.fail({ code, detail: 'd', headers: { allow: 'POST' } }, contextOf(undefined));
      expect([code, bodyOf(answer)['retryable'], nativeSpeaker.hear(BET, answer).complaint, answer.headers['allow'], answer.headers['x-request-id']])
        .toEqual([code, passing.includes(code), undefined, 'POST', 'q1']);
    }
  });

  it('of the state of a round is understood, and of another is not', () => {
    const hear = (say: 'close' | 'cancel', state: string) => nativeSpeaker.hear({ say, ...told }, { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ roundId: 'r1', state, balance: '1.00', walletVersion: 3 }) }).verdicts[0];
    expect([hear('close', 'closed'), hear('close', 'unknown'), hear('cancel', 'cancelled'), hear('cancel', 'closed'), hear('close', 'open')]).toEqual(['ok', 'ok', 'ok', 'not-understood', 'not-understood']);
  });
});
