/** Keys and the ledger agree, in both directions: what was answered is what is there. */
import { fingerprintOf, operationOf, type Check } from './check.ts';

/** JavaScript counts a character beyond U+FFFF as two. */
const lengthOf = (text: string): string =>
  `(length(${text}) + case when octet_length(${text}) = length(${text}) then 0 else length(regexp_replace(${text}, '[\\u0001-\\uffff]', '', 'g')) end)`;
const field = (text: string): string => `coalesce(${lengthOf(text)} || ':' || ${text}, '0:')`;
const fields = (...texts: string[]): string => `chr(1) || ${texts.map(field).join(' || ')}`;

/** The content of version 1 as `movements.ts` digests it. A rollback's and a refused bet's is not in the ledger, so nothing can check theirs. */
const DIGEST = `case p.kind
  when 'bet' then ${fingerprintOf(fields("'bet'", "case when p.face is null then 'cash' else 'free' end", 'coalesce(p.face, -p.amount)::text', 'p.currency', 'p.round', 'p.game_id', 'null', 'p.campaign'))}
  when 'deposit' then ${fingerprintOf(fields("'deposit'", 'null', 'p.amount::text', 'p.currency'))}
  when 'rollback' then k.digest
  else ${fingerprintOf(fields("'win'", "coalesce(p.award::text, 'win')", 'p.amount::text', 'p.currency', 'p.round', 'p.game_id', 'p.bet', 'p.campaign'))} end`;

const keyed: Check = {
  invariant: 'I4', says: 'an applied key is one row of the ledger, a row with a reference is one applied key', over: ['transaction', 'transaction_key', 'verdict'],
  query: `
select player_id, currency, version, transaction_id, what
from (
  select p.player_id, p.currency, p.version, p.transaction_id, case
    when p.operation is null then case when p.reference is not null then 'a close has a reference' end
    when p.reference is null then format('a %s has no reference', p.kind)
    when k.outcome is null then format('there is no key of operation %s for its reference "%s"', p.operation, p.reference)
    when k.outcome <> 'applied' then format('its key says %s', k.outcome)
    when k.transaction_id <> p.transaction_id then format('its key stands for transaction %s', k.transaction_id)
    when k.version is distinct from p.version then format('its key says version %s', coalesce(k.version::text, 'none'))
    when k.amount <> p.amount then format('it moves %s, its key says %s', p.amount, k.amount)
    when k.currency <> p.currency then format('its key is in %s', k.currency)
    when k.face is distinct from p.face then format('its face is %s, its key says %s', coalesce(p.face::text, 'none'), coalesce(k.face::text, 'none'))
    when k.award is distinct from p.award then format('it is of type %s, its key says %s', coalesce(p.award::text, 'none'), coalesce(k.award::text, 'none'))
    when k.round <> ${fingerprintOf('p.round')} or k.round is not null and (p.round is null or p.kind not in ('bet', 'win')) then 'its key names another round'
    when p.kind <> 'rollback' and k.original is distinct from ${fingerprintOf('p.bet')} then 'its key names another bet'
    when k.balance_after <> p.balance_after then format('it leaves %s, its key says %s', p.balance_after, k.balance_after)
    when k.refusal is not null then format('its key says it was refused: %s', k.refusal)
    when k.digest_version = 1 and k.digest <> ${DIGEST} then 'the digest of its content is not that of its key'
    end as what
  from (select *, ${operationOf('kind')} as operation, ${fingerprintOf('reference')} as key from transaction) p
  left join transaction_key k on k.player_id = p.player_id and k.account_id = p.account_id and k.reference = p.key and k.operation = p.operation) t
where what is not null
union all
select k.player_id, k.currency, k.version, k.transaction_id, format('the key of a %s is applied, and the ledger has no such row', k.operation)
from transaction_key k left join transaction t on t.player_id = k.player_id and t.transaction_id = k.transaction_id
where k.outcome = 'applied' and t.player_id is null
union all
select k.player_id, k.currency, r.version, k.transaction_id, case
  when r.player_id is null then 'a key repeats a rollback that is not in the ledger'
  when o.player_id is null then 'a key repeats a rollback of something else'
  else format('a key repeats a rollback of %s as one of %s', r.amount, k.amount) end
from transaction_key k
left join transaction r on r.player_id = k.player_id and r.transaction_id = k.transaction_id and r.kind = 'rollback'
left join transaction_key o on o.player_id = k.player_id and o.account_id = k.account_id and o.reference = k.original and o.undone_by = k.transaction_id
where k.outcome = 'repeated' and (r.amount is distinct from k.amount or o.player_id is null)
union all
select v.player_id, v.currency, null, k.transaction_id, format('a bet was refused under reference "%s" (%s), and %s', v.reference, v.code,
  case when k.outcome is null then 'no key remembers it' else format('its key says %s', coalesce(k.refusal, k.outcome::text)) end)
from verdict v
left join transaction_key k on k.player_id = v.player_id and k.account_id = v.account_id and k.operation = 'bet' and k.reference = ${fingerprintOf('v.reference')}
where v.operation = 'bet' and v.code not in ('TRANSACTION_CONFLICT', 'ROLLED_BACK') and k.refusal is distinct from v.code`,
};

