/** What a check of the invariants is made of: one query that finds every row for which the invariant does not hold. */

export const TABLES = {
  wallet: 'wallets', transaction: 'ledger rows', transaction_key: 'keys', round: 'rounds', verdict: 'verdicts', lane: 'lanes',
  global_reference: 'global references',
} as const;
export type Table = keyof typeof TABLES;

export interface Check {
  readonly invariant: string;
  readonly says: string;
  /** the tables whose every row is looked at */
  readonly over: readonly Table[];
  /** answers a row a violation: player_id, currency, version, transaction_id (each null where there is none), what (a sentence) */
  readonly query: string;
}

/** As `libs/crypto` makes it: the first 16 bytes of a text's SHA-256. */
export const fingerprintOf = (text: string): string =>
  `encode(substring(sha256(convert_to(${text}, 'UTF8')) for 16), 'hex')::uuid`;

/** Of two texts that nothing else can be made of: a round and its game, a campaign. */
export const fingerprintOfBoth = (one: string, other: string): string =>
  `encode(substring(sha256(convert_to(${one}, 'UTF8') || '\\x00'::bytea || convert_to(${other}, 'UTF8')) for 16), 'hex')::uuid`;

/** The name space of a ledger row's reference; an award may stand among the wins or by itself. */
export const operationOf = (kind: string): string => `(case ${kind} when 'bet' then 'bet' when 'win' then 'win' when 'promo_win' then 'win'
  when 'adjustment' then 'adjustment' when 'rollback' then 'rollback' when 'deposit' then 'cashier' when 'withdrawal' then 'cashier' end)::operation`;

/** The newest ledger row of a wallet, for a violation that no row of its own stands for. */
export const newestOf = (wallet: string): string => `left join lateral (
  select version, transaction_id from transaction
  where player_id = ${wallet}.player_id and currency = ${wallet}.currency order by version desc limit 1) newest on true`;

/** The ledger row of a version, likewise. */
export const rowOf = (version: string): string => `left join lateral (
  select transaction_id from transaction
  where player_id = ${version}.player_id and currency = ${version}.currency and version = ${version}.version limit 1) t on true`;
