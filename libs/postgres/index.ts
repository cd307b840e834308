export { bools, byteas, int2s, int4s, int8s, longs, texts, tids, times, uuids } from './arrays.ts';
export { connect, pool, type ConnectOptions, type Settings } from './connection.ts';
export { classify, sqlState, type ErrorClass } from './errors.ts';
export { flush, run, statement, type Field, type Flushed, type Step } from './flush.ts';
export { TenantPool } from './tenants.ts';
export { checkDatabase, UnfitDatabase, type Purpose } from './fitness.ts';
