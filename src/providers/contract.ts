/**
 * What a provider's dialect is: a plain object, one folder a dialect, no Nest and no database in it. It says whose call it is by the raw
 * bytes, what is asked in the words of the core, and how receipts, refusals and faults are written on its wire. `calls.ts` runs it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { FieldError, Rate } from '../../libs/http/index.ts';
import type { Currency } from '../../libs/money/index.ts';
import type { Authenticated } from '../sessions/contract.ts';
import type { AdjustRequest, BetRequest, PlayRequest, RollbackRequest, WinRequest } from '../wallet/commands.ts';
import type { Account, CallClass, Fault, Operation as NameSpace, PlayReceipt, Policy, Position, Receipt, Refusal, RoundReceipt, Status, WalletView } from '../wallet/contract.ts';

/** A call as it came in: nothing of it is believed yet. */
export interface RawCall {
  readonly method: string;
  /** below the account's base path, without a query: `transaction/bet` */
  readonly path: string;
  /** as sent, without the question mark; empty where there is none */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The account a call is addressed to, with what proves that it comes from its provider. */
export interface Client<Key = unknown, Settings = unknown> {
  readonly account: Account;
  readonly settings: Settings;
  /** newest first; each live secret as `Dialect.key` made it */
  readonly keys: readonly Key[];
}

/** Said before any rule of money is asked, or instead of its answer. `AMOUNT_TOO_FINE`: a credit that the currency cannot hold; it is owed, so the same call again. */
export type Failure =
  | 'REQUEST_INVALID' | 'AMOUNT_INVALID' | 'AMOUNT_TOO_FINE' | 'ROUTE_NOT_FOUND' | 'METHOD_NOT_ALLOWED' | 'BODY_TOO_LARGE' | 'MEDIA_TYPE_UNSUPPORTED'
  | 'KEY_UNKNOWN' | 'SIGNATURE_INVALID' | 'TIMESTAMP_OUT_OF_RANGE' | 'FORBIDDEN' | 'THROTTLED' | Fault['code'];

/** Thrown by a dialect, and by the core on its way to the rules: the call is answered with this and goes no further. */
export class Turned extends Error {
  constructor(
    readonly code: Failure,
    readonly detail: string,
    readonly errors?: readonly FieldError[],
    readonly headers?: Readonly<Record<string, string>>,
  ) {
    super(detail);
  }
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** for metrics and log: what it came to, as `applied`, `replayed`, `ok` or a code */
  readonly outcome: string;
}

/** Whose call it is, in so far as it says. A token names a session's player and currency also when that session is over. */
export interface Who {
  readonly player?: string;
  readonly token?: string;
  /** Of a total of free rounds that names neither: whose it is, and in what currency, `FreeRoundIssue` of src/sessions knows. */
  readonly issue?: string;
}

/** What a call asks for, in the words of the core. Currencies that are absent are the session's; of a rollback, first its original's. */
export type Ask =
  | { readonly ask: 'session'; readonly who: Who }
  | { readonly ask: 'balance'; readonly who: Who; readonly currency?: string }
  | { readonly ask: 'bet'; readonly who: Who; readonly currency?: string; readonly request: Unpriced<BetRequest> }
  | { readonly ask: 'win'; readonly who: Who; readonly currency?: string; readonly request: Unpriced<WinRequest> }
  | { readonly ask: 'rollback'; readonly who: Who; readonly request: RollbackRequest }
  | { readonly ask: 'adjust'; readonly who: Who; readonly currency?: string; readonly request: Unpriced<AdjustRequest> }
  | { readonly ask: 'play'; readonly who: Who; readonly currency?: string; readonly request: Unpriced<PlayRequest> }
  | { readonly ask: 'close'; readonly who: Who; readonly round: string; readonly game?: string; readonly currency?: string }
  | { readonly ask: 'cancel'; readonly who: Who; readonly round: string; readonly game?: string; readonly currency?: string }
  | { readonly ask: 'status'; readonly who: Who; readonly operation: NameSpace; readonly reference: string; readonly currency?: string };

/** Its amounts wait for the currency, which the session may have to tell. */
export type Unpriced<Request> = (currency: Currency) => Request;

/** What each kind of question is answered with where it is not refused. */
export interface Answers {
  readonly session: Authenticated;
  readonly balance: WalletView;
  readonly bet: Receipt;
  readonly win: Receipt;
  readonly rollback: Receipt;
  readonly adjust: Receipt;
  readonly play: PlayReceipt;
  readonly close: RoundReceipt;
  readonly cancel: RoundReceipt;
  readonly status: Status;
}

/** All that an answer is made of beside what the core says. */
export interface Context<Settings = unknown> {
  /** the caller's own where it sent one that can stand in a header and a log line, else ours */
  readonly requestId: string;
  readonly policy: Policy;
  readonly settings: Settings;
  /** undefined where nothing could be read; else as parsed, also where it does not fit the schema */
  readonly body: unknown;
  /** of this system, by its code here */
  readonly currency: (code: string) => Currency | undefined;
  readonly ask?: Ask;
  /** whose call it turned out to be */
  readonly player?: string;
  readonly position?: Position;
}

/** One thing a provider may ask, on one path. Routing, validation and the OpenAPI document are made of the list of these. */
export interface Operation<Body = never, Settings = never> {
  /** in metrics and logs */
  readonly name: string;
  /** below the account's base path */
  readonly path: string;
  readonly summary: string;
  /** by the path alone: what is shed first under pressure. One that may or may not hold a bet is `credit`; the lane looks into it. */
  readonly callClass: CallClass;
  readonly request: z.ZodType<Body>;
  readonly answer: z.ZodType;
  /** Throws `Turned` where the content cannot be meant. */
  readonly read: (body: Body, context: Context<Settings>) => Ask;
  /** The body of the answer; `ask` tells which of `Answers` it is. */
  readonly render: (answer: Answers[Ask['ask']], ask: Ask, context: Context<Settings>) => object | WireAnswer;
}

export interface Dialect<Key = never, Settings = never> {
  /** as in `provider_account.dialect` and in the folder's name */
  readonly name: string;
  readonly title: string;
  readonly policy: PolicyFields;
  /** of the account: header names, path prefixes and the like; each with a default */
  readonly settings: z.ZodType<Settings>;
  readonly operations: readonly Operation<never, Settings>[];
  /** Of a secret as the operator stored it. Throws a sentence that does not quote it. */
  readonly key: (secret: string) => Key;
  /** A new secret of ours, where this dialect's secrets are made by the operator and not by the provider. */
  readonly makeSecret?: () => string;
  /** Over the raw bytes, before anything reads them, in constant time. Throws `Turned`. */
  readonly verify: (call: RawCall, client: Client<Key, Settings>) => void;
  readonly requestId: (call: Pick<RawCall, 'headers'>) => string | undefined;
  /** Bytes → what `request` is asked about. Absent: JSON, its numbers as `parseExactJson` gives them. Throws `Turned`. */
  readonly parse?: (call: RawCall) => unknown;
  readonly refuse: (refusal: Refusal, context: Context<Settings>) => WireAnswer;
  readonly fail: (failure: Pick<Turned, 'code' | 'detail' | 'errors' | 'headers'>, context: Context<Settings>) => WireAnswer;
}

/** One of several: what its keys and settings are, it alone knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a dialect both makes keys and takes them, so no narrower type holds all of them
export type AnyDialect = Dialect<any, any>;

/** For inference: an operation whose `read` sees the type of its schema. */
export const operation = <Body, Settings>(each: Operation<Body, Settings>): Operation<never, Settings> => each as unknown as Operation<never, Settings>;

const PerSecond = z.number().positive().max(1_000_000).optional();
const Burst = z.int().min(1).max(1_000_000).optional();

/** The policy record of an account as the database keeps it; what it leaves out is the native dialect's default. */
const PolicyRecord = z.strictObject({
  idScope: z.enum(['operation', 'player', 'global']).default('operation'),
  roundScope: z.enum(['account', 'game']).default('account'),
  duplicateAnswer: z.enum(['current', 'first', 'exists']).default('current'),
  winNeeds: z.enum(['round', 'bet', 'nothing']).default('round'),
  winsPerBet: z.enum(['many', 'one']).default('many'),
  winAfterClose: z.enum(['accept', 'refuse']).default('accept'),
  winAfterRollback: z.enum(['refuse', 'accept']).default('refuse'),
  rollbackUnknown: z.enum(['ok', 'empty', 'not-found']).default('ok'),
  rollbackOfRefused: z.enum(['ok', 'not-found', 'failed']).default('ok'),
  rollbackAfterWin: z.enum(['refuse', 'reverse']).default('refuse'),
  rollbackAfterClose: z.enum(['accept', 'refuse']).default('accept'),
  rollbackAmount: z.enum(['must-match', 'ignore']).default('must-match'),
  spentWin: z.enum(['receivable', 'refuse']).default('receivable'),
  refusedBet: z.enum(['final', 'judge-again']).default('final'),
  tombstonedAction: z.enum(['refuse', 'skip']).default('refuse'),
  session: z.enum(['if-given', 'required', 'none']).default('if-given'),
  supersededOn: z.enum(['bet', 'all']).default('bet'),
  sessionRotation: z.enum(['none', 'authenticate']).default('none'),
  freeRounds: z.enum(['either', 'per-round', 'total']).default('either'),
  rounds: z.enum(['kept', 'none']).default('kept'),
  deadlineMs: z.int().min(50).max(10_000).default(900),
  /** Calls that one process lets through; without a burst, what comes in a second at once. */
  betsPerSecond: PerSecond,
  betBurst: Burst,
  playerBetsPerSecond: PerSecond,
  playerBetBurst: Burst,
  readsPerSecond: PerSecond,
  readBurst: Burst,
}).refine((policy) => policy.rounds === 'kept' || policy.winNeeds === 'bet', {
  error: 'without round rows every win must name its bet (winNeeds: bet)',
  path: ['rounds'],
}).superRefine((policy, context) => {
  for (const [burst, perSecond] of [['betBurst', 'betsPerSecond'], ['playerBetBurst', 'playerBetsPerSecond'], ['readBurst', 'readsPerSecond']] as const) {
    if (policy[burst] === undefined || policy[perSecond] !== undefined) continue;
    context.addIssue({ code: 'custom', path: [burst], message: `limits nothing without ${perSecond}` });
  }
}).transform(({ betsPerSecond, betBurst, playerBetsPerSecond, playerBetBurst, readsPerSecond, readBurst, ...policy }): Policy => ({
  ...policy, bets: rate(betsPerSecond, betBurst), playerBets: rate(playerBetsPerSecond, playerBetBurst), reads: rate(readsPerSecond, readBurst),
}));

const rate = (perSecond: number | undefined, burst: number | undefined): Rate | undefined =>
  perSecond === undefined ? undefined : { perSecond, burst: burst ?? Math.ceil(perSecond) };

export type PolicyFields = z.input<typeof PolicyRecord>;

/** What the account's record leaves out is its dialect's. Throws a sentence that names the field. */
export function parsePolicy(record: unknown, dialect: PolicyFields = {}): Policy {
  const parsed = PolicyRecord.safeParse(typeof record === 'object' && record !== null ? { ...dialect, ...record } : record);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `policy ${issue.path.join('.')}: ${issue.message}`).join('; '));
}
