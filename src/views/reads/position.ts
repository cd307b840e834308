/**
 * Places in the database's history, and the token that names one to a caller: `x-consistency-token`. A token is base64url of
 * `1 <timeline> <lsn> <lane|-> <batch|->`; whoever moves or reads money writes one, and only here is one read.
 */

export interface Position {
  /** as PostgreSQL names its log files: 8 hexadecimal digits */
  readonly timeline: string;
  readonly lsn: bigint;
  /** the batch that wrote it, where one did: proves the write also where positions of another timeline prove nothing */
  readonly lane?: number;
  readonly batch?: number;
}

const FORM = /^1 ([0-9A-F]{8}) ([0-9A-F]{1,8}\/[0-9A-F]{1,8}) (?:(\d{1,10}) (\d{1,10})|- -)$/;
const LARGEST = 2 ** 31 - 1;
const LONGEST = 100;

/** `16/B374D848` → 97500059720 */
export function lsnOf(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

const textOf = (lsn: bigint): string => `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();

/** Undefined where it is none of ours. */
export function readToken(token: string): Position | undefined {
  if (token.length > LONGEST) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  const match = bytes.toString('base64url') === token ? FORM.exec(bytes.toString('latin1')) : undefined;
  if (!match) return undefined;
  const [, timeline = '', lsn = '', lane, batch] = match;
  const position = { timeline, lsn: lsnOf(lsn) };
  if (lane === undefined) return position;
  return Number(lane) <= LARGEST && Number(batch) <= LARGEST ? { ...position, lane: Number(lane), batch: Number(batch) } : undefined;
}

/** What a read saw, so that the next one can ask for nothing older; `wanted`: the write that it was asked for goes on being asked for. */
export const writeToken = ({ timeline, lsn }: Pick<Position, 'timeline' | 'lsn'>, wanted?: Position): string =>
  Buffer.from(`1 ${timeline} ${textOf(lsn)} ${wanted?.lane ?? '-'} ${wanted?.batch ?? '-'}`).toString('base64url');

/** Of several tokens the one that has seen most; those that are none of ours are passed by. */
export function newestOf(tokens: readonly string[]): string | undefined {
  let newest: { readonly token: string; readonly position: Position } | undefined;
  for (const token of tokens) {
    const position = readToken(token);
    const isNewer = position && (!newest || position.timeline > newest.position.timeline || (position.timeline === newest.position.timeline && position.lsn > newest.position.lsn));
    if (isNewer) newest = { token, position };
  }
  return newest?.token;
}
