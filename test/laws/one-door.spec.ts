import { describe, expect, it } from '@jest/globals';
import { lineOf, treeOf, wholeTree, type Tree } from './tree.ts';

// Law C: wallet, transaction and transaction_key are written by src/wallet/money.ts and by migrations, and by nothing else; but for histories that
// `cli seed` makes as the schema's owner, of players nobody else plays with (src/wallet/seed.ts).

const TABLE = String.raw`(?:only\s+)?(?:"?public"?\s*\.\s*)?"?(?:wallet|transaction_key|transaction)(?:_default|_\d{4}_\d{2})?"?(?![\w])`;
const SQL = new RegExp(String.raw`\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|copy)\s+${TABLE}`, 'gi');
/** A table named only at run time could be any of them. */
const UNNAMED = /\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?)\s+\$\{/gi;
const BUILDER = /\.(?:insertInto|updateTable|deleteFrom|mergeInto)\(\s*['"`](?:wallet|transaction)/g;

const isDoor = (path: string): boolean => path === 'src/wallet/money.ts' || path === 'src/wallet/seed.ts' || path.startsWith('migrations/');
const isUnderLaw = (path: string): boolean => /^(src|libs|tools)\//.test(path) && !path.endsWith('.spec.ts');

function otherDoors(tree: Tree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    if (!isUnderLaw(path) || isDoor(path)) continue;
    for (const pattern of [SQL, UNNAMED, BUILDER]) {
      for (const match of text.matchAll(pattern)) found.push(`${path}:${lineOf(text, match.index)} ${match[0].replaceAll(/\s+/g, ' ')}`);
    }
  }
  return found;
}

describe('one door for money', () => {
  it('is src/wallet/money.ts', () => {
    expect(otherDoors(wholeTree())).toEqual([]);
    const door = wholeTree().get('src/wallet/money.ts') ?? '';
    for (const table of ['wallet', 'transaction', 'transaction_key']) expect(door).toMatch(new RegExp(`(insert into|update) ${table}\\b`));
  });

  it('is found out where somebody breaks another one', () => {
    const tree = treeOf({
      'src/wallet/money.ts': 'update wallet set balance = 0',
      'migrations/m0002-more.ts': 'update wallet set balance = 0',
      'src/wallet/round.ts': 'update round set state = 1; insert into wallet_view values (1); select 1 from wallet for update',
      'src/office/gift.ts': 'const a = `\nUPDATE  wallet SET balance = balance + 1`;',
      'src/views/tidy.ts': 'delete from transaction_2026_01',
      'tools/local/seed.ts': 'insert into\n  public."transaction_key" (a)',
      'libs/postgres/any.ts': 'query(`update ${table} set x = 1`)',
      'src/office/built.ts': "db.updateTable('wallet').set({ balance })",
    });
    expect(otherDoors(tree)).toEqual([
      'src/office/gift.ts:2 UPDATE wallet',
      'src/views/tidy.ts:1 delete from transaction_2026_01',
      'tools/local/seed.ts:1 insert into public."transaction_key"',
      'libs/postgres/any.ts:1 update ${',
      "src/office/built.ts:1 .updateTable('wallet",
    ]);
  });
});
