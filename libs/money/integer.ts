import type { AmountFault, Currency } from './amount.ts';

/** A number of a JSON text that no float can be trusted with, by its source. */
interface SourceNumber {
  readonly source: string;
}

/** How a dialect writes amounts as whole numbers. */
export interface IntegerMoney {
  /** A wire integer → storage units. A negative one, or one with a point or an exponent, is not of the form. */
  read(value: number | SourceNumber, currency: Currency): bigint | AmountFault;
  /** Storage units → the wire integer as JSON text, truncated toward zero. `JSON.stringify` writes it unquoted, exact at any size. */
  write(units: bigint, currency: Pick<Currency, 'exponent' | 'scale'>): object;
}

const DIGITS = /^(?:0|[1-9]\d*)$/;
/** No amount of any currency has more. */
const MOST_DIGITS = 40;

/** The wire says amount × 10^power; `exponent`: the currency's own, so that it counts subunits. */
export function integerMoney(power: number | 'exponent'): IntegerMoney {
  const powerOf = ({ exponent }: Pick<Currency, 'exponent'>) => (power === 'exponent' ? exponent : power);
  return {
    read(value, currency) {
      const digits = typeof value === 'number' ? wholeDigits(value) : value.source;
      if (digits === undefined || !DIGITS.test(digits)) return 'form';
      if (digits.length > MOST_DIGITS) return 'too-large';
      const wire = BigInt(digits);
      const zeros = currency.scale - powerOf(currency);
      const per = 10n ** BigInt(Math.abs(zeros));
      if (zeros < 0 && wire % per !== 0n) return 'too-fine';
      const units = zeros < 0 ? wire / per : wire * per;
      return units > currency.maxAmount ? 'too-large' : units;
    },
    write(units, currency) {
      const zeros = currency.scale - powerOf(currency);
      const per = 10n ** BigInt(Math.abs(zeros));
      return rawInteger(zeros < 0 ? units * per : units / per);
    },
  };
}

const wholeDigits = (value: number): string | undefined => (Number.isSafeInteger(value) ? String(value) : undefined);
const rawInteger = (wire: bigint): object => (JSON as unknown as { rawJSON(text: string): object }).rawJSON(wire.toString());
