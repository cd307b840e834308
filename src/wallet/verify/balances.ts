/** Wallets and the ledger, row after row: what stands there is what was moved. Amounts in sentences are storage units. */
import { newestOf, type Check } from './check.ts';

const conserved: Check = {
  invariant: 'I1', says: 'what the wallets hold is what house accounts gave', over: ['wallet', 'transaction'],
  query: `
select null::uuid as player_id, currency, null::bigint as version, null::uuid as transaction_id,
  format('the wallets hold %s and owe %s, the house accounts gave %s and lent %s', coalesce(held, 0), coalesce(owed, 0), coalesce(given, 0), coalesce(lent, 0)) as what
from (select currency, sum(balance) as held, sum(debt) as owed from wallet group by currency) w
full join (select currency, sum(amount) as given, coalesce(sum(debt), 0) as lent from transaction group by currency) t using (currency)
where coalesce(held, 0) <> coalesce(given, 0) or coalesce(owed, 0) <> coalesce(lent, 0)
union all
select player_id, currency, version, transaction_id, format('a %s stands against house account %s and belongs to %s', kind, house, belongs)
from (
  select *, case kind when 'deposit' then 4 when 'withdrawal' then 4 when 'promo_win' then case award when 'jackpot' then 3 else 2 end else 1 end as belongs
  from transaction where kind <> 'rollback') t
where house <> belongs`,
};

const summed: Check = {
  invariant: 'I2', says: "a balance is the sum of its wallet's rows", over: ['wallet', 'transaction'],
  query: `
select player_id, currency, coalesce(v.version, newest.version) as version, newest.transaction_id, what
from (
  select player_id, currency, w.version, case when w.balance is null then format('rows of %s and no wallet', moved)
    else format('the balance is %s, its rows sum up to %s', w.balance, coalesce(moved, 0)) end as what
  from wallet w
  full join (select player_id, currency, sum(amount) as moved from transaction group by player_id, currency) t using (player_id, currency)
  where w.balance is distinct from coalesce(moved, 0)) v
${newestOf('v')}`,
};

const owed: Check = {
  invariant: 'I18', says: "a debt is the sum of its wallet's rows", over: ['wallet', 'transaction'],
  query: `
select player_id, currency, coalesce(v.version, newest.version) as version, newest.transaction_id, what
from (
  select player_id, currency, w.version, format('the debt is %s, its rows sum up to %s', w.debt, coalesce(owing, 0)) as what
  from wallet w
  left join (select player_id, currency, sum(debt) as owing from transaction where debt is not null group by player_id, currency) t using (player_id, currency)
  where w.debt <> coalesce(owing, 0)) v
${newestOf('v')}`,
};

const neverNegative: Check = {
  invariant: 'I3', says: 'no balance and no debt is negative at any version', over: ['wallet', 'transaction'],
  query: `
select player_id, currency, version, transaction_id,
  case when balance_after < 0 then format('it leaves a balance of %s', balance_after)
    else format('it moves %s out of a balance of %s', amount, balance_after - amount::numeric) end as what
from transaction where balance_after < 0 or balance_after < amount
union all
select player_id, currency, version, null, format('the wallet holds %s and owes %s', balance, debt) from wallet where balance < 0 or debt < 0
union all
select player_id, currency, version, transaction_id, format('it leaves a debt of %s', owing)
from (
  select player_id, currency, version, transaction_id, sum(debt) over (partition by player_id, currency order by version, at) as owing
  from transaction where debt is not null) t
where owing < 0`,
};

const noGap: Check = {
  invariant: 'I5', says: "a wallet's versions are 1, 2, 3 … without a gap", over: ['wallet', 'transaction'],
  query: `
select player_id, currency, version, transaction_id, case when version = previous then format('version %s stands twice', version)
  else format('version %s comes after version %s', version, previous) end as what
from (
  select player_id, currency, version, transaction_id, lag(version, 1, 0::bigint) over each_wallet as previous
  from transaction window each_wallet as (partition by player_id, currency order by version, at)) t
where version <> previous + 1
union all
select w.player_id, w.currency, w.version, newest.transaction_id,
  format('the wallet stands at version %s, its newest row is version %s', w.version, coalesce(newest.version, 0))
from (
  select w.player_id, w.currency, w.version
  from wallet w
  left join (select player_id, currency, max(version) as newest from transaction group by player_id, currency) t using (player_id, currency)
  where w.version <> coalesce(t.newest, 0)) w
${newestOf('w')}`,
};

const chained: Check = {
  invariant: 'I6', says: 'each row begins with the balance and not before the time of the one before', over: ['wallet', 'transaction'],
  query: `
select player_id, currency, version, transaction_id,
  case when at < earlier then format('it is of %s, the row before of %s', at, earlier)
    else format('it moves %s from a balance of %s and leaves %s', amount, before, balance_after) end as what
from (
  select player_id, currency, version, transaction_id, amount, balance_after, at,
    lag(balance_after, 1, 0::bigint) over each_wallet as before, lag(at) over each_wallet as earlier
  from transaction window each_wallet as (partition by player_id, currency order by version, at)) t
where balance_after <> before + amount::numeric or at < earlier
union all
select player_id, currency, version, t.transaction_id,
  case when w.balance <> t.balance_after then format('the wallet holds %s, its newest row left %s', w.balance, t.balance_after)
    else format('the wallet is of %s, its newest row of %s', w.at, t.at) end
from wallet w join transaction t using (player_id, currency, version)
where w.balance <> t.balance_after or w.at <> t.at`,
};

export const BALANCES = { conserved, summed, owed, neverNegative, noGap, chained };
