/**
 * A call's way through the providers' door, the same for every dialect: whose it is by its raw bytes, what it asks, whether it may, what
 * the wallet says, and all of that in the words of its dialect. Nothing here knows a provider's name, and nothing here throws.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIPv6 } from 'node:net';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import { NotJson, parseExactJson } from '../../libs/http/index.ts';
import { FAULTS, Fault, isRefusal, type Account, type Admission } from '../wallet/contract.ts';
import { Asking } from './asking.ts';
import type { CallLog } from './call-log.ts';
import type { From } from './call-log-row.ts';
import type { Configuration } from './configuration.ts';
import { Turned, type AnyDialect, type Context, type Failure, type Operation, type RawCall, type WireAnswer } from './contract.ts';
import { DOOR, PathFailures } from './failures.ts';
import type { Partner, Voice } from './snapshot.ts';

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
const MOST_ERRORS = 20;
const NOTHING = Buffer.alloc(0);

/** Where a call wants to go, in so far as its path says. */
export interface Destination {
  readonly voice: Voice;
  /** undefined: the native door, where the key says whose call it is */
  readonly account: number | undefined;
  /** below the account's base path */
  readonly path: string;
  readonly query: string;
  readonly route: Route | undefined;
}

export interface Route {
  readonly operation: Operation;
  /** in metrics and logs: of other dialects with their name before it */
  readonly label: string;
}

/** What is to be known of calls that went wrong. */
export interface CallWatch {
  fault(fault: unknown, requestId: string): void;
  /** a person must look: money is owed and cannot be paid as it is asked */
  alert(message: string, requestId: string): void;
}

interface Wiring {
  readonly configuration: Configuration;
  readonly dialects: readonly AnyDialect[];
  readonly commands: CommandBus;
  readonly queries: QueryBus;
  readonly admission: Admission;
  readonly watch: CallWatch;
  readonly log: Pick<CallLog, 'answered'>;
}

/** `account`, `answer`: for the log alone. */
type Growing = { -readonly [Field in keyof Context]: Context[Field] } & { account: Account | undefined; answer: object | undefined };

const NATIVE = '/v1/wallet/';
const OTHERS = '/providers/';
const ACCOUNT = /^\/providers\/([1-9]\d{0,9})(?:\/([^?]*))?(?:\?(.*))?$/s;

export class Calls extends PathFailures {
  private readonly routes: ReadonlyMap<string, ReadonlyMap<string, Route>>;
  /** by the whole of the path: what most calls are sent to costs one look */
  private readonly native: ReadonlyMap<string, Destination>;
  private readonly asking: Asking;

  constructor(private readonly wiring: Wiring) {
    super();
    this.routes = new Map(wiring.dialects.map((dialect) => [dialect.name, routesOf(dialect)]));
    const voice = wiring.configuration.voice('native');
    this.native = new Map([...(this.routes.get('native') ?? [])].map(([path, route]) => [`${NATIVE}${path}`, { voice, account: undefined, path, query: '', route }]));
    this.asking = new Asking(wiring.commands, wiring.queries);
  }

  /** By the path as it was sent: neither decoded nor tidied, so that only what a dialect publishes is a path of it. Undefined: no account's. */
  destination(url: string): Destination | undefined {
    const known = this.native.get(url);
    if (known) return known;
    if (url.startsWith(NATIVE)) {
      const [path = '', query = ''] = splitOnce(url.slice(NATIVE.length));
      return { voice: this.wiring.configuration.voice('native'), account: undefined, path, query, route: this.native.get(`${NATIVE}${path}`)?.route };
    }
    const found = url.startsWith(OTHERS) ? ACCOUNT.exec(url) : null;
    if (!found) return undefined;
    const [, id, path = '', query = ''] = found;
    const voice = this.wiring.configuration.voiceOf(Number(id));
    return voice && { voice, account: Number(id), path, query, route: this.routes.get(voice.dialect.name)?.get(path) };
  }

  /** Where `destination` found nobody: whether that is because nobody could be looked up, or his dialect is not installed. */
  isBlind(url: string): boolean {
    const id = ACCOUNT.exec(url)?.[1];
    return id !== undefined && (!this.wiring.configuration.fresh || this.wiring.configuration.knows(Number(id)));
  }

