import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { asSuperuser, databaseAt } from '../test/support/cluster.ts';
import { fingerprint } from '../libs/crypto/index.ts';
import { migrate } from './index.ts';

const PLAYER = '0190c1a0-0000-7000-8000-000000000001';
const id = (n: number) => `0190c1a0-0000-7000-8000-${String(n).padStart(12, '0')}`;

/** A world as the first step left it: round r1 with a bet (version 2), a win (3), another round's bet (4), the win undone (5), r1 closed (6). */
const BEFORE = `
insert into operator (operator_id, name) values ('${id(9)}', 'one');
insert into currency values ('EUR', 2, 6, 1000000);
insert into provider_account (operator_id, provider, dialect) values ('${id(9)}', 'studio', 'native');
insert into player values ('${PLAYER}', '${id(9)}', 'p');
insert into wallet (balance, version, at, player_id, operator_id, currency) values (0, 6, now(), '${PLAYER}', '${id(9)}', 'EUR');
insert into transaction (player_id, operator_id, account_id, currency, version, at, transaction_id, kind, house, amount, balance_after, closes_round, lane,
  batch, reference, round, undoes)
select '${PLAYER}', '${id(9)}', 1, 'EUR', version, now(), id::uuid, kind::transaction_kind, 1, 0, 0, kind = 'close', 1, 1, null, round, undoes::uuid
from (values (2, '${id(2)}', 'bet', 'r1', null), (3, '${id(3)}', 'win', 'r1', null), (4, '${id(4)}', 'bet', 'r2', null),
  (5, '${id(5)}', 'rollback', null, '${id(3)}'), (6, '${id(6)}', 'close', 'r1', null)) x(version, id, kind, round, undoes);
insert into round (staked, won, bets, undone, named, account_id, last_bet_version, state, player_id, round, operator_id, currency)
select 0, 0, 1, 0, 0, 1, 2, 'open', '${PLAYER}', round::uuid, '${id(9)}', 'EUR' from unnest(array['${fingerprint('r1')}', '${fingerprint('r2')}']) round`;

describe('the second step of the schema', () => {
  it('takes a database of the first as it is, and finds where the rows of its rounds stand', async () => {
    const superuser = process.env['TEST_SUPERUSER_URL'] as string;
    const name = `test_${randomBytes(6).toString('hex')}`;
    await asSuperuser(superuser, `create database ${name} owner croupier_owner`);
    const database = databaseAt(superuser, name);
    expect(await migrate(database.url('croupier_owner'), 'M0001Money')).toEqual(['M0001Money']);
    await asSuperuser(database.url('superuser'), BEFORE);
    expect((await migrate(database.url('croupier_owner'))).at(0)).toBe('M0002Foundations');
    const rounds = await asSuperuser(database.url('croupier_worker'), 'select first_version::int as first, last_version::int as last from round order by 1');
    expect(rounds).toEqual([{ first: 2, last: 6 }, { first: 4, last: 4 }]);
    const [operator] = await asSuperuser(database.url('croupier_worker'), 'select name, bets_allowed from operator');
    expect(operator).toEqual({ name: 'one', bets_allowed: true });
    expect(await migrate(database.url('croupier_owner'))).toEqual([]);
  });
});
