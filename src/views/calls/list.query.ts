import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { fingerprint } from '../../../libs/crypto/index.ts';
import type { CursorPosition } from '../../../libs/http/index.ts';
import { statement } from '../../../libs/postgres/index.ts';
import { Cursors } from '../cursors.ts';
import { Reads } from '../reads.ts';
import { seen, type Asker, type View } from '../view.ts';
import { CALL, callOf } from './row.ts';
import type { CallFilters, LoggedCall } from './schema.ts';
import { written } from './written.ts';

export interface CallsPage {
  readonly items: readonly LoggedCall[];
  readonly nextCursor?: string;
}

/** Calls of providers, newest first, page by page. */
export class CallsByTime extends Query<View<CallsPage>> {
  constructor(readonly asker: Asker, readonly filters: CallFilters) { super(); }
}

/**
 * args: operator · from, to · the row behind which the page begins · account, code, result, player · rows · with `reference` its fingerprint
 * The time of the row where the page begins leaves out the days behind it.
 */
const WHERE = (of: string) => `${of}.operator_id = $1::uuid and ${of}.at >= $2::timestamptz and ${of}.at < $3::timestamptz and ${of}.at <= $4::timestamptz
  and (${of}.at, ${of}.call_id) < ($4::timestamptz, $5::uuid)`;
const CODE = '($7::text is null or l.code = $7::text)';
const PLAYER = '($9::uuid is null or l.player_id = $9::uuid)';
const FITS = '($6::int is null or l.account_id = $6::int) and ($8::text is null or l.result = $8::call_result)';
const SORTED = 'order by l.at desc, l.call_id desc limit $10::int';

/** Which index holds the rows in this order: of all, of a code, of a player. */
const PAGES = {
  all: statement('view_calls', `select ${CALL} from call_log l where ${WHERE('l')} and ${CODE} and ${PLAYER} and ${FITS} ${SORTED}`),
  code: statement('view_calls_code', `select ${CALL} from call_log l where ${WHERE('l')} and l.code = $7::text and ${PLAYER} and ${FITS} ${SORTED}`),
  player: statement('view_calls_player', `select ${CALL} from call_log l where ${WHERE('l')} and l.player_id = $9::uuid and ${CODE} and ${FITS} ${SORTED}`),
  reference: statement('view_calls_reference', `
select ${CALL} from call_reference r join lateral (
  select * from call_log where operator_id = $1::uuid and at = r.at and call_id = r.call_id offset 0) l on true
where ${WHERE('r')} and r.reference = $11::uuid and ${CODE} and ${PLAYER} and ${FITS} order by r.at desc, r.call_id desc limit $10::int`),
} as const;

interface Place {
  readonly at: number;
  readonly callId: string;
  readonly token: string;
}

/** All that chooses rows; a cursor is good for nothing else. */
const scopeOf = ({ operator }: Asker, { reference, playerId, accountId, code, result, from, to }: CallFilters): string[] =>
  ['calls', operator, reference ?? '', playerId ?? '', String(accountId ?? ''), code ?? '', result ?? '', from ?? '', to ?? ''];

@QueryHandler(CallsByTime)
export class CallsByTimeHandler implements IQueryHandler<CallsByTime> {
  private readonly cursors: Cursors;

  constructor(private readonly reads: Reads) {
    this.cursors = new Cursors(reads);
  }

  async execute({ asker, filters }: CallsByTime): Promise<View<CallsPage>> {
    const cursors = await this.cursors.of(asker.operator, scopeOf(asker, filters));
    const place = placeOf(cursors.open(filters.cursor));
    const { reference, playerId, code, limit } = filters;
    const by = reference !== undefined ? 'reference' : playerId !== undefined ? 'player' : code !== undefined ? 'code' : 'all';
    const values = valuesOf(asker, filters, place);
    const page = PAGES[by](reference === undefined ? values : [...values, fingerprint(reference)]);
    const answer = await this.reads.at(asker.token ?? place?.token).as(asker.operator, [page]);
    const [found] = answer.rows;
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    const nextCursor = last && cursors.seal([Number(last[0]), last[1] ?? '', answer.token]);
    return { ...written(seen(answer)), body: { items: rows.map(callOf), ...(nextCursor !== undefined && { nextCursor }) } };
  }
}

function valuesOf({ operator }: Asker, { accountId, code, result, playerId, from, to, limit }: CallFilters, place: Place | undefined): (string | number | null)[] {
  return [
    operator, from ?? '-infinity', to ?? 'infinity', place ? new Date(place.at).toISOString() : 'infinity', place?.callId ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
    accountId ?? null, code ?? null, result ?? null, playerId ?? null, limit + 1,
  ];
}

function placeOf(position: CursorPosition | undefined): Place | undefined {
  if (!position) return undefined;
  const [at, callId, token] = position;
  return { at: Number(at), callId: String(callId), token: String(token) };
}
