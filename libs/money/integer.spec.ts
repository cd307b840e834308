import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatAmount, integerMoney, parseAmount, type Currency } from './index.ts';

const currency = (code: string, exponent: number, scale: number, whole: bigint): Currency => ({ code, exponent, scale, maxAmount: whole * 10n ** BigInt(scale) });
const EUR = currency('EUR', 2, 6, 1_000_000_000n);
const JPY = currency('JPY', 0, 6, 100_000_000_000n);
const KWD = currency('KWD', 3, 6, 1_000_000_000n);
const BTC = currency('BTC', 8, 8, 21_000_000n);
const WHOLE = currency('PTS', 0, 0, 1_000n);
const HUNDRED_THOUSANDTHS = integerMoney(5);
const SUBUNITS = integerMoney('exponent');
const written = (units: bigint, of: Currency, codec = HUNDRED_THOUSANDTHS) => JSON.stringify({ balance: codec.write(units, of) });

describe('an amount as a whole number', () => {
  it.each([
    [EUR, 356_000, '3.56'], [EUR, 1, '0.00001'], [EUR, 0, '0.00'], [EUR, 100_000, '1.00'], [JPY, 100_000, '1'], [KWD, 125_000, '1.250'], [BTC, 100_000, '1.00000000'],
  ])('%j: × 100,000 is %d for %s', (of, wire, text) => {
    expect(HUNDRED_THOUSANDTHS.read(wire, of)).toBe(parseAmount(text, of));
    expect(written(parseAmount(text, of) as bigint, of)).toBe(`{"balance":${wire}}`);
  });

  it.each([[EUR, 356, '3.56'], [JPY, 7, '7'], [KWD, 1_250, '1.250'], [BTC, 1, '0.00000001'], [WHOLE, 1_000, '1000']])('%j: %d subunits are %s', (of, wire, text) => {
    expect(SUBUNITS.read(wire, of)).toBe(parseAmount(text, of));
    expect(written(parseAmount(text, of) as bigint, of, SUBUNITS)).toBe(`{"balance":${wire}}`);
  });

  it.each([
    [-1, 'form'], [1.5, 'form'], [Number.NaN, 'form'], [Infinity, 'form'], [2 ** 53, 'form'], [{ source: '1.0' }, 'form'], [{ source: '1e3' }, 'form'], [{ source: '-0' }, 'form'],
    [{ source: '' }, 'form'], [{ source: '0.5' }, 'form'], [{ source: ' 1' }, 'form'], [{ source: '007' }, 'form'], [100_000_000_000_001, 'too-large'],
    [{ source: '9007199254740993' }, 'too-large'], [{ source: '9'.repeat(60_000) }, 'too-large'],
  ] as const)('%j is none: %s', (wire, fault) => {
    expect(HUNDRED_THOUSANDTHS.read(wire, EUR)).toBe(fault);
  });

  it('is too fine where the currency keeps fewer digits: a tenth of a point', () => {
    expect(integerMoney(1).read(15, WHOLE)).toBe('too-fine');
    expect(integerMoney(1).read(150, WHOLE)).toBe(15n);
    expect(integerMoney(9).read(1, BTC)).toBe('too-fine');
    expect(integerMoney(9).read(10, BTC)).toBe(1n);
  });

  it('goes out truncated toward zero, below zero too: 0.000019 is 1, −0.000019 is −1', () => {
    expect(['0.000019', '0.000009', '12.345678'].map((text) => written(parseAmount(text, EUR) as bigint, EUR))).toEqual(['{"balance":1}', '{"balance":0}', '{"balance":1234567}']);
    expect([written(-19n, EUR), written(-9n, EUR)]).toEqual(['{"balance":-1}', '{"balance":0}']);
    expect(written(99_999n, EUR, SUBUNITS)).toBe('{"balance":9}');
  });

  it('is exact beyond what a float holds: 9007199254740993 is not 9007199254740992', () => {
    const large = currency('LRG', 2, 2, 2n ** 62n / 100n);
    expect(SUBUNITS.read({ source: '9007199254740993' }, large)).toBe(9_007_199_254_740_993n);
    expect(written(9_007_199_254_740_993n, large, SUBUNITS)).toBe('{"balance":9007199254740993}');
    expect(written(2n ** 62n, currency('X', 0, 0, 1n), integerMoney(9))).toBe(`{"balance":${2n ** 62n}000000000}`);
  });
});

describe('for every currency and power', () => {
  const anyCurrency = fc.integer({ min: 0, max: 10 }).chain((scale) => fc.record({
    code: fc.constant('XXX'), scale: fc.constant(scale), exponent: fc.integer({ min: 0, max: scale }), maxAmount: fc.bigInt(1n, 2n ** 62n),
  }));
  const anyPower = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant('exponent' as const));
  const powerOf = (power: number | 'exponent', of: Currency) => (power === 'exponent' ? of.exponent : power);

  it('what is written is the amount in units of the wire, and what it drops is less than one of them', () => {
    fc.assert(fc.property(anyCurrency, anyPower, fc.bigInt(-(2n ** 62n), 2n ** 62n), (of, power, units) => {
      const wire = BigInt(JSON.stringify(integerMoney(power).write(units, of)));
      const [left, right] = [wire * 10n ** BigInt(of.scale), units * 10n ** BigInt(powerOf(power, of))];
      const dropped = right - left;
      expect(dropped === 0n || dropped > 0n === units > 0n).toBe(true);
      expect((dropped < 0n ? -dropped : dropped) < 10n ** BigInt(of.scale)).toBe(true);
    }), { numRuns: 2_000 });
  });

  it('what is read is exactly that, or too fine, or too large; and it comes back as it was', () => {
    fc.assert(fc.property(anyCurrency, anyPower, fc.bigInt(0n, 2n ** 70n), (of, power, wire) => {
      const [units, rest] = [wire * 10n ** BigInt(of.scale) / 10n ** BigInt(powerOf(power, of)), wire * 10n ** BigInt(of.scale) % 10n ** BigInt(powerOf(power, of))];
      const read = integerMoney(power).read({ source: String(wire) }, of);
      expect(read).toBe(rest !== 0n ? 'too-fine' : units > of.maxAmount ? 'too-large' : units);
      if (typeof read === 'bigint') expect(JSON.stringify(integerMoney(power).write(read, of))).toBe(String(wire));
    }), { numRuns: 2_000 });
  });

  it('a decimal text and a whole number of the same amount are one amount', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), (wire) => {
      const units = HUNDRED_THOUSANDTHS.read(wire, EUR) as bigint;
      expect(parseAmount(formatAmount(units, EUR), EUR)).toBe(units);
    }));
  });
});
