import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { asSuperuser, databaseAt } from '../test/support/cluster.ts';
import { migrate } from './index.ts';

const id = (n: number) => `0190c1a0-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** A world as the second step left it: a wallet, an applied key, an open round and a session. */
const BEFORE = `
insert into operator (operator_id, name) values ('${id(9)}', 'one');
insert into provider_account (operator_id, provider, dialect) values ('${id(9)}', 'studio', 'native');
insert into player (player_id, operator_id, external_id) values ('${id(1)}', '${id(9)}', 'p');
insert into wallet (balance, version, at, player_id, operator_id, currency) values (5, 1, now(), '${id(1)}', '${id(9)}', 'EUR');
insert into transaction_key (amount, version, account_id, operation, outcome, digest_version, player_id, reference, digest, transaction_id, operator_id, currency)
values (5, 1, 1, 'win', 'applied', 1, '${id(1)}', '${id(2)}', '${id(2)}', '${id(2)}', '${id(9)}', 'EUR');
insert into session (player_id, token_hash, operator_id, account_id, currency, expires_at) values ('${id(1)}', sha256('t'), '${id(9)}', 1, 'EUR', now());`;

describe('the third step of the schema', () => {
  it('takes a database of the second as it is, owes nobody anything, and lets every value of its types be used', async () => {
    const superuser = process.env['TEST_SUPERUSER_URL'] as string;
    const name = `test_${randomBytes(6).toString('hex')}`;
    await asSuperuser(superuser, `create database ${name} owner croupier_owner`);
    const database = databaseAt(superuser, name);
    await migrate(database.url('croupier_owner'), 'M0002Foundations');
    await asSuperuser(database.url('superuser'), BEFORE);
    expect(await migrate(database.url('croupier_owner'), 'M0003Rules')).toEqual(['M0003Rules']);
    const [row] = await asSuperuser(database.url('croupier_worker'), `select w.debt::text, k.debt as of_key, k.last_win, s.state::text, s.replaces, s.slide_s
      from wallet w, transaction_key k, session s`);
    expect(row).toEqual({ debt: '0', of_key: null, last_win: null, state: 'active', replaces: null, slide_s: null });
    const values = await asSuperuser(database.url('croupier_worker'), `select 'award'::operation, 'adjustment'::operation, 'adjustment'::transaction_kind,
      'cancel'::transaction_kind, 'cancelled'::round_state, 'superseded'::session_state, (select name from house_account where house = 5)`);
    expect(values).toMatchObject([{ name: 'receivable' }]);
  });

  it('lets money claim a reference and never give it to another', async () => {
    const superuser = process.env['TEST_SUPERUSER_URL'] as string;
    const name = `test_${randomBytes(6).toString('hex')}`;
    await asSuperuser(superuser, `create database ${name} owner croupier_owner`);
    const database = databaseAt(superuser, name);
    await migrate(database.url('croupier_owner'), 'M0003Rules');
    const claim = `insert into global_reference values (1, '${id(2)}', '${id(1)}', '${id(9)}', 'bet')`;
    await asSuperuser(database.url('croupier_money'), claim);
    await expect(asSuperuser(database.url('croupier_money'), claim)).rejects.toThrow(/global_reference_pkey/);
    for (const change of ["update global_reference set operation = 'win'", 'delete from global_reference']) {
      await expect(asSuperuser(database.url('croupier_money'), change)).rejects.toThrow(/permission denied/);
    }
    await expect(asSuperuser(database.url('superuser'), `insert into wallet (balance, version, at, player_id, operator_id, currency, debt)
      values (0, 0, now(), '${id(1)}', '${id(9)}', 'EUR', -1)`)).rejects.toThrow(/wallet_debt_never_negative/);
  });
});
