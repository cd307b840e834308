/** Decimal strings as whole numbers of 10^-18, so that the kit judges with nothing of the wallet's own arithmetic. */

const DIGITS = 18;
const ONE = 10n ** BigInt(DIGITS);
const FORM = /^(-?)(\d+)(?:\.(\d{1,18}))?$/;

/** `"12.50"` → units; undefined where it is no decimal string. */
export function unitsOf(text: string): bigint | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const units = BigInt((match[2] ?? '') + (match[3] ?? '').padEnd(DIGITS, '0'));
  return match[1] ? -units : units;
}

/** Without zeros that say nothing: `"12.5"`. */
export function textOf(units: bigint): string {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(DIGITS + 1, '0');
  const fraction = digits.slice(-DIGITS).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -DIGITS)}${fraction ? `.${fraction}` : ''}`;
}

/** With its sign, for sentences: `"+5"`, `"−2.5"`, `"0"`. */
export const movedText = (units: bigint): string => (units > 0n ? `+${textOf(units)}` : textOf(units).replace('-', '−'));

/** The least amount of so many digits. */
export const smallest = (digits: number): bigint => 10n ** BigInt(DIGITS - digits);

/** What a case stakes with: a power of ten, at most 1 where the wire has pence, of which the balance holds a hundred or more. Undefined: too poor to play. */
export function unitFor(balance: bigint, digits: number): bigint | undefined {
  const least = smallest(digits);
  let unit = ONE;
  while (unit > least && unit * 100n > balance) unit /= 10n;
  return unit * 100n > balance ? undefined : unit;
}
