/** A provider of every dialect that is installed, over the wire, and what the call log says of its calls. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Said, Speaker, Wire } from '../../src/conformance/contract.ts';
import { SPEAKERS } from '../../src/installed.ts';
import { ground, type Ground } from '../support/ground.ts';
import type { InProcess } from '../support/server.ts';
import { RawProvider, type RawRequest, type Reply } from '../support/provider.ts';
import type { World, WorldAccount, WorldDialect, WorldPlayer } from '../support/world.ts';

const TOKEN = 'a-token-of-the-aggregator';

function rsa(header: string): { theirs: unknown; ours: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { theirs: { privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }), header }, ours: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

const MADE: Readonly<Record<string, { theirs: unknown; ours: string }>> = {
  hub88: rsa('x-hub88-signature'), caleta: rsa('x-auth-signature'), softswiss: { theirs: { authToken: TOKEN }, ours: TOKEN },
};

export const DIALECTS_MADE: readonly WorldDialect[] = SPEAKERS.filter(({ name }) => name !== 'native').map(({ name }) =>
  ({ dialect: name, secrets: [MADE[name]?.ours ?? ''], policy: { deadlineMs: 5_000 } }));

/** A row of the log, as it stands in the database. */
export interface Logged {
  readonly request_id: string;
  readonly operator_id: string;
  readonly account_id: number;
  readonly result: string;
  readonly code: string;
  readonly status: number;
  readonly operation: string | null;
  readonly player_id: string | null;
  readonly references: readonly string[];
  readonly transactions: readonly string[];
  readonly request_headers: Readonly<Record<string, string>>;
  readonly request_body: string | null;
  readonly answer_body: string;
  readonly ms: number | null;
  readonly source: string | null;
  readonly path: string;
}

/** A served world, with or without the office in it. */
export interface Served {
  readonly world: World;
  readonly served: InProcess;
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** One dialect's provider, and a player at its table. */
export class CallSeat {
  private readonly secret: unknown;
  readonly accountId: number;
  private readonly base: string;
  readonly token: string;
  /** with its headers, as it went out */
  readonly sent: Wire[] = [];
  private readonly raw: RawProvider;

  constructor(
    here: Served,
    readonly speaker: Speaker,
    readonly player: WorldPlayer,
  ) {
    const its = here.world.dialects.find(({ dialect }) => dialect === speaker.name);
    const native = here.world.accounts[0] as WorldAccount;
    this.accountId = its?.accountId ?? native.accountId;
    this.base = its?.basePath ?? '/v1/wallet/';
    this.token = its ? (player.tokens[its.accountId] as string) : player.sessionToken;
    this.secret = speaker.secret(MADE[speaker.name]?.theirs ?? { apiKey: native.apiKey, secret: native.secret });
    this.raw = new RawProvider(here.served.baseUrl);
  }

  get seat() {
    return { player: this.player.id, currency: this.player.currency, token: this.token };
  }

  /** In a dialect that knows no bet by itself, a play of one. */
  bet(reference: string, amount: string): Said {
    const told = { seat: this.seat, round: 'r1', game: 'game-1' };
    return this.speaker.can.says.includes('bet') ? { say: 'bet', ...told, reference, amount } : { say: 'play', ...told, actions: [{ kind: 'bet', reference, amount }] };
  }

  wire = (said: Said): Wire => this.speaker.say(said, this.secret);
  /** A body of another's making, signed. */
  signed = (like: Wire, body: string | Buffer): Wire => this.speaker.sign(like, Buffer.from(body), this.secret);

  send({ method, path, headers, body }: Wire, changed: RawRequest & { readonly suffix?: string } = {}): Promise<Reply> {
    const to = `${this.base}${path.replace(/^\/+/, '').replace(/^v1\/wallet\//, '')}${changed.suffix ?? ''}`;
    this.sent.push({ method, path, headers, body });
    return this.raw.send(to, { method: changed.method ?? method, body: changed.body ?? body, headers: { ...headers, ...changed.headers } });
  }

  say = (said: Said): Promise<Reply> => this.send(this.wire(said));

  close(): void {
    this.raw.close();
  }
}

/** A served world in which every dialect has an account; every call of theirs is kept unless the share says otherwise. */
export const callGround = (env: Readonly<Record<string, string>> = {}, proxied = false): Ground =>
  ground({ players: { EUR: 40 }, dialects: DIALECTS_MADE }, { CALL_LOG_SAMPLE: '1', ...env }, { proxied });

let seated = new WeakMap<Served, number>();

export function seatsAt(here: Served): CallSeat[] {
  return SPEAKERS.map((speaker) => {
    const next = seated.get(here) ?? 0;
    seated = seated.set(here, next + 1);
    return new CallSeat(here, speaker, here.world.players[next] as WorldPlayer);
  });
}

export const WITHIN_MS = 5_000;

/** The rows of the log that a condition chooses, as soon as there are so many; fails where they are not there in time. */
export async function loggedWhere(here: Served, condition: string, values: unknown[], many = 1, withinMs = WITHIN_MS): Promise<Logged[]> {
  for (const deadline = performance.now() + withinMs; ;) {
    const rows = await here.sql<Logged>(`select * from call_log where ${condition} order by at, call_id`, values);
    if (rows.length >= many) return rows;
    if (performance.now() > deadline) throw new Error(`of ${many} calls ${rows.length} are in the log after ${withinMs} ms: ${condition} ${JSON.stringify(values)}`);
    await pause(50);
  }
}

/** By the id that the answer bears. */
export async function loggedAs({ headers }: Reply, here: Served): Promise<Logged> {
  const [row] = await loggedWhere(here, 'request_id = $1', [headers['x-request-id']]);
  return row as Logged;
}

export const freshId = (): string => randomUUID();

/** Every secret of that world, in each form in which somebody might write it down. */
export function secretsOf(here: Served): string[] {
  const tokens = here.world.players.flatMap(({ sessionToken, tokens: others }) => [sessionToken, ...Object.values(others)]);
  const native = here.world.accounts.flatMap(({ apiKey, secret }) => [apiKey, secret, secret.slice('whsec_'.length)]);
  return [...tokens, ...native, TOKEN];
}
