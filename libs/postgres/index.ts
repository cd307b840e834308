export { bools, byteas, int2s, int4s, int8s, longs, texts, times, uuids } from './arrays.ts';
export { connect, inOneFlush, pool, prepared, type ConnectOptions, type Settings } from './connection.ts';
export { classify, sqlState, type ErrorClass } from './errors.ts';
export { checkDatabase, UnfitDatabase } from './fitness.ts';
