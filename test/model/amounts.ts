/** The model's own reading and writing of decimal amounts: units of 10^-scale, by plain text. */
export interface Currency {
  readonly exponent: number;
  readonly scale: number;
  readonly max: bigint;
}

/** undefined: no amount in this currency (finer than its scale, or above its largest) */
export function unitsOf(text: string, { scale, max }: Currency): bigint | undefined {
  if (text.startsWith('-')) return negative(unitsOf(text.slice(1), { exponent: 0, scale, max }));
  const [whole, fraction = ''] = text.split('.') as [string, string?];
  const digits = fraction.replace(/0+$/, '');
  if (digits.length > scale) return undefined;
  const units = BigInt(whole + digits.padEnd(scale, '0'));
  return units > max ? undefined : units;
}

const negative = (units: bigint | undefined): bigint | undefined => (units === undefined ? undefined : -units);

/** at least the exponent's digits, no trailing zeros beyond them */
export function textOf(units: bigint, { exponent, scale }: Currency): string {
  if (units < 0n) return `-${textOf(-units, { exponent, scale, max: 0n })}`;
  const digits = units.toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '').padEnd(exponent, '0');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
