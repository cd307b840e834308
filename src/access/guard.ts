import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Buckets, rateLimitHeaders, type Rate } from '../../libs/http/index.ts';
import { declarationOf } from './declare.ts';
import { ApiKeys, type Caller } from './keys.ts';
import { refuse } from './refuse.ts';

export interface CallRates {
  readonly key: Rate;
  readonly ip: Rate;
}

/** Calls with a key that is none weigh so much. */
const FAILED_WEIGHS = 10;

const callers = new WeakMap<object, Caller>();

/** Of a request that came through the guard. */
export function callerOf(request: object): Caller {
  const caller = callers.get(request);
  if (!caller) throw new Error('the route asks who calls and does not say who may: it needs @Require');
  return caller;
}

/** How often an address and a key may call: token buckets of this process, so that N processes let N times as much through. */
export class CallThrottle {
  private readonly ips = new Buckets();
  private readonly keys = new Buckets();

  constructor(private readonly rates: CallRates) {}

  /** Throws where the address has called too often. */
  byAddress(ip: string): void {
    const { ip: rate } = this.rates;
    const taken = this.ips.take(ip, rate);
    if (!taken.allowed) throw refuse('THROTTLED', 'too many calls from this address', { headers: rateLimitHeaders('address', rate, taken) });
  }

  /** What a failed call costs beyond the one that it was. */
  failed(ip: string): void {
    const { remaining } = this.ips.take(ip, this.rates.ip, 0);
    this.ips.take(ip, this.rates.ip, Math.min(remaining, FAILED_WEIGHS - 1));
  }

  /** The headers of the answer; throws where the key has called too often. */
  byKey(keyId: string): Record<string, string> {
    const { key: rate } = this.rates;
    const taken = this.keys.take(keyId, rate);
    const headers = rateLimitHeaders('key', rate, taken);
    if (!taken.allowed) throw refuse('THROTTLED', 'too many calls with this key', { headers });
    return headers;
  }
}

/** Lets a call in that bears a live key with the permission its route requires. */
@Injectable()
export class RequireGuard implements CanActivate {
  constructor(
    private readonly keys: ApiKeys,
    private readonly throttle: CallThrottle,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const declared = declarationOf(context.getHandler(), context.getClass());
    if (!declared) return false;
    if ('reason' in declared) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const caller = callers.get(request) ?? (await this.identify(request, context.switchToHttp().getResponse<FastifyReply>()));
    if (!caller.permissions.has(declared.permission)) throw refuse('FORBIDDEN', `needs the permission ${declared.permission}`);
    return true;
  }

  private async identify(request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
    this.throttle.byAddress(request.ip);
    const [, key = ''] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const caller = await this.keys.callerOf(key);
    if (!caller) {
      this.throttle.failed(request.ip);
      throw refuse('KEY_UNKNOWN', undefined, { headers: { 'www-authenticate': 'Bearer' } });
    }
    callers.set(request, caller);
    void reply.headers(this.throttle.byKey(caller.keyId));
    return caller;
  }
}
