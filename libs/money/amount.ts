/**
 * Money on the wire and in storage. Inside, an amount is a `bigint` in storage units: 10^-scale of the currency.
 * Nothing here ever makes a float of it.
 */

/** A row of table `currency`. `exponent`: ISO 4217 digits shown at least; `scale`: digits stored; `maxAmount`: storage units. */
export interface Currency {
  readonly code: string;
  readonly exponent: number;
  readonly scale: number;
  readonly maxAmount: bigint;
}

/** Why a decimal string is no amount: not of the form, finer than the currency stores, or above its limit. */
export type AmountFault = 'form' | 'too-fine' | 'too-large';

const FORM = /^(0|[1-9]\d{0,14})(?:\.(\d{1,10}))?$/;
const TRAILING_ZEROS = /0+$/;

/** `"12.50"` with scale 6 → `12500000n`. Zeros beyond the scale carry no value and are accepted. */
export function parseAmount(text: string, currency: Currency): bigint | AmountFault {
  const match = FORM.exec(text);
  if (!match) return 'form';
  let fraction = match[2] ?? '';
  if (fraction.length > currency.scale) {
    fraction = fraction.replace(TRAILING_ZEROS, '');
    if (fraction.length > currency.scale) return 'too-fine';
  }
  const units = BigInt(match[1] + fraction.padEnd(currency.scale, '0'));
  return units > currency.maxAmount ? 'too-large' : units;
}

/** `12500010n` with scale 6, exponent 2 → `"12.50001"`; `12500000n` → `"12.50"`; whole units for exponent 0. */
export function formatAmount(units: bigint, currency: Pick<Currency, 'exponent' | 'scale'>): string {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(currency.scale + 1, '0');
  const point = digits.length - currency.scale;
  let end = digits.length;
  const least = point + currency.exponent;
  while (end > least && digits.charCodeAt(end - 1) === 48) end--;
  return end === point ? sign + digits.slice(0, point) : `${sign}${digits.slice(0, point)}.${digits.slice(point, end)}`;
}
