import { timingSafeEqual } from 'node:crypto';
import { statement, type TenantPool } from '../../libs/postgres/index.ts';
import { Fault } from '../wallet/contract.ts';
import { hashOfKey, readKey, type NamedKey } from './key.ts';
import type { Permission } from './permissions.ts';
import { permissionsOf } from './roles.ts';

/** Who calls: a key of one operator, and what it may do. */
export interface Caller {
  readonly operatorId: string;
  readonly keyId: string;
  readonly permissions: ReadonlySet<Permission>;
}

interface Held {
  readonly caller: Caller;
  readonly until: number;
}

/** Less than the second within which a revoked key stops. */
const HELD_MS = 900;
const MOST_HELD = 10_000;
/** What no key names. It is looked for like any other, so that a text that is no key takes no less time. */
const NOBODY: NamedKey = { operatorId: '00000000-0000-0000-0000-000000000000', keyId: '00000000-0000-0000-0000-000000000000' };
const NO_HASH = Buffer.alloc(32);

/** args: operator, key · answers roles, permissions, hash, milliseconds it is still good for */
const readRow = statement<[string, string, string, string]>('api_key', `
select array_to_string(roles, ' '), array_to_string(permissions, ' '), encode(secret_hash, 'hex'),
  case when revoked_at is null then floor(extract(epoch from expires_at - clock_timestamp()) * 1000)::bigint else 0 end
from api_key where operator_id = $1 and api_key_id = $2`);

/** Looks keys up; one that was found is believed for less than a second. */
export class ApiKeys {
  private readonly held = new Map<string, Held>();
  private readonly asked = new Map<string, Promise<Caller | undefined>>();

  constructor(
    private readonly tenants: TenantPool,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Undefined for every text that is not a live key, whatever is wrong with it. Throws a `Fault` where nobody can say. */
  async callerOf(key: string): Promise<Caller | undefined> {
    const hash = hashOfKey(key);
    const id = hash.toString('base64');
    const held = this.held.get(id);
    if (held && this.clock() < held.until) return held.caller;
    const asked = this.asked.get(id) ?? this.ask(id, key, hash).finally(() => this.asked.delete(id));
    this.asked.set(id, asked);
    return asked;
  }

  private async ask(id: string, key: string, hash: Buffer): Promise<Caller | undefined> {
    const askedAt = this.clock();
    const named = readKey(key) ?? NOBODY;
    const found = await this.read(named);
    const fits = timingSafeEqual(hash, found ? Buffer.from(found[2], 'hex') : NO_HASH);
    this.held.delete(id);
    if (!found || !fits || Number(found[3]) <= 0) return undefined;
    const caller = { ...named, permissions: permissionsOf(found[0].split(' '), found[1].split(' ')) };
    if (this.held.size >= MOST_HELD) this.held.delete(this.held.keys().next().value as string);
    this.held.set(id, { caller, until: askedAt + Math.min(HELD_MS, Number(found[3])) });
    return caller;
  }

  private async read({ operatorId, keyId }: NamedKey): Promise<[string, string, string, string] | undefined> {
    try {
      const [rows] = await this.tenants.as(operatorId, [readRow([operatorId, keyId])]);
      return rows?.[0] as [string, string, string, string] | undefined;
    } catch (error) {
      throw new Fault('UNAVAILABLE', 'the key could not be looked up', { cause: error });
    }
  }
}