const refusedIsAbsent: Check = {
  invariant: 'I11', says: 'what was refused, tombstoned or ignored moved nothing', over: ['transaction', 'transaction_key'],
  query: `
select k.player_id, k.currency, t.version, k.transaction_id, format('the key of a %s is %s, and the ledger has its row', k.operation, k.outcome) as what
from transaction_key k join transaction t on t.player_id = k.player_id and t.transaction_id = k.transaction_id
where k.outcome in ('refused', 'tombstoned', 'ignored')
union all
select player_id, currency, version, transaction_id, format('the key of a %s is %s, and says that it moved %s', operation, outcome, amount)
from transaction_key
where outcome in ('refused', 'tombstoned', 'ignored') and (amount <> 0 or version is not null or undone_by is not null or wins <> 0)
union all
select player_id, currency, version, transaction_id, format('the key of a %s is %s, and the code it remembers is %s', operation, outcome, coalesce(refusal, 'none'))
from transaction_key where (outcome = 'refused') <> (refusal is not null) or outcome = 'refused' and operation <> 'bet'
union all
select k.player_id, k.currency, null, k.transaction_id, format('the key of a %s is %s, and %s', k.operation, k.outcome,
  case k.outcome when 'ignored' then 'what it undoes was not refused' else 'the rollback that left it is gone' end)
from transaction_key k
left join transaction_key o on k.outcome = 'ignored' and o.outcome = 'refused' and o.player_id = k.player_id and o.account_id = k.account_id and o.reference = k.original
left join transaction_key r on k.outcome = 'tombstoned' and r.outcome = 'tombstoned' and r.operation = 'rollback' and r.player_id = k.player_id
  and r.account_id = k.account_id and r.transaction_id = k.transaction_id
where k.outcome = 'ignored' and o.player_id is null or k.outcome = 'tombstoned' and k.operation <> 'rollback' and r.player_id is null`,
};

const oneTenant: Check = {
  invariant: 'I15', says: 'no row crosses tenants', over: ['wallet', 'transaction', 'transaction_key', 'round', 'verdict'],
  query: `
select t.player_id, t.currency, t.version, t.transaction_id,
  format('a %s is of operator %s, its player of %s, its account of %s', t.what, t.operator_id, p.operator_id, a.operator_id) as what
from (
  select player_id, currency, version, transaction_id, account_id, operator_id, 'ledger row' as what from transaction
  union all select player_id, currency, version, transaction_id, account_id, operator_id, 'key' from transaction_key
  union all select player_id, currency, null, null, account_id, operator_id, 'round' from round
  union all select player_id, currency, null, null, account_id, operator_id, 'verdict' from verdict
  union all select player_id, currency, version, null, null, operator_id, 'wallet' from wallet) t
left join player p using (player_id) left join provider_account a on a.account_id = t.account_id
where t.operator_id is distinct from p.operator_id or t.account_id is not null and t.operator_id is distinct from a.operator_id`,
};

export const KEYS = { keyed, refusedIsAbsent, oneTenant };
