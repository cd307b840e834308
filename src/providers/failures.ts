/** What the framework turns away before a controller sees it, on a path of an account: answered in that account's dialect. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Failure, WireAnswer } from './contract.ts';

export abstract class PathFailures {
  /** Undefined: the path is no account's. */
  abstract answer(method: string, url: string, headers: IncomingHttpHeaders, code: Failure): WireAnswer | undefined;
}
