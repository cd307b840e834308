/** What the operator's API takes and answers. Unknown fields of a request are refused. The examples are run by a test, in a world that has these ids. */
import { z } from 'zod';
import { PERMISSIONS, ROLES, type Permission, type RoleName } from '../access/contract.ts';
import { DIALECTS } from '../installed.ts';
import { Network } from './addresses.ts';

const LIST_LIMIT = { most: 100, usual: 50 };
const CONTROL = /\p{Cc}/u;

export const EXAMPLES = {
  operatorId: '01890000-0000-7000-8000-000000000001', apiKeyId: '01890000-0000-7000-8000-0000000000a2', playerId: '01890000-0000-7000-8000-0000000000b1',
  sessionId: '01890000-0000-7000-8000-0000000000c1', accountId: 7, apiKey: 'pk_0123456789abcdef01234567', gameId: 'harbour-lights', externalId: 'anna-1',
} as const;

/** Characters are counted as the database counts them: one above the first plane is one. */
const text = (most: number) => z.string()
  .refine((value) => value.length > 0 && value.length <= 2 * most && [...value].length <= most && !CONTROL.test(value) && value.isWellFormed(), {
    error: `1 to ${most} characters, no control characters`,
  }).meta({ minLength: 1, maxLength: most });
const moment = z.iso.datetime().meta({ examples: ['2027-01-31T12:00:00.000Z'] });
const uuid = (example: string) => z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/).meta({ format: 'uuid', examples: [example] });

/** In paths: what is not of the form is not there. */
export const PlayerId = uuid(EXAMPLES.playerId);
export const SessionId = uuid(EXAMPLES.sessionId);
export const ApiKeyId = uuid(EXAMPLES.apiKeyId);
export const AccountId = z.string().regex(/^[1-9]\d{0,8}$/).meta({ examples: [String(EXAMPLES.accountId)] }).transform(Number);
export const CredentialKey = text(128).meta({ examples: [EXAMPLES.apiKey] });
export const GameId = text(128).meta({ examples: [EXAMPLES.gameId] });

const Name = text(128);
const AccountNumber = z.int().min(1).max(999_999_999);
const Currency = z.string().regex(/^[A-Z0-9]{3,10}$/, { error: 'a currency code in capitals' }).meta({ examples: ['EUR'] });
const Amount = z.string().meta({ pattern: '^(0|[1-9][0-9]{0,14})(\\.[0-9]{1,10})?$', description: 'a decimal string, never a number', examples: ['12.50'] });

export const PageOf = z.strictObject({
  limit: z.string().regex(/^\d{1,3}$/, { error: `a whole number from 1 to ${LIST_LIMIT.most}` }).transform(Number)
    .refine((limit) => limit >= 1 && limit <= LIST_LIMIT.most, { error: `a whole number from 1 to ${LIST_LIMIT.most}` }).default(LIST_LIMIT.usual)
    .meta({ description: `1 to ${LIST_LIMIT.most}; ${LIST_LIMIT.usual} where nothing is said` }),
  cursor: z.string().optional().meta({ description: '`nextCursor` or `previousCursor` of a page of the same list' }),
});
export const PlayersOf = PageOf.extend({ externalId: text(128).optional() });
export type PlayersQuery = z.infer<typeof PlayersOf>;

const listOf = <Item extends z.ZodType>(item: Item, id: string) => z.strictObject({
  items: z.array(item), nextCursor: z.string().optional(), previousCursor: z.string().optional(),
}).meta({ id });

// The operator itself

const ZONE = { error: 'a time zone such as Europe/Malta' };
const TimeZone = z.string().max(64, ZONE).regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/, ZONE)
  .meta({ description: 'by its name in the IANA database; a gaming day is one there', examples: ['Europe/Malta'] });
const DayStarts = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'hours and minutes, such as 06:00' })
  .meta({ description: 'when a gaming day begins, by the clock of the time zone', examples: ['06:00'] });
export const OperatorView = z.strictObject({
  operatorId: z.string(), name: z.string(), betsAllowed: z.boolean(), timeZone: z.string(), dayStarts: z.string(), createdAt: moment,
}).meta({ id: 'Operator' });
export const OperatorChange = z.strictObject({ name: Name.optional(), betsAllowed: z.boolean().optional(), timeZone: TimeZone.optional(), dayStarts: DayStarts.optional() })
  .meta({ id: 'OperatorChange', description: '`timeZone` and `dayStarts` are fixed with the first transaction', examples: [{ betsAllowed: true }] });
export const NewOperator = z.strictObject({ name: Name, timeZone: TimeZone.default('UTC'), dayStarts: DayStarts.default('00:00') }).meta({ id: 'NewOperator', examples: [{ name: 'A second brand' }] });

// API keys

const RoleNames = z.array(z.enum(Object.keys(ROLES) as [RoleName, ...RoleName[]])).max(10);
const PermissionNames = z.array(z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]])).max(100);
const KEY_DAYS = { most: 400, usual: 90 };
const ExpiresInDays = z.int().min(1).max(KEY_DAYS.most).default(KEY_DAYS.usual);

