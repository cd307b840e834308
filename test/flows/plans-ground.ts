/**
 * A served office over a seeded history, with every GET route and a way to ask it for little and for much. A route that is new stands here, or
 * plans-statements.spec.ts fails. PLANS_ROWS makes the history longer.
 */
import { PROJECTIONS } from '../../src/installed.ts';
import { fingerprint } from '../../libs/crypto/index.ts';
import { seedHistory } from '../../src/wallet/seed.ts';
import { asSuperuser, cloneTemplate, startCluster, type TestCluster, type TestDatabase } from '../support/cluster.ts';
import { fed } from '../support/feeding.ts';
import { Platform, plantKey, rolesOn } from '../support/office.ts';
import { serveHere, type InProcess } from '../support/server.ts';

const ROWS = Number(process.env['PLANS_ROWS'] ?? 40_000);
const [PLAYERS, DAYS] = [1_000, 30];
const MANY = 150;

/**
 * args: operator, account, player · as many calls, keys, accounts, credentials, sessions, exports and schedules as no page holds. The calls are of all of
 * today, also of what is still to come of it, so that one day's part has them all at whatever hour this runs.
 */
const REST = [
  `insert into call_log (at, operator_id, call_id, player_id, account_id, status, result, request_key, request_id, code, dialect, method, path, request_headers, answer_headers, answer_body, answer_bytes)
   select date_trunc('day', now(), 'UTC') + n * interval '17 seconds', $1, uuidv4(), $3, $2, 200, 'failed', substr(encode(sha256(('r' || n % 200)::bytea), 'hex'), 1, 32)::uuid, 'r' || n % 200, 'UNAVAILABLE', 'native', 'POST', 'bet', '{}', '{}', '', 0 from generate_series(1, 5000) n`,
  `insert into call_reference select at, operator_id, $4::uuid, call_id from call_log where $2::int > 0 and $3::uuid is not null and operator_id = $1`,
  `insert into provider_minute select $1, $2, date_trunc('minute', now()) - m * interval '1 minute', $3, 10, 9, 1, 0, 0, 0, 0, array[1,1,1,1,1,1,1,1,1,1,0] from generate_series(0, 20000) m`,
  `insert into api_key (operator_id, name, secret_hash, roles, expires_at) select $1, 'of plans', sha256(n::text::bytea), '{}', now() + interval '1 day' from generate_series(1, ${MANY}) n where $2::int > 0 and $3::uuid is not null`,
  `insert into provider_account (operator_id, provider, dialect) select $1, 'of plans ' || n, 'native' from generate_series(1, ${MANY}) n where $2::int > 0 and $3::uuid is not null`,
  `insert into game (account_id, operator_id, game_id, name) select $2, $1, 'of-plans-' || n, 'Of plans' from generate_series(1, ${MANY}) n where $3::uuid is not null`,
  `insert into credential (api_key, account_id, operator_id, secrets) select 'key_of_plans_' || n, $2, $1, '{whsec_AAAA}' from generate_series(1, ${MANY}) n where $3::uuid is not null`,
  `insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at) select $3, sha256(n::text::bytea), $1, $2, 'EUR', now() + interval '1 day' from generate_series(1, ${MANY}) n`,
  `insert into export (operator_id, report, format, filters, keep_days) select $1, 'revenue', 'csv', '{}', 7 from generate_series(1, ${MANY}) where $2::int > 0 and $3::uuid is not null`,
  `insert into export_schedule (operator_id, idempotency_key, digest, name, report, format, filters, period, at, keep_days, next_day, next_at)
   select $1, 'of plans ' || n, sha256(''), 'of plans', 'revenue', 'csv', '{}', 'day', '06:00', 7, current_date, now() from generate_series(1, ${MANY}) n where $2::int > 0 and $3::uuid is not null`,
  `insert into locked_day (operator_id, day, lanes, batches) select $1, current_date - n, '{}', '{}' from generate_series(5, 30) n where $2::int > 0 and $3::uuid is not null`,
];
const PLANTED = { operator: 1, account: 2, player: 3, reference: 4 };

