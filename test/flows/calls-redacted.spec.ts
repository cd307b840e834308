import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Wire } from '../../src/conformance/contract.ts';
import { SPEAKERS } from '../../src/installed.ts';
import type { Reply } from '../support/provider.ts';
import { callGround, freshId, loggedAs, seatsAt, secretsOf, type CallSeat } from './calls-seats.ts';

// The log keeps no token, no signature, no key and no secret, wherever in a call they stand, also in calls that nobody can read.

const here = callGround();
const DIALECTS = SPEAKERS.map(({ name }) => name);
let seats: CallSeat[] = [];
beforeAll(() => { seats = seatsAt(here); });
afterAll(() => { for (const seat of seats) seat.close(); });
const at = (dialect: string): CallSeat => seats.find(({ speaker }) => speaker.name === dialect) as CallSeat;

const PROVES = /api-key|sign|authorization|cookie/i;
/** What is secret of a call: its headers that prove something, in each of their parts. */
const provesOf = ({ headers }: Pick<Wire, 'headers'>): string[] =>
  Object.entries(headers).filter(([name]) => PROVES.test(name)).flatMap(([, value]) => [value, ...value.split(/[ ,]/)]).filter((value) => value.length > 16);

/** All that the log has of that world, as text; and each line of it in which one of the secrets occurs, in any usual spelling. */
async function leaks(secrets: readonly string[]): Promise<string[]> {
  const rows = await here.sql<{ row: string }>('select l::text as row from call_log l union all select r::text from call_reference r');
  expect(rows.length).toBeGreaterThan(0);
  const spelled = secrets.flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]);
  return rows.flatMap(({ row }) => spelled.filter((secret) => row.includes(secret)).map((secret) => `${secret} in ${row.slice(0, 200)}`));
}

/** Calls that bear a player's token where it should stand, where it should not, and where nobody can make out where it stands. */
function calls(seat: CallSeat, token: string): { readonly [what: string]: () => Promise<Reply> } {
  const bet = () => seat.wire(seat.bet(freshId(), '1.00'));
  const fields = () => JSON.parse(bet().body.toString()) as object;
  const signed = (body: string | Buffer) => seat.send(seat.signed(bet(), body));
  const escaped = [...token].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  return {
    'as it should be': () => seat.say(seat.bet(freshId(), '1.00')),
    'refused': () => seat.say(seat.bet(freshId(), '9000.00')),
    'authenticated': () => (seat.speaker.can.says.includes('authenticate') ? seat.say({ say: 'authenticate', seat: seat.seat }) : seat.say(seat.bet(freshId(), '1.00'))),
    'in a field of another name': () => signed(JSON.stringify({ ...fields(), sesionToken: token, session: token, session_id: token })),
    'in fields that are no token, beside the one that is': () => signed(JSON.stringify({ ...fields(), token, gameId: token, game: token, note: `it is ${token}`, [token]: 1, actions: [{ action_id: token }] })),
    'alone in a field that says nothing': () => signed(JSON.stringify({ ...fields(), note: token })),
    'under a name that is escaped, escaped itself': () => signed(`{"\\u0074oken":"${escaped}","a":"${escaped}"}`),
    'twice under one name': () => signed(`{"token":"${token}","token":"x","sessionToken":"${token}","sessionToken":""}`),
    'within what is named like a secret': () => signed(JSON.stringify({ ...fields(), auth: { deep: [{ er: token }] }, secrets: [token, 7, null] })),
    'in JSON that breaks off behind it': () => signed(`{"user":"x","token":"${token}"`),
    'in JSON that breaks off within it': () => signed(`{"user":"x","token":"${token}`),
    'without quotes': () => signed(`{token: ${token}, user: x}`),
    'as a form': () => signed(`operation=bet&token=${encodeURIComponent(token)}&user=x`),
    'as XML': () => signed(`<call><t>${token}</t></call>`),
    'in UTF-16': () => signed(Buffer.from(JSON.stringify({ token }), 'utf16le')),
    'behind bytes that are no text': () => signed(Buffer.concat([Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.from(`{"token":"${token}"}`)])),
    'in a path': () => seat.send(bet(), { suffix: `/${token}` }),
    'in a query': () => seat.send(bet(), { suffix: `?token=${token}&x=${token}&%74oken=${token}` }),
    'in headers': () => seat.send(bet(), { headers: { authorization: `Bearer ${token}`, 'x-session': token, cookie: `sid=${token}`, 'x-anything': token, 'user-agent': token, 'x-forwarded-for': token } }),
    'with a signature that does not fit': () => seat.send(bet(), { body: JSON.stringify({ ...fields(), x: 1 }) }),
    'of another type': () => seat.send(bet(), { headers: { 'content-type': 'text/plain' } }),
    'by another method': () => seat.send(bet(), { method: 'PATCH', suffix: `?token=${token}` }),
    'too long': () => seat.send(bet(), { body: `{"token":"${token}","fill":"${'x'.repeat(70_000)}"}` }),
    'long, and at the end': () => signed(JSON.stringify({ ...fields(), fill: 'x'.repeat(20_000), token })),
  };
}

