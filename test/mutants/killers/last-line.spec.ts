import { expect, it } from '@jest/globals';
import { ground } from '../../support/ground.ts';

/** What the schema itself refuses, also to a program that is wrong: the last line behind the rules. */
const here = ground({ players: { EUR: 2 } });

it('one reference of a player has one row for each operation', async () => {
  const again = 'insert into transaction_key select * from transaction_key limit 1';
  await expect(here.sql(again)).rejects.toMatchObject({ code: '23505', table: 'transaction_key' });
});

it('one version of a wallet has one row in the ledger', async () => {
  await expect(here.sql('insert into transaction select * from transaction limit 1')).rejects.toMatchObject({ code: '23505' });
});

it('no balance is below zero', async () => {
  await expect(here.sql('update wallet set balance = -1')).rejects.toMatchObject({ code: '23514', constraint: 'wallet_never_negative' });
});

it('the role of the wallet process adds to the ledger and changes nothing in it', async () => {
  const may = `select privilege_type as may from information_schema.role_table_grants
    where grantee = 'croupier_money' and table_name = 'transaction' order by 1`;
  expect(await here.sql(may)).toEqual([{ may: 'INSERT' }, { may: 'SELECT' }]);
});
