import { expect, it } from '@jest/globals';
import { problem, PROBLEM_TYPE } from './index.ts';

it('a problem names its type by its code, and says what it was given and no more', () => {
  const fields = {
    title: 'More than the balance',
    status: 422,
    code: 'INSUFFICIENT_FUNDS',
    detail: 'More than the balance',
    requestId: 'r-1',
    retryable: false,
  };
  expect(problem(fields)).toEqual({ type: 'urn:croupier:problem:insufficient-funds', ...fields });
  expect(JSON.parse(JSON.stringify(problem({ ...fields, balance: '1.00', currency: 'EUR' })))).toEqual({
    type: 'urn:croupier:problem:insufficient-funds',
    ...fields,
    balance: '1.00',
    currency: 'EUR',
  });
  expect(PROBLEM_TYPE).toBe('application/problem+json');
});
