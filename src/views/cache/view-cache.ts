/**
 * Read models kept by the version of what they show: operator, query, request and version are the key, so that nothing is ever invalidated and
 * no race can leave an old answer under a new key. What the version is now is read from the database, at most every LEARN_MS for the same
 * thing, and as often as a caller's token asks for something newer.
 */
import { createHash } from 'node:crypto';
import { createCache, type Cache } from 'cache-manager';
import { Keyv, type KeyvStoreAdapter } from 'keyv';
import { SCHEMA_NEEDED } from '../../../migrations/needed.ts';
import { isNobodyThere, type Reads } from '../reads.ts';
import { seen, type Seen, type View } from '../view.ts';
import { CacheMetrics, type CacheResult, type Registry } from './cache-metrics.ts';
import type { Cached, CachedQuery } from './cached.ts';
import { Memory } from './memory.ts';
import { RedisTier } from './redis.ts';

export interface ViewCacheOptions {
  readonly registry: Registry;
  readonly redisUrl?: string;
  readonly memory?: { readonly entries: number; readonly bytes: number };
}

type Execute = (query: CachedQuery) => Promise<View<unknown>>;

/** The body as JSON: written once, it goes out as it is, nobody can change it, and it is one thing for whoever clears up the memory. */
interface Kept {
  readonly text: string;
}

/** A question on its way to its answer. */
interface Asking<Asked extends CachedQuery> {
  readonly cached: Cached<Asked>;
  readonly query: Asked;
  readonly execute: Execute;
  /** what the caller has shown: nothing older than that is given */
  readonly token: string | undefined;
  readonly question: string;
  /** names what the answer follows from, whose versions are learnt */
  readonly what: string;
}

/** What an answer would show, as a server told it then. */
interface Learnt {
  readonly seen: Seen;
  readonly at: number;
}

/** What Keyv puts around a value. */
interface Enveloped {
  readonly value: Kept;
  /** milliseconds since 1970 */
  readonly expires?: number | null;
  readonly bytes: number;
}

/** Of a report: what was given last to the same question. */
interface Given extends Kept {
  readonly seen: Seen;
  readonly bytes: number;
}

/** By then a change that another process made is known. */
const LEARN_MS = 250;
const TTL_MS = 60_000;
const MEMORY = { entries: 20_000, bytes: 64 * 2 ** 20 };
const VERSIONS = { entries: 50_000, bytes: Infinity };
/** Answers read anew while an older one is given. */
const MOST_REFRESHES = 4;
/** Of what processes share: raised with the form of `Kept`, so that none reads what another version of this program wrote. */
const FORM = 2;

/** What came shows another version than was asked for, or nothing. */
class Other extends Error {
  constructor(readonly view: View<unknown>) { super('another version'); }
}

export class ViewCache {
  private readonly memory: Memory<Enveloped>;
  private readonly tiers: Cache;
  private readonly redis: RedisTier | undefined;
  private readonly metrics: CacheMetrics;
  private readonly known = new Memory<Learnt & { readonly older?: Learnt; readonly bytes: number }>(VERSIONS);
  private readonly learning = new Map<string, Promise<Seen>>();
  /** keys that are being read */
  private readonly loading = new Set<string>();
  private readonly last: Memory<Given>;
  private refreshes = 0;

  constructor(private readonly reads: Reads, { registry, redisUrl, memory = MEMORY }: ViewCacheOptions) {
    this.memory = new Memory(memory);
    this.last = new Memory({ entries: memory.entries, bytes: memory.bytes / 4 });
    this.metrics = new CacheMetrics(registry, this.memory);
    this.redis = redisUrl === undefined ? undefined : new RedisTier(redisUrl, `croupier:${SCHEMA_NEEDED}.${FORM}`, (result) => this.metrics.redis(result));
    const near = new Keyv({ store: keyvStoreOf(this.memory), useKeyPrefix: false, serialize: undefined, deserialize: undefined });
    const far = this.redis && new Keyv({ store: this.redis, useKeyPrefix: false });
    this.tiers = createCache({ stores: far ? [near, far] : [near] });
  }