export const ApiKeyView = z.strictObject({
  apiKeyId: z.string(), name: z.string(), roles: z.array(z.string()), permissions: z.array(z.string()), createdAt: moment, expiresAt: moment,
  revokedAt: moment.nullable(),
}).meta({ id: 'ApiKey' });
export const MadeApiKey = ApiKeyView.extend({ key: z.string().optional().meta({ description: 'shown in the first answer only' }) })
  .meta({ id: 'MadeApiKey' });
export const ApiKeys = listOf(ApiKeyView, 'ApiKeys');
export const NewApiKey = z.strictObject({ name: Name, roles: RoleNames.default([]), permissions: PermissionNames.default([]), expiresInDays: ExpiresInDays })
  .refine(({ roles, permissions }) => roles.length + permissions.length > 0, { error: 'a key that may do nothing', path: ['roles'] })
  .meta({ id: 'NewApiKey', examples: [{ name: 'till 4', roles: ['cashier'], permissions: ['sessions.read'], expiresInDays: 30 }] });
export const ApiKeyRotation = z.strictObject({ overlapHours: z.int().min(0).max(168).default(24), expiresInDays: ExpiresInDays })
  .meta({ id: 'ApiKeyRotation', description: 'the old key stops after the overlap', examples: [{ overlapHours: 24 }] });
export const FoundedOperator = OperatorView.extend({ apiKey: MadeApiKey }).meta({ id: 'FoundedOperator' });

// Gaming days

const isDay = (text: string): boolean => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
export const Day = z.string().regex(/^(19[7-9]\d|[2-9]\d{3})-\d\d-\d\d$/).refine(isDay).meta({ format: 'date', examples: ['2026-01-31'] });
export const NewDayLock = z.strictObject({}).meta({ id: 'NewDayLock', examples: [{}] });
export const DayLock = z.strictObject({ day: z.string(), lockedAt: moment }).meta({ id: 'DayLock' });

// Players, their wallets and sessions

const PlayerStatus = z.enum(['active', 'blocked', 'closed']);
export const PlayerView = z.strictObject({
  playerId: z.string(), externalId: z.string(), status: PlayerStatus, currencies: z.array(z.string()), createdAt: moment,
  test: z.literal(true).optional().meta({ description: 'plays with real rules and counts in no report; absent otherwise' }),
}).meta({ id: 'Player' });
export const Players = listOf(PlayerView, 'Players');
export const NewPlayer = z.strictObject({
  externalId: text(128), currencies: z.array(Currency).min(1).max(20),
  test: z.boolean().default(false).meta({ description: 'plays with real rules and counts in no report; said now, and never changed' }),
})
  .meta({ id: 'NewPlayer', examples: [{ externalId: 'bert-2', currencies: ['EUR'] }] });
export const PlayerChange = z.strictObject({ status: PlayerStatus }).meta({ id: 'PlayerChange', examples: [{ status: 'active' }] });

export const WalletView = z.strictObject({
  currency: z.string(), balance: z.string(),
  debt: z.string().optional().meta({ description: 'absent where there is none: what the player owes, because it was to be taken back and was spent' }),
  walletVersion: z.int(),
}).meta({ id: 'Wallet' });
export const Wallets = z.strictObject({ items: z.array(WalletView) }).meta({ id: 'Wallets' });
export const NewWallet = z.strictObject({ currency: Currency }).meta({ id: 'NewWallet', examples: [{ currency: 'JPY' }] });

/** An expiry is moved by a minute at least, so what slides by less would hardly slide. */
const SLIDE_S = { least: 120, most: 86_400, usual: 1_800 };
const SESSION_S = { least: 60, most: 30 * 86_400 };
export const SessionView = z.strictObject({
  sessionId: z.string(), accountId: z.int(), currency: z.string(), startedAt: moment, expiresAt: moment,
  state: z.enum(['active', 'superseded', 'expired', 'closed']).meta({ description: 'superseded: the session goes on under a newer token, and stands here as another' }),
  slideSeconds: z.int().optional().meta({ description: 'how long it lasts after the last that was done in it; absent: `expiresAt` is fixed' }),
  country: z.string().optional(), jurisdiction: z.string().optional(), language: z.string().optional(),
}).meta({ id: 'Session' });
export const StartedSession = SessionView.extend({ sessionToken: z.string().optional().meta({ description: 'shown in the first answer only' }) })
  .meta({ id: 'StartedSession' });
export const Sessions = listOf(SessionView, 'Sessions');
export const NewSession = z.strictObject({
  accountId: AccountNumber, currency: Currency,
  expiresAt: z.iso.datetime().optional().refine((at) => at === undefined || inRange(Date.parse(at) - Date.now()), { error: 'from a minute to 30 days from now' })
    .meta({ description: 'when it is over whatever is done in it: from a minute to 30 days from now', examples: ['2027-01-31T12:00:00.000Z'] }),
  slideSeconds: z.int().min(SLIDE_S.least).max(SLIDE_S.most).optional()
    .meta({ description: `of a session without \`expiresAt\`: how long it lasts after its last bet or authentication; ${SLIDE_S.usual} where neither is said` }),
  country: z.string().regex(/^[A-Z]{2}$/).optional(), jurisdiction: text(32).optional(), language: text(35).optional(),
}).refine(({ expiresAt, slideSeconds }) => expiresAt === undefined || slideSeconds === undefined, { error: 'a fixed expiry does not slide', path: ['slideSeconds'] })
  .meta({ id: 'NewSession', examples: [{ accountId: EXAMPLES.accountId, currency: 'EUR', slideSeconds: 3_600, country: 'MT', language: 'en' }] });
