import type { Seen } from '../view.ts';

/** A process that can reach the database writes what it answered within this time. */
const WRITTEN_WITHIN_MS = 5_000;

/** What stands behind the answers to providers by that much: it has all that they were answered by then. */
export const written = <S extends Seen>(seen: S): S => ({ ...seen, asOf: new Date(Date.parse(seen.asOf) - WRITTEN_WITHIN_MS).toISOString() });
