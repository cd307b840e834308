/** A world whose providers speak tin, and their side of it. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { DIALECTS } from '../../src/installed.ts';
import { ground, type Ground } from './ground.ts';
import { RawProvider, type RawRequest, type Reply } from './provider.ts';
import { signatureOf, tin } from './tin.ts';
import type { WorldDialect, WorldPlayer } from './world.ts';

export const TIN_SECRET = 'tin secret of the first account';
export const TIN_AND_ALL = [...DIALECTS, tin];

export interface TinOptions<Name extends string> extends RawRequest {
  readonly account?: Name;
  readonly query?: string;
  readonly secret?: string;
  /** sent instead of the path that was signed */
  readonly instead?: string;
  /** to another process than the one that all others go to */
  readonly at?: RawProvider;
}

/** The first of the accounts is meant where a call names none. Everybody has 100.00 EUR, or 1.00000000 BTC. */
export class TinGround<Name extends string> {
  readonly here: Ground;
  raw!: RawProvider;
  private readonly names: readonly Name[];
  private readonly first: Name;
  private seated = 0;

  constructor(private readonly accounts: Readonly<Record<Name, Partial<WorldDialect>>>) {
    this.names = Object.keys(accounts) as Name[];
    this.first = this.names[0] as Name;
    const dialects = Object.values<Partial<WorldDialect>>(accounts).map((of) => ({ dialect: 'tin', secrets: [TIN_SECRET, 'an older secret'], ...of }));
    this.here = ground({ players: { EUR: 30, BTC: 1 }, dialects }, {}, { proxied: true, dialects: TIN_AND_ALL });
    beforeAll(() => { this.raw = new RawProvider(this.here.served.baseUrl); });
    afterAll(() => this.raw.close());
  }

  idOf(name: Name): number {
    return this.here.world.dialects[this.names.indexOf(name)]?.accountId as number;
  }

  /** Signed as tin wants it. */
  call = (path: string, body: object | string | Buffer, options: TinOptions<Name> = {}): Promise<Reply> => {
    const { account = this.first, query = '', secret = TIN_SECRET, instead, at = this.raw, ...more } = options;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const signature = signatureOf(secret, { method: 'POST', path, query, body: bytes });
    const header = (this.accounts[account].settings?.['header'] as string | undefined) ?? 'x-tin-signature';
    return at.send(instead ?? `/providers/${this.idOf(account)}/${path}${query && `?${query}`}`, {
      ...more, body: bytes, headers: { [header]: signature, 'x-tin-id': 'id-1', ...more.headers },
    });
  };

  player = (): WorldPlayer => this.here.world.players[this.seated++] as WorldPlayer;
  tokenOf = (of: WorldPlayer, account: Name = this.first): string => of.tokens[this.idOf(account)] as string;
}

/** What it came to, and the balance in storage units. */
export const moved = ({ body }: Reply): unknown[] => [body.status ?? body.no ?? body.later ?? body.fail ?? body.code ?? 'ok', body.balance];

/** In tin's own form, and never a 5xx but for what is to come again. */
export function expectTin(reply: Reply, word: 'fail' | 'later' | 'no', code: string): void {
  expect([reply.body[word], reply.headers['content-type'], reply.headers['x-request-id']]).toEqual([code, 'application/vnd.tin+json', 'id-1']);
  expect(reply.status).toBe(word === 'no' ? 200 : word === 'fail' ? 400 : 503);
}
