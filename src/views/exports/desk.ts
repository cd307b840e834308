/** Exports as their operator sees them: asked for, listed, cancelled, fetched. Each statement runs for one operator behind the tenants' wall. */
import { createHash } from 'node:crypto';
import { openCursor, sealCursor } from '../../../libs/http/index.ts';
import { statement, type Field, type Step, type TenantPool } from '../../../libs/postgres/index.ts';
import { notFound, refuse } from '../../access/contract.ts';
import { gigabytes, LIMITS } from './limits.ts';
import { spanOf, type Format } from './period.ts';
import type { ExportView, NewExport, PageOf } from './schema.ts';

const ms = (column: string) => `round(date_part('epoch', ${column}) * 1000)::int8`;
const VIEW = `e.export_id, e.report, e.format, e.filters, case when e.state = 'done' and e.expires_at <= now() then 'expired' else e.state::text end,
  e.percent, e.rows_done, e.rows_expected, e.bytes, ${ms('e.created_at')}, ${ms('e.started_at')}, ${ms('e.ended_at')}, ${ms('e.as_of')}, ${ms('e.expires_at')},
  e.schedule_id, ${ms('e.due_at')}, e.why, e.pieces`;

/** args: operator. Those who ask at the same time are counted one after the other. */
const inTurn = statement('export_in_turn', "select pg_advisory_xact_lock(hashtext('exports are asked for'), hashtext($1))");
/** args: operator, most a day · answers how many are under way, how many were asked for within a day, bytes that are stored */
const HAD = `select (select count(*) from export x where x.operator_id = $1::uuid and x.state in ('waiting', 'running')) as open,
  (select count(*) from (select from export x where x.operator_id = $1::uuid and x.export_id > (select uuidv7(interval '-1 day')) and x.idempotency_key is not null limit $2::int) a) as today,
  (select coalesce(sum(x.stored), 0) from export x where x.operator_id = $1::uuid and x.pieces > 0) as stored`;
const askHad = statement<[open: string, today: string, stored: string]>('export_had', HAD);
/** args: operator, most a day, key, digest, report, format, filters, period or null, days, most open ones, most bytes · a row where it is new and not one too many */
const insert = statement('export_insert', `
insert into export (operator_id, idempotency_key, digest, report, format, filters, keep_days)
select o.operator_id, $3, decode($4, 'hex'), $5, $6, $7::jsonb || ${spanOf('o', '$5', '$8::text', 'now()')}, $9::smallint from operator o cross join (${HAD}) had
where o.operator_id = $1::uuid and had.open < $10::int and had.today < $2::int and had.stored < $11::int8
on conflict (operator_id, idempotency_key) do nothing returning export_id`);
/** args: operator, key · answers the digest, then the export */
const byKey = statement('export_by_key', `select encode(e.digest, 'hex'), ${VIEW} from export e where e.operator_id = $1::uuid and e.idempotency_key = $2`);
const byId = statement('export_by_id', `select ${VIEW} from export e where e.operator_id = $1::uuid and e.export_id = $2::uuid`);
/** What is under way is cancelled; what has ended without a file stays. */
const remove = statement('export_remove', `
update export e set state = case e.state when 'done' then 'expired' else 'cancelled' end::export_state, ended_at = coalesce(e.ended_at, now()), expires_at = case e.state when 'done' then least(e.expires_at, now()) end,
  lanes = null, batches = null, token = null
where e.operator_id = $1::uuid and e.export_id = $2::uuid and e.state in ('waiting', 'running', 'done') returning e.state, e.format`);
const cancel = statement('export_cancel', `update export e set state = 'cancelled', ended_at = now(), lanes = null, batches = null, token = null
where e.operator_id = $1::uuid and e.export_id = $2::uuid and e.state in ('waiting', 'running') returning e.state, e.format`);
const older = statement('exports_older', `select ${VIEW} from export e where e.operator_id = $1::uuid and e.export_id < $2::uuid order by e.export_id desc limit $3::int`);
const newer = statement('exports_newer', `select ${VIEW} from export e where e.operator_id = $1::uuid and e.export_id > $2::uuid order by e.export_id limit $3::int`);
/** Of a piece at a time: what comes in one read of a socket, and so never lies in two places. */
const PART_BYTES = 45_000;
/** args: operator, export, place, from which byte on (1 is the first) · for `copyPart`, which can have none */
const choosePart = statement('export_part_chosen', `
select set_config('croupier.export_of', $1, true), set_config('croupier.export', $2, true), set_config('croupier.export_place', $3, true),
  set_config('croupier.export_from', $4, true)`);
/** Of the chosen part what may still be fetched: one row of one column, in PostgreSQL's binary form, or none. */
const copyPart = statement('export_part', `
copy (select substring(p.bytes from current_setting('croupier.export_from')::int for ${PART_BYTES}) from export_piece p join export e on e.export_id = p.export_id
  where p.operator_id = current_setting('croupier.export_of')::uuid and p.export_id = current_setting('croupier.export')::uuid
    and p.place = current_setting('croupier.export_place')::int and e.state = 'done' and e.expires_at > now()) to stdout (format binary)`);