  close(): void {
    this.redis?.close();
  }

  /** The answer to that question, kept or read by `execute`. Fails as `execute` does. */
  async answer<Asked extends CachedQuery>(cached: Cached<Asked>, query: Asked, execute: Execute): Promise<View<unknown>> {
    const token = query.asker.token ?? (await cached.token?.(query));
    const asking: Asking<Asked> = { cached, query, execute, token, question: questionOf(cached.view, query), what: whatOf(cached, query) };
    const known = await this.learn(asking).catch((error: unknown) => {
      const kept = isNobodyThere(error) ? this.newest(asking) : undefined;
      if (!kept) throw error;
      return { ...kept, late: true as const };
    });
    try {
      // Told by a server that is gone now, what was known last may be newer than what another one says.
      return await this.given(asking, this.newest(asking, known.asOf) ?? known);
    } catch (error) {
      if (token !== undefined || !isNobodyThere(error)) throw error;
      // Nobody there has what was known of. To who has shown nothing as new as that, what there is is given, as of when it is.
      return this.given(asking, { ...(await this.learn(asking, true)), late: true });
    }
  }

  /** What was known last, where its answer is here, would do for the token, and is newer than that. */
  private newest<Asked extends CachedQuery>({ what, question, token }: Asking<Asked>, asOf = ''): Seen | undefined {
    const seen = this.known.get(what)?.seen;
    const isHere = seen?.version !== undefined && seen.asOf > asOf && this.memory.has(`${question} ${seen.version}`);
    return isHere && (token === undefined || seen.covers?.(token) === true) ? seen : undefined;
  }

  private async given<Asked extends CachedQuery>(asking: Asking<Asked>, known: Seen): Promise<View<unknown>> {
    const { cached: { view: name, staleMs = 0 }, query, execute, token, question } = asking;
    if (known.version === undefined) {
      this.metrics.view(name, 'passed');
      return execute(query);
    }
    const last = staleMs > 0 ? this.last.get(question) : undefined;
    const stale = last?.seen;
    const kept = (view: View<unknown>): View<unknown> => {
      if (staleMs > 0 && view.text !== undefined) this.last.set(question, { seen: seenOf(view), text: view.text, bytes: view.text.length });
      return view;
    };
    const ageMs = stale ? Date.parse(known.asOf) - Date.parse(stale.asOf) : Infinity;
    const isNear = stale?.version === known.version || this.memory.has(`${question} ${known.version}`);
    if (stale && !isNear && ageMs <= staleMs && (token === undefined || stale.covers?.(token) === true)) {
      if (this.refreshes < MOST_REFRESHES) this.refresh(this.found(asking, known).then(kept));
      this.metrics.view(name, 'stale');
      return keptView({ ...stale, ageMs: Math.max(0, ageMs) }, last?.text ?? '');
    }
    return kept(await this.found(asking, known));
  }

  private refresh(work: Promise<unknown>): void {
    this.refreshes++;
    void work.catch(() => undefined).finally(() => { this.refreshes--; });
  }

  /** What that version of the answer is: from the tiers, or read, once for all who ask for it at a time. */
  private async found<Asked extends CachedQuery>({ cached: { view: name, ttlMs = TTL_MS }, query, execute, question }: Asking<Asked>, known: Seen): Promise<View<unknown>> {
    const key = `${question} ${known.version}`;
    // Most answers are near, and the tiers' own way to them costs as much as all the rest of such an answer.
    const near = this.memory.get(key);
    if (near && (near.expires ?? Infinity) > Date.now()) {
      this.metrics.view(name, 'hit');
      return keptView(known, near.value.text);
    }
    let result = (this.loading.has(key) ? 'joined' : 'hit') as CacheResult;
    const ttl = () => Math.round(ttlMs * (0.8 + Math.random() * 0.2));
    const load = async (): Promise<Kept> => {
      result = 'miss';
      // Not older than what is known: another replica may be further behind.
      const asked = Object.assign(Object.create(Object.getPrototypeOf(query) as object) as Asked, query, { asker: { ...query.asker, token: known.token } });
      this.loading.add(key);
      try {
        const view = await execute(asked);
        if (view.body === undefined || view.version !== known.version) throw new Other(view);
        return keptOf(view.body);
      } finally {
        this.loading.delete(key);
      }
    };
    try {
      return keptView(known, (await this.tiers.wrap<Kept>(key, load, { ttl })).text);
    } catch (error) {
      if (!(error instanceof Other)) {
        result = 'error';
        throw error;
      }
      const { view } = error;
      const late = known.late && { late: known.late };
      if (view.version === undefined) return { ...view, ...late };
      if (view.body === undefined) return { ...view, ...late, exact: true };
      const kept = keptOf(view.body);
      if (result === 'miss') await this.tiers.set(`${question} ${view.version}`, kept, ttl());
      return keptView({ ...seenOf(view), ...late }, kept.text);
    } finally {
      this.metrics.view(name, result);
    }
  }

