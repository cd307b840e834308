import { fingerprintOf, type Check } from './check.ts';

const undoneOnce: Check = {
  invariant: 'I8', says: 'nothing is undone twice', over: ['transaction'],
  query: `
select player_id, currency, version, transaction_id, format('it undoes %s, which %s had undone', undoes, first) as what
from (
  select player_id, currency, version, transaction_id, undoes, first_value(transaction_id) over each_original as first
  from transaction where kind = 'rollback' window each_original as (partition by player_id, undoes order by version)) t
where transaction_id <> first
union all
select player_id, currency, version, transaction_id,
  case kind when 'rollback' then 'a rollback names nothing that it undoes' else format('a %s says that it undoes %s', kind, undoes) end
from transaction where (kind = 'rollback') <> (undoes is not null)`,
};

/** Seen from the rollback's row, then from the key of what is marked as undone. */
const undoneInFull: Check = {
  invariant: 'I16', says: 'an original that is undone has its rollback, which is its negative', over: ['transaction', 'transaction_key'],
  query: `
select player_id, currency, version, transaction_id, what
from (
  select r.player_id, r.currency, r.version, r.transaction_id, case
    when o.kind is null then format('what it undoes, %s, is not in the ledger', r.undoes)
    when o.kind not in ('bet', 'win', 'promo_win', 'adjustment') then format('it undoes a %s', o.kind)
    when r.amount::numeric - coalesce(r.debt, 0) <> coalesce(o.debt, 0) - o.amount::numeric then format('it moves %s%s and undoes %s, which moved %s%s',
      r.amount, ' and owes ' || r.debt, o.transaction_id, o.amount, ' and owed ' || o.debt)
    when r.debt > 0 and r.balance_after <> 0 then format('it owes %s and leaves a balance of %s', r.debt, r.balance_after)
    when r.currency <> o.currency or r.account_id <> o.account_id then format('it undoes %s of another wallet or account', o.transaction_id)
    when r.version <= o.version then format('it comes before what it undoes, %s', o.transaction_id)
    when r.house <> o.house then format('it stands against house account %s, what it undoes against %s', r.house, o.house)
    when k.undone_by is distinct from r.transaction_id then format('the key of what it undoes, %s, says %s', o.transaction_id,
      case when k.undone_by is null then 'nothing of it' else format('that %s undid it', k.undone_by) end)
    when k.undone_debt is distinct from r.debt then format('the key of what it undoes, %s, says a debt of %s', o.transaction_id, coalesce(k.undone_debt, 0))
    when r.reference is not null and own.original is distinct from k.reference then 'its own key names another original'
    end as what
  from transaction r
  left join transaction o on o.player_id = r.player_id and o.transaction_id = r.undoes
  left join transaction_key k on k.player_id = r.player_id and k.transaction_id = r.undoes and k.reference = ${fingerprintOf('o.reference')}
  left join transaction_key own on own.player_id = r.player_id and own.transaction_id = r.transaction_id and own.outcome = 'applied'
  where r.kind = 'rollback') t
where what is not null
union all
select k.player_id, k.currency, k.version, k.transaction_id,
  format('its key says that %s undid it, which is no rollback of it', k.undone_by)
from transaction_key k
left join transaction r
  on r.player_id = k.player_id and r.transaction_id = k.undone_by and r.kind = 'rollback' and r.undoes = k.transaction_id
where k.undone_by is not null and r.player_id is null`,
};

export const ROLLBACKS = { undoneOnce, undoneInFull };