/** Behind the form's own header and the row's: how long its column is, and that; without a row there is less. */
const COPY = { length: 21, bytes: 25, trailer: 2 };
const askKey = statement('export_cursor_key', "select encode(cursor_key, 'hex') from configuration");
const findWallet = statement('export_has_wallet', 'select from wallet where operator_id = $1::uuid and player_id = $2::uuid and currency = $3');

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
  readonly previousCursor?: string;
}

export interface File {
  readonly view: ExportView & { readonly format: Format };
  readonly pieces: number;
}

interface Listed<Item> {
  readonly operator: string;
  readonly list: string;
  readonly query: PageOf;
  readonly rows: (back: boolean, from: string, take: number) => Step;
  readonly itemOf: (row: readonly Field[]) => Item;
  readonly idOf: (item: Item) => string;
}

export class ExportDesk {
  private key: Buffer | undefined;

  /** `cancelled`: one was, of that format. */
  constructor(private readonly tenants: TenantPool, private readonly cancelled: (format: string) => void) {}

  /** The export, and whether the same command had asked for it before. */
  async create(operator: string, key: string, asked: NewExport): Promise<{ readonly view: ExportView; readonly again: boolean }> {
    const { report, format, keepDays } = asked;
    const { period = null, ...filters } = asked.filters as Readonly<Record<string, unknown>> & { period?: string };
    if (asked.report === 'statement') await this.expectWallet(operator, asked.filters);
    const digest = digestOf('export', asked);
    const made = [operator, LIMITS.aDay, key, digest, report, format, JSON.stringify(filters), period, keepDays, LIMITS.open, LIMITS.stored];
    const [, had, inserted, found] = await this.write(operator, [inTurn([operator]), askHad([operator, LIMITS.aDay]), insert(made), byKey([operator, key])]);
    const [known, ...row] = found?.[0] ?? [];
    if (known === undefined) throw oneTooMany(had?.[0] ?? []);
    if (known !== digest) throw refuse('TRANSACTION_CONFLICT', 'this Idempotency-Key is known with another command');
    return { view: viewOf(row), again: inserted?.length !== 1 };
  }

  async get(operator: string, id: string): Promise<ExportView> {
    return viewOf(await this.row(operator, id));
  }

  /** One that has ended stays as it ended. */
  async cancel(operator: string, id: string): Promise<ExportView> {
    return this.end(operator, id, cancel);
  }

  /** Its file is gone at once, and what it takes up soon. */
  async remove(operator: string, id: string): Promise<ExportView> {
    return this.end(operator, id, remove);
  }

  private async end(operator: string, id: string, how: typeof cancel): Promise<ExportView> {
    const [[ended] = [], found] = await this.write(operator, [how([operator, id]), byId([operator, id])]);
    if (!found?.[0]) throw notFound();
    if (ended?.[0] === 'cancelled') this.cancelled(ended[1] as string);
    return viewOf(found[0]);
  }

  list(operator: string, query: PageOf): Promise<Page<ExportView>> {
    return this.page({
      operator, list: 'exports', query, itemOf: viewOf, idOf: ({ exportId }) => exportId,
      rows: (back, from, take) => (back ? newer : older)([operator, from, take]),
    });
  }

  /** Throws where there is no file, with the reason. */
  async file(operator: string, id: string): Promise<File> {
    const row = await this.row(operator, id);
    const view = viewOf(row);
    if (view.state === 'expired') throw refuse('EXPORT_EXPIRED', `the file could be fetched until ${view.expiresAt}: ask for it anew`);
    if (view.state !== 'done') throw refuse('EXPORT_NOT_READY', NO_FILE[view.state](view), { retryable: view.state === 'waiting' || view.state === 'running' });
    return { view, pieces: Number(row[PIECES]) };
  }

  /** Its pieces part by part, each good until the next is asked for. Throws where one is not there any more. */
  async *parts(operator: string, id: string, pieces: number): AsyncGenerator<Buffer> {
    const memory = Buffer.allocUnsafeSlow(COPY.bytes + PART_BYTES + COPY.trailer);
    for (let place = 0; place < pieces; place++) {
      for (let from = 1, length = PART_BYTES; length === PART_BYTES; from += length) {
        const copied = await this.tenants.copy(operator, [choosePart([operator, id, place, from]), copyPart()], memory);
        if (copied < COPY.bytes + COPY.trailer) throw new Error('a piece of the file is not there any more');
        length = memory.readInt32BE(COPY.length);
        if (length > 0) yield memory.subarray(COPY.bytes, COPY.bytes + length);
      }
    }
  }