const inRange = (ms: number): boolean => ms > (SESSION_S.least - 1) * 1_000 && ms <= SESSION_S.most * 1_000;

// The cashier

export const CashierRequest = z.strictObject({ currency: Currency, amount: Amount })
  .meta({ id: 'CashierRequest', examples: [{ currency: 'EUR', amount: '12.50' }] });
export const CashierReceipt = z.strictObject({
  transactionId: z.string(), reference: z.string(), type: z.enum(['deposit', 'withdrawal']), status: z.enum(['applied', 'replayed']), amount: z.string(),
  currency: z.string(), balance: z.string(), walletVersion: z.int(), processedAt: moment,
}).meta({ id: 'CashierReceipt' });

// Provider accounts

const PolicyRecord = z.record(z.string(), z.unknown()).meta({ description: 'what is left out is the dialect’s default' });
const Settings = z.record(z.string(), z.unknown()).meta({ description: 'the dialect’s own; what is left out is its default' });
const Networks = z.array(Network).max(100).meta({ description: 'from where the provider may call, as networks; none: from everywhere' });
const DialectName = z.enum(DIALECTS.map(({ name }) => name) as [string, ...string[]]);
export const AccountView = z.strictObject({
  accountId: z.int(), provider: z.string(), dialect: z.string(), policy: z.record(z.string(), z.unknown()), settings: z.record(z.string(), z.unknown()),
  addresses: z.array(z.string()), betsAllowed: z.boolean(), createdAt: moment,
}).meta({ id: 'ProviderAccount' });
export const Accounts = listOf(AccountView, 'ProviderAccounts');
export const NewAccount = z.strictObject({
  provider: Name, dialect: DialectName, policy: PolicyRecord.default({}), settings: Settings.default({}), addresses: Networks.default([]),
}).meta({ id: 'NewProviderAccount', examples: [{ provider: 'another-studio', dialect: 'native', policy: { deadlineMs: 1_500 }, settings: {}, addresses: ['192.0.2.0/24'] }] });
export const AccountChange = z.strictObject({
  policy: PolicyRecord.optional(), settings: Settings.optional(), addresses: Networks.optional(), betsAllowed: z.boolean().optional(),
}).meta({ id: 'ProviderAccountChange', examples: [{ policy: { deadlineMs: 1_200 }, settings: {}, addresses: ['192.0.2.7', '2001:db8::/32'], betsAllowed: true }] });

/** Lines are allowed: a public key is written in several. */
const Secret = z.string().min(1).max(8_192).refine((value) => value.isWellFormed() && !value.includes('\u0000'), { error: 'not a text' })
  .meta({ description: 'the provider’s own, where it makes them: an RSA public key in PEM, or the text of a shared secret; never shown again', writeOnly: true });

export const CredentialView = z.strictObject({
  apiKey: z.string(), retiredUntil: moment.nullable().meta({ description: 'until when a replaced secret still verifies' }),
}).meta({ id: 'Credential' });
export const MadeCredential = CredentialView.extend({ secret: z.string().optional().meta({ description: 'one that was made here, shown in the first answer only' }) })
  .meta({ id: 'MadeCredential' });
export const Credentials = listOf(CredentialView, 'Credentials');
export const NewCredential = z.strictObject({ secret: Secret.optional() }).meta({ id: 'NewCredential', examples: [{}] });
export const CredentialRotation = z.strictObject({ overlapHours: z.int().min(0).max(168).default(72), secret: Secret.optional() })
  .meta({ id: 'CredentialRotation', description: 'the old secret verifies so long: a provider retries what it has signed', examples: [{ overlapHours: 72 }] });

export const NewFreeRounds = z.strictObject({ issueId: text(128), playerId: PlayerId, currency: Currency })
  .meta({ id: 'NewFreeRounds', examples: [{ issueId: 'weekend-17', playerId: EXAMPLES.playerId, currency: 'EUR' }] });
export const FreeRounds = z.strictObject({ issueId: z.string(), playerId: z.string(), currency: z.string() }).meta({ id: 'FreeRounds' });

export const GameView = z.strictObject({ gameId: z.string(), name: z.string(), betsAllowed: z.boolean() }).meta({ id: 'Game' });
export const Games = listOf(GameView, 'Games');
export const GamePut = z.strictObject({ name: Name, betsAllowed: z.boolean().default(true) })
  .meta({ id: 'GamePut', examples: [{ name: 'Harbour Lights', betsAllowed: true }] });