  /**
   * Asked before the body is read: what leads nowhere, and what cannot be served now, costs no signature and no parsing. Undefined: come in.
   * Of a native key only that is used how long its account waits; one that is none is told so further on.
   */
  turnedAway({ voice, route, account }: Destination, method: string, headers: IncomingHttpHeaders): WireAnswer | undefined {
    // What is wrong with a native path the router finds, as it does for all that is not an account's.
    if (account !== undefined && !route) return this.failure(voice, headers, 'ROUTE_NOT_FOUND');
    if (account !== undefined && method !== 'POST') return this.failure(voice, headers, 'METHOD_NOT_ALLOWED', { allow: 'POST' });
    if (!route || method !== 'POST') return undefined;
    const partner = this.find(account, headers);
    if (!partner || this.wiring.admission.admits(route.operation.callClass, partner.policy.deadlineMs)) return undefined;
    return this.failure(partner, headers, 'OVERLOADED');
  }

  /** Never throws: a fault comes back in the words of the dialect, and the watch hears of it. */
  async handle(destination: Destination & { readonly route: Route }, headers: IncomingHttpHeaders, body: Buffer | undefined, from: { readonly ip: string }): Promise<WireAnswer> {
    const arrivedAt = performance.now();
    const { voice, path, query } = destination;
    const call: RawCall = { method: 'POST', path, query, headers, body: body ?? NOTHING };
    const context = contextOf(voice, headers);
    try {
      return this.noted(destination, call, await this.serve(destination, call, from, context, arrivedAt), from, context, arrivedAt);
    } catch (error) {
      return this.noted(destination, call, this.failed(error, voice.dialect, context), from, context, arrivedAt);
    }
  }

  /** Hands it to the log, and on. Of what was turned away by its head there is neither body nor context. */
  noted(
    { voice, account, route, path, query }: Destination, { method, headers, body }: Pick<RawCall, 'method' | 'headers'> & { readonly body?: Buffer },
    answer: WireAnswer, from?: From, context?: Growing, arrivedAt?: number,
  ): WireAnswer {
    this.wiring.log.answered({
      account: context?.account ?? this.find(account, headers)?.client.account, dialect: voice.dialect.name, operation: route?.operation.name,
      method, path, query, headers, body, from, context, answer, ms: arrivedAt === undefined ? undefined : performance.now() - arrivedAt,
    });
    return answer;
  }

  override answer(method: string, url: string, headers: IncomingHttpHeaders, code: Failure, from?: From): WireAnswer | undefined {
    const destination = this.destination(url);
    if (!destination) return undefined;
    const wrongMethod = code === 'ROUTE_NOT_FOUND' && method !== 'POST' && destination.route !== undefined;
    const answer = wrongMethod ? this.failure(destination.voice, headers, 'METHOD_NOT_ALLOWED', { allow: 'POST' }) : this.failure(destination.voice, headers, code);
    return this.noted(destination, { method, headers }, answer, from);
  }

  /** By the thousand under overload, so nothing is thrown for it: an exception costs more than the answer. */
  private failure(voice: Voice, headers: IncomingHttpHeaders, code: Failure, more?: Readonly<Record<string, string>>): WireAnswer {
    const context = contextOf(voice, headers);
    try {
      return named(voice.dialect.fail({ code, detail: titleOf(code), headers: more }, context), code, context);
    } catch (error) {
      return this.failed(error, voice.dialect, context);
    }
  }

  private async serve({ voice, account, route }: Destination & { readonly route: Route }, call: RawCall, from: { readonly ip: string }, context: Growing, arrivedAt: number): Promise<WireAnswer> {
    const { operation } = route;
    // One that parses for itself judges the media type for itself.
    if ((account === undefined || !voice.dialect.parse) && !isJson(call.headers['content-type'])) throw turned('MEDIA_TYPE_UNSUPPORTED');
    const partner = this.identify(account, call, from, context);
    const { dialect } = partner;
    dialect.verify(call, partner.client as never);
    context.body = dialect.parse ? dialect.parse(call) : parsed(call);
    const request = operation.request.safeParse(context.body);
    if (!request.success) throw invalid(operation.name, request.error.issues);
    const ask = operation.read(request.data, context as never);
    context.ask = ask;
    const { answer, position } = await this.asking.answer(ask, partner, context, arrivedAt + partner.policy.deadlineMs);
    context.position = position;
    context.answer = answer;
    if (isRefusal(answer)) return named(dialect.refuse(answer, context), answer.refused, context);
    try {
      const rendered = operation.render(answer, ask, context as never);
      return isWireAnswer(rendered) ? named(rendered, rendered.outcome, context) : this.asking.served(rendered, answer, context);
    } catch (error) {
      // It may be done, so that nothing else may be said of it.
      throw new Fault('OUTCOME_UNKNOWN', 'the answer to what was done could not be written', { cause: error });
    }
  }