export interface Asked {
  /** answers few rows, and many */
  readonly small: string;
  readonly large: string;
  /** statements of an answer, however large it is; what looks whether an answer is kept already is among them, beginning, committing and asking whose key it is are not */
  readonly statements: number;
  /** further ways to ask, which may be answered by other statements */
  readonly others?: readonly string[];
}

export class PlansGround {
  database!: TestDatabase;
  served!: InProcess;
  platform!: Platform;
  operator!: string;
  private cluster!: TestCluster;

  /** Resolves with what the routes of `asked` are asked for. */
  async open(): Promise<void> {
    this.cluster = await startCluster({ settings: { shared_preload_libraries: 'pg_stat_statements' } });
    this.database = await cloneTemplate(this.cluster.postgres.superuserUrl('postgres'));
    ({ operatorId: this.operator } = await seedHistory(this.database.url('croupier_owner'), { transactions: ROWS, players: PLAYERS, days: DAYS }));
    await fed(this.database, ...PROJECTIONS);
    const { account_id: account, player_id: player } = await this.busiest();
    const values = [this.operator, account, player, fingerprint('of plans')];
    for (const text of REST) await this.sql(text, values.slice(0, text.includes(`$${PLANTED.reference}`) ? PLANTED.reference : PLANTED.player));
    // One by one: what is committed and not flushed yet is visible to all, and vacuum does not know it.
    await this.sql('checkpoint');
    await this.sql('vacuum analyze');
    this.served = await serveHere(this.database, { ...rolesOn(this.database, 'office'), API_KEY_PER_SECOND: '5000', API_IP_PER_SECOND: '50000' });
    this.platform = new Platform(this.served.baseUrl, await plantKey(this.database, this.operator));
  }

  async close(): Promise<void> {
    await this.served?.close();
    await this.cluster?.stop();
  }

