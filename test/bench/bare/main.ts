/** The ceiling of the HTTP side: signature, schema and an answer of the wallet's form, without a database, a command bus, metrics or logging. */
import { serve } from '../door.ts';

await serve({
  bet: ({ transactionId, amount, currency }) => ({
    status: 200, version: 2,
    body: {
      transactionId: '019aa5f2-7c1e-7000-8000-3ade68b10000', reference: transactionId, type: 'bet', status: 'applied', outcome: 'applied',
      amount, currency, balance: '9999999.00', walletVersion: 2, processedAt: new Date().toISOString(),
    },
  }),
  balance: ({ playerId, currency }) => ({ status: 200, version: 2, body: { playerId, currency, balance: '9999999.00', walletVersion: 2 } }),
});