  /** Account and address, before anything is spent on a signature. */
  private identify(account: number | undefined, call: RawCall, from: { readonly ip: string }, context: Growing): Partner {
    const { configuration } = this.wiring;
    const key = call.headers['x-api-key'];
    const partner = account === undefined ? typeof key === 'string' && configuration.client(key) : configuration.clientOf(account);
    if (!partner) throw new Turned('KEY_UNKNOWN', 'x-api-key names no account');
    context.account = partner.client.account;
    context.policy = partner.policy;
    context.settings = partner.settings;
    context.currency = partner.currency;
    if (partner.addresses && !partner.addresses.check(from.ip, isIPv6(from.ip) ? 'ipv6' : 'ipv4')) throw turned('FORBIDDEN');
    return partner;
  }

  /** Undefined also where nobody can say. */
  private find(account: number | undefined, headers: IncomingHttpHeaders): Partner | undefined {
    const { configuration } = this.wiring;
    try {
      if (account !== undefined) return configuration.clientOf(account);
      const key = headers['x-api-key'];
      return typeof key === 'string' ? configuration.client(key) : undefined;
    } catch {
      return undefined;
    }
  }

  private failed(error: unknown, dialect: AnyDialect, context: Growing): WireAnswer {
    try {
      if (error instanceof Turned) {
        if (error.code === 'AMOUNT_TOO_FINE') this.wiring.watch.alert(`a credit finer than its currency is owed and not paid: ${error.detail}`, context.requestId);
        return named(dialect.fail(error, context), error.code, context);
      }
      this.wiring.watch.fault(error, context.requestId);
      const code = error instanceof Fault ? error.code : 'INTERNAL';
      return named(dialect.fail({ code, detail: FAULTS[code].title }, context), code, context);
    } catch (fault) {
      this.wiring.watch.fault(fault, context.requestId);
      const code = error instanceof Fault ? error.code : 'INTERNAL';
      const native = this.wiring.configuration.voice('native').dialect;
      return native.fail({ code, detail: FAULTS[code].title }, context);
    }
  }
}

function routesOf({ name, operations }: AnyDialect): ReadonlyMap<string, Route> {
  const routes = new Map(operations.map((operation) =>
    [operation.path, { operation, label: name === 'native' ? operation.name : `${name} ${operation.name}` }] as const));
  if (routes.size < operations.length) throw new Error(`the dialect ${name} has two operations on one path`);
  return routes;
}

function splitOnce(target: string): readonly string[] {
  const at = target.indexOf('?');
  return at < 0 ? [target] : [target.slice(0, at), target.slice(at + 1)];
}

/** All that is not known yet is there and undefined, so that every context is of one form. */
function contextOf({ dialect, policy, settings, currency }: Voice, headers: IncomingHttpHeaders): Growing {
  const sent = dialect.requestId({ headers });
  const requestId = sent !== undefined && REQUEST_ID.test(sent) ? sent : randomUUID();
  return { requestId, policy, settings, body: undefined, currency, ask: undefined, player: undefined, position: undefined, account: undefined, answer: undefined };
}

/** With the request's id, and in metrics and logs by the core's own word. */
function named(answer: WireAnswer, outcome: string, { requestId }: Context): WireAnswer {
  const has = 'x-request-id' in answer.headers;
  if (has && answer.outcome === outcome) return answer;
  return { ...answer, outcome, headers: has ? answer.headers : { ...answer.headers, 'x-request-id': requestId } };
}

const titleOf = (code: Failure): string => (code in DOOR ? DOOR[code as keyof typeof DOOR].title : FAULTS[code as Fault['code']].title);
const turned = (code: Failure): Turned => new Turned(code, titleOf(code));

function parsed({ body }: RawCall): unknown {
  try {
    return parseExactJson(body);
  } catch (error) {
    throw error instanceof NotJson ? new Turned('REQUEST_INVALID', `the body is ${error.message}`) : error;
  }
}

function invalid(name: string, issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): Turned {
  const errors = issues.slice(0, MOST_ERRORS).map(({ path, message }) => ({ field: path.join('.'), message }));
  return new Turned('REQUEST_INVALID', `not a ${name} request: ${errors.map(({ field }) => field || 'body').join(', ')}`, errors);
}

const isWireAnswer = (rendered: object | WireAnswer): rendered is WireAnswer =>
  'body' in rendered && typeof rendered.body === 'string' && 'headers' in rendered && 'status' in rendered && typeof rendered.status === 'number';

/** `application/json`, with or without parameters, in any case. */
function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true;
  return contentType !== undefined && /^\s*application\/json\s*(;|$)/i.test(contentType);
}