  /** What a question's answer would show now, and how new that is. `anew`: not what was learnt a moment ago. */
  private async learn<Asked extends CachedQuery>({ cached: { projections, besides }, query, token, what }: Asking<Asked>, anew = false): Promise<Seen> {
    const { operator } = query.asker;
    const kept = anew ? undefined : this.known.get(what);
    const isGood = (learnt: Learnt | undefined) => learnt && performance.now() - learnt.at < LEARN_MS && (token === undefined || learnt.seen.covers?.(token) === true);
    const good = [kept, kept?.older].find(isGood);
    if (good) return good.seen;
    const flight = `${what} ${token ?? ''}`;
    const begun = this.learning.get(flight);
    if (begun) return begun;
    const at = performance.now();
    const work = this.reads.at(token).projected(operator, projections, [], besides?.(query) ?? []).then(seen).then((now) => {
      const before = this.known.get(what);
      const learnt = { seen: now, at, bytes: 0 };
      // A server that is further behind, where the others are gone, is not asked each time for that.
      this.known.set(what, before && before.seen.asOf > now.asOf ? { ...before, older: learnt } : learnt);
      return now;
    }).finally(() => this.learning.delete(flight));
    this.learning.set(flight, work);
    return work;
  }
}

/** The operator stands in front, for whoever looks at the keys. */
function questionOf(view: string, { asker, ...request }: CachedQuery): string {
  return `${asker.operator} ${view} ${createHash('sha256').update(JSON.stringify(inOrder(request))).digest('base64url')}`;
}

/** Positions of projections are the same for every tenant. */
function whatOf<Asked extends CachedQuery>({ projections, besides }: Cached<Asked>, query: Asked): string {
  const steps = besides?.(query) ?? [];
  return JSON.stringify(steps.length === 0 ? [projections] : [projections, query.asker.operator, steps.map(({ name, values }) => [name, values])]);
}

/** The same question is the same text, in whatever order its parts were put. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  return Object.entries(value).filter(([, part]) => part !== undefined).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, part]) => [name, inOrder(part)]);
}

const keptOf = (body: unknown): Kept => ({ text: JSON.stringify(body) });

const seenOf = ({ asOf, token, version, covers, late }: Seen): Seen =>
  ({ asOf, token, ...(version !== undefined && { version }), ...(covers && { covers }), ...(late && { late }) });

/** A kept answer as it was when it was read; `body` is made of its text each time, so that what one does to it is nobody else's. */
const keptView = (seen: Seen, text: string): View<unknown> => ({ ...seen, exact: true, text, get body() { return JSON.parse(text) as unknown; } });

/** Keyv takes a map; its envelope bears the weight of what is in it. */
const keyvStoreOf = (memory: Memory<Enveloped>): KeyvStoreAdapter => ({
  opts: {},
  on: () => undefined,
  get: async (key: string) => memory.get(key),
  set: (key: string, value: Omit<Enveloped, 'bytes'>) => { memory.set(key, { ...value, bytes: value.value.text.length }); },
  delete: async (key: string) => memory.delete(key),
  clear: async () => { memory.clear(); },
}) as unknown as KeyvStoreAdapter;