  sql<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]> {
    return asSuperuser<Row>(this.database.url('superuser'), text, values);
  }

  /** Of the player who plays most: a round, with its bet. */
  async busiest(): Promise<{ player_id: string; account_id: number; reference: string; round: string; transaction_id: string; game_id: string }> {
    const [row] = await this.sql<Awaited<ReturnType<PlansGround['busiest']>>>(`select t.player_id, t.account_id, t.reference, t.round, t.transaction_id, t.game_id
      from player p join transaction t on t.player_id = p.player_id where p.external_id = 'seeded-1' and t.kind = 'bet' order by t.version limit 1`);
    return row as Awaited<ReturnType<PlansGround['busiest']>>;
  }

  /** Every GET route of the operator's API by its name. */
  async asked(): Promise<Readonly<Record<string, Asked>>> {
    const { player_id: player, account_id: account, reference, round, transaction_id: transaction, game_id: game } = await this.busiest();
    const [exported] = await this.sql<{ id: string }>('select export_id as id from export limit 1');
    const day = (back: number) => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    const at = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const page = (path: string, statements: number, ...others: string[]): Asked => {
      const limited = (limit: number) => `${path}${path.includes('?') ? '&' : '?'}limit=${limit}`;
      return { small: limited(10), large: limited(100), statements, others: others.map((more) => `${limited(20)}&${more}`) };
    };
    const one = (path: string, statements: number, large = path, ...others: string[]): Asked => ({ small: path, large, statements, others });
    const revenue = (days: number, more: string) => `/v1/reports/revenue?from=${day(days)}&to=${day(1)}&${more}`;
    const period = `from=${day(29)}&to=${day(0)}`;
    return {
      'GET /v1/players/:playerId/wallets/:currency/transactions': page(`/v1/players/${player}/wallets/EUR/transactions`, 4, 'order=asc', 'kind=win', `from=${at(200)}&to=${at(100)}`, `order=asc&from=${at(200)}`),
      'GET /v1/transactions/:transactionId': one(`/v1/transactions/${transaction}`, 1),
      'GET /v1/players/:playerId/transactions': one(`/v1/players/${player}/transactions?reference=${reference}`, 2),
      'GET /v1/players/:playerId/rounds/:accountId/:roundId': one(`/v1/players/${player}/rounds/${account}/${round}`, 2),
      'GET /v1/rounds': page('/v1/rounds', 3, 'order=asc', 'state=open', 'state=open&order=asc', 'state=closed', 'state=closed&order=asc', `playerId=${player}`, `playerId=${player}&order=asc`),
      'GET /v1/rounds/open/ages': one('/v1/rounds/open/ages', 4),
      'GET /v1/reports/revenue': one(revenue(2, 'groupBy=day,game'), 13, revenue(28, 'groupBy=day,game'), ...['day', 'day,provider', 'provider', 'game', 'currency'].map((by) => revenue(27, `groupBy=${by}`))),
      'GET /v1/reports/revenue/transactions': page(`/v1/reports/revenue/transactions?${period}&currency=EUR`, 5, `playerId=${player}`),
      'GET /v1/reports/revenue/rounds': page(`/v1/reports/revenue/rounds?${period}&currency=EUR`, 4, 'of=ended', `playerId=${player}`, `playerId=${player}&of=ended`),
      'GET /v1/reports/revenue/players': page(
        `/v1/reports/revenue/players?${period}`, 4, 'currency=EUR', `accountId=${account}&currency=EUR`, `accountId=${account}&gameId=${game}&currency=EUR`, `firstBetBefore=${at(200)}`),
      'GET /v1/reports/days': one(`/v1/reports/days?from=${day(7)}&to=${day(6)}`, 2, `/v1/reports/days?from=${day(40)}&to=${day(0)}`),
      'GET /v1/reports/dashboard': one('/v1/reports/dashboard?top=1', 11, '/v1/reports/dashboard?top=20'),
      'GET /v1/players/:playerId/statement': page(`/v1/players/${player}/statement?currency=EUR&from=${at(400)}&to=${at(0)}`, 3),
      'GET /v1/players/:playerId/games': one(`/v1/players/${player}/games?from=${day(2)}&to=${day(1)}`, 6, `/v1/players/${player}/games?from=${day(29)}&to=${day(0)}`),
      'GET /v1/calls': page('/v1/calls', 1, 'code=UNAVAILABLE', `playerId=${player}`, 'reference=of+plans', `from=${at(3)}&to=${at(1)}`),
      'GET /v1/calls/:requestId': one('/v1/calls/r7', 1),
      'GET /v1/reports/providers/health': one(`/v1/reports/providers/health?from=${at(1)}`, 2, `/v1/reports/providers/health?from=${at(5)}`, `/v1/reports/providers/health?accountId=${account}`),
      'GET /v1/exports': page('/v1/exports', 1),
      'GET /v1/exports/:exportId': one(`/v1/exports/${exported?.id}`, 1),
      'GET /v1/exports/schedules': page('/v1/exports/schedules', 1),
      'GET /v1/operator': one('/v1/operator', 1),
      'GET /v1/players': page('/v1/players', 2),
      'GET /v1/players/:playerId': one(`/v1/players/${player}`, 2),
      'GET /v1/players/:playerId/wallets': one(`/v1/players/${player}/wallets`, 4),
      'GET /v1/players/:playerId/sessions': page(`/v1/players/${player}/sessions`, 2),
      'GET /v1/provider-accounts': page('/v1/provider-accounts', 1),
      'GET /v1/provider-accounts/:accountId': one(`/v1/provider-accounts/${account}`, 1),
      'GET /v1/provider-accounts/:accountId/games': page(`/v1/provider-accounts/${account}/games`, 2),
      'GET /v1/provider-accounts/:accountId/games/:gameId': one(`/v1/provider-accounts/${account}/games/${game}`, 1),
      'GET /v1/provider-accounts/:accountId/credentials': page(`/v1/provider-accounts/${account}/credentials`, 3),
      'GET /v1/api-keys': page('/v1/api-keys', 1),
    };
  }
}
