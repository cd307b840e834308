import { describe, expect, it } from '@jest/globals';
import { lineOf, treeOf, wholeTree, type Tree } from './tree.ts';

// Never a balance that somebody could bet on, and nothing of the money plane, is cached: the cache stands in src/views/cache, its packages are
// imported there and nowhere else, and a query that says `cached` reads of a wallet no more than its version and its currency.

const OWN = /^src\/views\/cache\//;
const PACKAGES = /(?:from|import)\s*\(?\s*'(?:cache-manager|@?keyv[^']*)'/g;
const CACHE = /(?:from|import)\s*\(?\s*'[^']*\/cache\/[^']*'/g;
/** Of the wallet's row; `balance_after` of the ledger's is history. */
const BALANCE = /\b(?:w|wallet)\.(?:balance|owed|debt)\b|\bbalance\b(?!_after)[^;`]*\bfrom wallet\b/g;

function cachedMoney(tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    if (!/^(src|libs)\//.test(path) || !path.endsWith('.ts') || path.endsWith('.spec.ts')) continue;
    const say = (what: string, pattern: RegExp) => { for (const match of text.matchAll(pattern)) found.push(`${path}:${lineOf(text, match.index)} ${what}`); };
    if (!OWN.test(path)) say('takes a cache of its own', PACKAGES);
    if (!path.startsWith('src/views/')) say('reaches the cache of views', CACHE);
    if (/\bcached: Cached</.test(text)) say('caches what a wallet holds', BALANCE);
  }
  return found;
}

describe('what is cached', () => {
  it('is no money', () => {
    expect(cachedMoney(wholeTree())).toEqual([]);
    expect([...wholeTree()].filter(([path, text]) => path.startsWith('src/') && /\bcached: Cached</.test(text)).length).toBeGreaterThan(0);
  });

  it('is found out where it is', () => {
    const tree = treeOf({
      'src/views/cache/view-cache.ts': "import { Keyv } from 'keyv';",
      'src/views/transactions/wallet.query.ts': 'readonly cached: Cached<A> = {}; `select version from wallet w`; `t.balance_after`',
      'src/views/balance/balance.query.ts': 'readonly cached: Cached<A> = {};\n`select w.balance from wallet w`',
      'src/views/funds/funds.query.ts': 'readonly cached: Cached<A> = {};\n`select currency, balance, version from wallet`',
      'src/views/plain/plain.query.ts': '`select w.balance from wallet w`',
      'src/wallet/read-balance.ts': "import { createCache } from 'cache-manager';",
      'src/sessions/rows.ts': "import KeyvRedis from '@keyv/redis';",
      'src/providers/calls.ts': "import { ViewCache } from '../views/cache/view-cache.ts';",
    });
    expect(cachedMoney(tree)).toEqual([
      'src/views/balance/balance.query.ts:2 caches what a wallet holds',
      'src/views/funds/funds.query.ts:2 caches what a wallet holds',
      'src/wallet/read-balance.ts:1 takes a cache of its own',
      'src/sessions/rows.ts:1 takes a cache of its own',
      'src/providers/calls.ts:1 reaches the cache of views',
    ]);
  });
});
