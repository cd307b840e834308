import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatAmount, parseAmount, type Currency } from './index.ts';

const currency = (code: string, exponent: number, scale: number, whole: bigint): Currency => ({
  code,
  exponent,
  scale,
  maxAmount: whole * 10n ** BigInt(scale),
});
const EUR = currency('EUR', 2, 6, 1_000_000_000n);
const JPY = currency('JPY', 0, 6, 100_000_000_000n);
const KWD = currency('KWD', 3, 6, 1_000_000_000n);
const BTC = currency('BTC', 8, 8, 21_000_000n);
const WHOLE = currency('PTS', 0, 0, 1_000n);

describe('an amount', () => {
  it.each([
    [EUR, '12.50', 12_500_000n, '12.50'],
    [EUR, '12.5', 12_500_000n, '12.50'],
    [EUR, '12', 12_000_000n, '12.00'],
    [EUR, '12.50001', 12_500_010n, '12.50001'],
    [EUR, '0.000001', 1n, '0.000001'],
    [EUR, '0', 0n, '0.00'],
    [EUR, '0.0000000000', 0n, '0.00'],
    [EUR, '1.5000000000', 1_500_000n, '1.50'],
    [EUR, '1000000000', 1_000_000_000_000_000n, '1000000000.00'],
    [JPY, '100', 100_000_000n, '100'],
    [JPY, '100.5', 100_500_000n, '100.5'],
    [KWD, '1.25', 1_250_000n, '1.250'],
    [BTC, '0.00000001', 1n, '0.00000001'],
    [BTC, '21000000', 2_100_000_000_000_000n, '21000000.00000000'],
    [WHOLE, '1000', 1_000n, '1000'],
  ])('%j %s is %s units and shown as %s', (of, text, units, shown) => {
    expect(parseAmount(text, of)).toBe(units);
    expect(formatAmount(units, of)).toBe(shown);
  });

  it.each([
    ['', 'form'], ['-1', 'form'], ['+1', 'form'], ['01', 'form'], ['1.', 'form'], ['.1', 'form'], ['1e2', 'form'],
    [' 1', 'form'], ['1\n', 'form'], ['1,5', 'form'], ['１', 'form'], ['NaN', 'form'], ['1.00000000000', 'form'],
    ['1000000000000000', 'form'], ['0.0000001', 'too-fine'], ['1.1234567', 'too-fine'], ['1000000000.000001', 'too-large'],
    ['999999999999999', 'too-large'], ['999999999999999.0000001', 'too-fine'],
  ] as const)('%j is none: %s', (text, fault) => {
    expect(parseAmount(text, EUR)).toBe(fault);
  });

  it('below zero is shown with its sign, and never parsed', () => {
    expect(formatAmount(-1n, EUR)).toBe('-0.000001');
    expect(formatAmount(-12_500_000n, EUR)).toBe('-12.50');
    expect(parseAmount('-12.50', EUR)).toBe('form');
  });

  const anyCurrency = fc
    .integer({ min: 0, max: 10 })
    .chain((scale) =>
      fc.record({
        code: fc.constant('XXX'),
        scale: fc.constant(scale),
        exponent: fc.integer({ min: 0, max: scale }),
        maxAmount: fc.bigInt(1n, 2n ** 62n),
      }),
    );

  it('comes back from its text as it was, in every currency', () => {
    fc.assert(fc.property(anyCurrency, fc.bigInt(0n, 2n ** 62n), (of, units) => {
      const text = formatAmount(units, of);
      const fits = units <= of.maxAmount && text.split('.')[0]!.length <= 15;
      if (fits) expect(parseAmount(text, of)).toBe(units);
      else expect(typeof parseAmount(text, of)).toBe('string');
    }), { numRuns: 2_000 });
  });

  it('is shown with no fewer digits than the exponent and no zeros beyond it', () => {
    fc.assert(fc.property(anyCurrency, fc.bigInt(0n, 2n ** 62n), (of, units) => {
      const [, fraction = ''] = formatAmount(units, of).split('.');
      expect(fraction.length).toBeGreaterThanOrEqual(of.exponent);
      if (fraction.length > of.exponent) expect(fraction.endsWith('0')).toBe(false);
    }), { numRuns: 2_000 });
  });

  it('is what arithmetic on decimals says, for every text of the published form', () => {
    const text = fc.tuple(fc.bigInt(0n, 999_999_999_999_999n), fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 10 }));
    fc.assert(fc.property(text, anyCurrency, ([whole, fraction], of) => {
      const parsed = parseAmount(fraction === '' ? String(whole) : `${whole}.${fraction}`, of);
      const exact = whole * 10n ** 10n + BigInt(fraction.padEnd(10, '0')); // in units of 10^-10
      const unit = 10n ** BigInt(10 - of.scale);
      if (exact % unit !== 0n) expect(parsed).toBe('too-fine');
      else expect(parsed).toBe(exact / unit > of.maxAmount ? 'too-large' : exact / unit);
    }), { numRuns: 2_000 });
  });
});