  /** Newest first, for lists by an id that grows with time. */
  async page<Item>({ operator, list, query, rows, itemOf, idOf }: Listed<Item>): Promise<Page<Item>> {
    const key = (this.key ??= await this.askKey(operator));
    const scope = [list, operator];
    const position = query.cursor === undefined ? undefined : openCursor(key, scope, query.cursor);
    if (query.cursor !== undefined && !position) {
      throw refuse('REQUEST_INVALID', 'query: cursor', { errors: [{ field: 'cursor', message: 'not a cursor of this list' }] });
    }
    const back = position?.[0] === 'previous';
    const [found = []] = await this.tenants.as(operator, [rows(back, String(position?.[1] ?? LAST), query.limit + 1)]);
    const items = found.slice(0, query.limit).map(itemOf);
    if (back) items.reverse();
    const further = found.length > query.limit;
    const seal = (way: 'next' | 'previous', item: Item | undefined) => (item === undefined ? undefined : sealCursor(key, scope, [way, idOf(item)]));
    const nextCursor = back || further ? seal('next', items.at(-1)) : undefined;
    const previousCursor = (back ? further : position !== undefined) ? seal('previous', items[0]) : undefined;
    return { items, ...(nextCursor !== undefined && { nextCursor }), ...(previousCursor !== undefined && { previousCursor }) };
  }

  /** What nobody has is refused before anything is made of it. */
  async expectWallet(operator: string, { playerId, currency }: { readonly playerId: string; readonly currency: string }): Promise<void> {
    const [found] = await this.tenants.as(operator, [findWallet([operator, playerId, currency])]);
    if (found?.length === 1) return;
    const errors = [{ field: 'filters.playerId', message: 'no player of this operator with a wallet in this currency' }];
    throw refuse('REQUEST_INVALID', 'body: filters.playerId', { errors });
  }

  write(operator: string, steps: readonly Step[]): Promise<readonly Field[][][]> {
    return this.tenants.as(operator, steps, 'writing');
  }

  read(operator: string, steps: readonly Step[]): Promise<readonly Field[][][]> {
    return this.tenants.as(operator, steps);
  }

  private async row(operator: string, id: string): Promise<readonly Field[]> {
    const [found] = await this.tenants.as(operator, [byId([operator, id])]);
    if (!found?.[0]) throw notFound();
    return found[0];
  }

  private async askKey(operator: string): Promise<Buffer> {
    const [rows] = await this.tenants.as(operator, [askKey()]);
    return Buffer.from(rows?.[0]?.[0] ?? '', 'hex');
  }
}

function oneTooMany([open, today]: readonly Field[]): Error {
  const after = (seconds: number) => ({ headers: { 'retry-after': String(seconds) } });
  if (Number(open) >= LIMITS.open) return refuse('THROTTLED', `${LIMITS.open} exports are under way already: wait for one of them, or cancel it`, after(10));
  if (Number(today) >= LIMITS.aDay) return refuse('THROTTLED', `${LIMITS.aDay} exports were asked for within 24 hours: ask later, or for more at once`, after(3_600));
  return refuse('THROTTLED', `the files kept take up ${gigabytes(LIMITS.stored)} or more: delete some of them, or wait until they expire`, after(60));
}

const NO_FILE: Readonly<Record<'waiting' | 'running' | 'failed' | 'cancelled', (view: ExportView) => string>> = {
  waiting: () => 'the file is not there yet: no worker has begun it',
  running: ({ percent }) => `the file is not there yet: ${percent} percent of it are made`,
  failed: ({ why }) => `there is no file: ${why}`,
  cancelled: () => 'there is no file: the export was cancelled',
};

const PIECES = 17;

/** Names what a command asks, so that its key is good for nothing else. */
export const digestOf = (command: string, content: unknown): string => createHash('sha256').update(`1 ${command} ${JSON.stringify(content)}`).digest('hex');

const timeOf = (name: string, value: Field | undefined) => (value == null ? {} : { [name]: new Date(Number(value)).toISOString() });
export const filtersOf = (text: Field | undefined) => JSON.parse(text ?? '{}') as Record<string, string | number>;

function viewOf(row: readonly Field[]): ExportView & { readonly format: Format } {
  const [id, report, format, filters, state, percent, rows, expected, bytes, created, started, ended, asOf, expires, schedule, due, why] = row;
  return {
    exportId: id as string, report: report as string, format: format as Format, filters: filtersOf(filters), state: state as ExportView['state'],
    percent: Number(percent), rows: Number(rows), ...(expected != null && { rowsExpected: Number(expected) }), bytes: Number(bytes),
    createdAt: new Date(Number(created)).toISOString(), ...timeOf('startedAt', started), ...timeOf('endedAt', ended), ...timeOf('asOf', asOf),
    ...timeOf('expiresAt', expires), ...(schedule != null && { scheduleId: schedule }), ...timeOf('dueAt', due), ...(why != null && { why }),
  };
}