describe.each(DIALECTS)('of calls in %s', (dialect) => {
  it('nothing in the log is a token, a signature, a key or a secret, in any of its columns', async () => {
    const seat = at(dialect);
    const secrets = secretsOf(here);
    const sent = calls(seat, seat.token);
    const replies: [string, Reply][] = [];
    for (const [what, send] of Object.entries(sent)) replies.push([what, await send()]);
    for (const [what, reply] of replies) {
      const body = reply.body as { token?: string; sessionToken?: string } | undefined;
      secrets.push(...[body?.token, body?.sessionToken].filter((token) => token !== undefined && token.length > 8) as string[]);
      const row = await loggedAs(reply, here);
      expect([what, row.account_id]).toEqual([what, seat.accountId]);
    }
    secrets.push(...seat.sent.flatMap(provesOf));
    expect(await leaks(secrets)).toEqual([]);
  }, 120_000);

  it('what is no secret is kept as it was sent, letter for letter, and in its place', async () => {
    const seat = at(dialect);
    const reference = freshId();
    const wire = seat.wire(seat.bet(reference, '9000.00'));
    const row = await loggedAs(await seat.send(wire), here);
    const whole = wire.body.toString();
    expect(row.request_body).toBe(whole.replaceAll(seat.token, '[redacted]'));
    expect(row.request_headers['content-type']).toBe('application/json');
    const proofs = Object.keys(wire.headers).filter((name) => PROVES.test(name));
    expect(proofs.length).toBeGreaterThan(0);
    expect(proofs.map((name) => row.request_headers[name])).toEqual(proofs.map(() => '[redacted]'));
    expect(JSON.parse(row.answer_body)).toBeTruthy();
  });

  it('an id of the provider’s making that looks like a token is kept, and what is as long as one of the wallet’s is not', async () => {
    const seat = at(dialect);
    const [ksuid, long] = ['txn_2KWPBgLlAfxdpx2AI54pPJ85f4W', `R${randomBytes(32).toString('base64url')}`];
    const short = await loggedAs(await seat.say(seat.bet(ksuid, '9000.00')), here);
    expect([short.references.includes(ksuid), short.request_body?.includes(ksuid)]).toEqual([true, true]);
    const cut = await loggedAs(await seat.say(seat.bet(long, '9000.00')), here);
    expect([cut.references.includes('[redacted]'), cut.request_body?.includes(long)]).toEqual([true, false]);
  });
});

describe('the check itself', () => {
  it('finds a token that is planted in the log', async () => {
    const [token = ''] = secretsOf(here);
    expect(await leaks([token])).toEqual([]);
    await here.sql("update call_log set answer_body = answer_body || $1 where call_id = (select call_id from call_log limit 1)", [token]);
    expect(await leaks([token])).not.toEqual([]);
  });
});
