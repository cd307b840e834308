/** Every case of the kit, in the order of its categories. A new one is added to the file of its category. */
import type { Case } from './case.ts';
import { AMOUNTS } from './cases/amounts.ts';
import { CONCURRENCY } from './cases/concurrency.ts';
import { CONFLICTS } from './cases/conflict.ts';
import { CURRENCIES } from './cases/currencies.ts';
import { FUNDS } from './cases/funds.ts';
import { HAPPY_PATH } from './cases/happy-path.ts';
import { IDEMPOTENCY } from './cases/idempotency.ts';
import { ORDER } from './cases/order.ts';
import { PROMOTIONS } from './cases/promotions.ts';
import { ROUNDS } from './cases/rounds.ts';
import { SECURITY } from './cases/security.ts';
import { SESSIONS } from './cases/sessions.ts';

export const CASES: readonly Case[] = [
  ...HAPPY_PATH, ...IDEMPOTENCY, ...CONFLICTS, ...ORDER, ...FUNDS, ...SESSIONS, ...CURRENCIES, ...AMOUNTS, ...SECURITY, ...CONCURRENCY, ...ROUNDS, ...PROMOTIONS,
];
