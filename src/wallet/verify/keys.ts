/** Keys and the ledger agree, in both directions: what was answered is what is there. */
import { fingerprintOf, fingerprintOfBoth, operationOf, type Check } from './check.ts';

/** As JavaScript counts: two for a character beyond U+FFFF. */
const lengthOf = (text: string): string => `(length(${text})
  + case when octet_length(${text}) = length(${text}) then 0 else length(regexp_replace(${text}, '[\\u0001-\\uffff]', '', 'g')) end)`;
const field = (text: string): string => `coalesce(${lengthOf(text)} || ':' || ${text}, '0:')`;
const digestOf = (...texts: string[]): string => fingerprintOf(`chr(1) || ${texts.map(field).join(' || ')}`);

const BET = ["'bet'", "case when p.face is null then 'cash' else 'free' end", 'coalesce(p.face, -p.amount)::text', 'p.currency', 'p.round',
  'p.game_id', 'null', 'p.campaign'];
const WIN = ["p.operation::text", "coalesce(p.award::text, 'win')", 'p.amount::text', 'p.currency', 'p.round', 'p.game_id', 'p.bet', 'p.campaign'];
const ADJUSTMENT = ["'adjustment'", 'null', '(p.amount - coalesce(p.debt, 0))::text', 'p.currency', 'p.round', 'p.game_id'];
const DEPOSIT = ["'deposit'", 'null', 'p.amount::text', 'p.currency'];
const WITHDRAWAL = ["'withdrawal'", 'null', '(-p.amount)::text', 'p.currency'];

/** The content of version 1 as `movements.ts` digests it. That of a rollback is not in the ledger as a whole. */
const DIGEST = `case p.kind
  when 'bet' then ${digestOf(...BET)} when 'deposit' then ${digestOf(...DEPOSIT)} when 'withdrawal' then ${digestOf(...WITHDRAWAL)}
  when 'adjustment' then ${digestOf(...ADJUSTMENT)} when 'rollback' then k.digest
  else ${digestOf(...WIN)} end`;

const orNone = (value: string): string => `coalesce(${value}::text, 'none')`;

/** Each row of the ledger with what is wrong between it and its key. */
const ROWS = `
select player_id, currency, version, transaction_id, what
from (
  select p.player_id, p.currency, p.version, p.transaction_id, case
    when p.operation is null then case when p.reference is not null then format('a %s has a reference', p.kind) end
    when p.reference is null then case when p.kind <> 'rollback' then format('a %s has no reference', p.kind)
      when not exists (select from transaction c where c.player_id = p.player_id and c.currency = p.currency and c.lane = p.lane and c.batch = p.batch
        and c.version > p.version and (c.kind = 'cancel' or c.kind = 'rollback' and c.reference is not null))
        then 'a rollback has no reference and is part of no larger one' end
    when k.outcome is null then format('there is no key of operation %s for its reference "%s"', p.operation, p.reference)
    when k.outcome <> 'applied' then format('its key says %s', k.outcome)
    when k.transaction_id <> p.transaction_id then format('its key stands for transaction %s', k.transaction_id)
    when k.version is distinct from p.version then format('its key says version %s', ${orNone('k.version')})
    when k.amount <> p.amount then format('it moves %s, its key says %s', p.amount, k.amount)
    when k.debt is distinct from p.debt then format('it owes %s, its key says %s', coalesce(p.debt, 0), coalesce(k.debt, 0))
    when k.currency <> p.currency then format('its key is in %s', k.currency)
    when k.face is distinct from p.face then format('its face is %s, its key says %s', ${orNone('p.face')}, ${orNone('k.face')})
    when k.award is distinct from p.award then format('it is of type %s, its key says %s', ${orNone('p.award')}, ${orNone('k.award')})
    when k.round <> ${fingerprintOf('p.round')} and k.round <> ${fingerprintOfBoth('p.round', "coalesce(p.game_id, '')")} or k.round is not null and (p.round is null or p.kind not in ('bet', 'win'))
      then 'its key names another round'
    when p.kind <> 'rollback' and k.original is distinct from ${fingerprintOf('p.bet')} then 'its key names another bet'
    when k.balance_after <> p.balance_after then format('it leaves %s, its key says %s', p.balance_after, k.balance_after)
    when k.refusal is not null then format('its key says that it was refused: %s', k.refusal)
    when k.digest_version = 1 and k.digest <> ${DIGEST} then 'the digest of its content is not that of its key'
    end as what
  from (
    select t.*, coalesce(a.operation, ${operationOf('t.kind')}) as operation, ${fingerprintOf('t.reference')} as key
    from transaction t
    left join transaction_key a on t.kind = 'promo_win' and a.player_id = t.player_id and a.transaction_id = t.transaction_id and a.operation = 'award'
      and a.account_id = t.account_id and a.reference = ${fingerprintOf('t.reference')}) p
  left join transaction_key k
    on k.player_id = p.player_id and k.account_id = p.account_id and k.reference = p.key and k.operation = p.operation) t
where what is not null`;

const APPLIED_KEYS = `
select k.player_id, k.currency, k.version, k.transaction_id,
  format('the key of a %s is applied, and the ledger has no such row', k.operation)
from transaction_key k left join transaction t on t.player_id = k.player_id and t.transaction_id = k.transaction_id
where k.outcome = 'applied' and t.player_id is null`;

/** The digest of a campaign's key where it stands for no total: its free rounds are paid round by round. */
const BY_ROUND = "'00000000-0000-0000-0000-000000000000'::uuid";
const isTotal = (row: string): string => `coalesce(${row}.award = 'free_rounds' and ${row}.round is null, false)`;

/** A total of free rounds, or the first win of a campaign that is paid round by round, has a second key, which its campaign is known by. */
const SECOND_KEYS = `
select k.player_id, k.currency, k.version, k.transaction_id,
  format('the key of a %s stands for a transaction of reference "%s"', k.operation, t.reference)
from transaction_key k join transaction t on t.player_id = k.player_id and t.transaction_id = k.transaction_id
where k.outcome = 'applied' and k.reference is distinct from ${fingerprintOf('t.reference')} and not (
  k.operation = 'award' and (t.kind = 'win' or t.kind = 'promo_win' and t.award = 'free_rounds') and t.campaign is not null
  and (k.digest = ${BY_ROUND}) <> ${isTotal('t')}
  and k.reference = ${fingerprintOfBoth("'campaign'", 't.campaign')} and k.original = ${fingerprintOf('t.reference')} and k.amount = t.amount)`;

/** What a campaign's key says of it: one total and no win round by round, or none. */
const CAMPAIGNS = `
select w.player_id, w.currency, w.version, w.transaction_id, format('it pays campaign "%s" %s, which is paid %s', w.campaign,
  case when ${isTotal('w')} then 'as a total' else 'round by round' end,
  case when k.digest = ${BY_ROUND} then 'round by round' else 'as a total, once' end)
from transaction w
join transaction_key k on k.player_id = w.player_id and k.account_id = w.account_id and k.operation = 'award' and k.original is not null
  and k.reference = ${fingerprintOfBoth("'campaign'", 'w.campaign')}
where w.campaign is not null and (w.kind = 'win' or w.award = 'free_rounds')
  and case when ${isTotal('w')} then k.transaction_id <> w.transaction_id else k.digest <> ${BY_ROUND} end`;

const REPEATED_KEYS = `
select k.player_id, k.currency, r.version, k.transaction_id, case
  when r.player_id is null then 'a key repeats a rollback that is not in the ledger'
  when o.player_id is null then 'a key repeats a rollback of something else'
  else format('a key repeats a rollback of %s as one of %s', r.amount, k.amount) end
from transaction_key k
left join transaction r on r.player_id = k.player_id and r.transaction_id = k.transaction_id and r.kind = 'rollback'
left join transaction_key o on o.player_id = k.player_id and o.account_id = k.account_id and o.reference = k.original
  and o.undone_by = k.transaction_id
where k.outcome = 'repeated' and (r.amount is distinct from k.amount or r.debt is distinct from k.debt or o.player_id is null)`;

/**
 * Verdicts tell of keys as long as they are kept. Where a refused bet may be judged again its key tells the last time: a younger verdict, or
 * a transaction that is not older.
 */
const VERDICTS = `
select v.player_id, v.currency, null, k.transaction_id,
  format('a %s was answered %s under reference "%s", and %s', v.operation, v.code, v.reference,
    case when k.outcome is null then 'no key remembers it' else format('its key says %s', coalesce(k.refusal, k.outcome::text)) end)
from verdict v
left join transaction_key k on k.player_id = v.player_id and k.account_id = v.account_id and k.operation::text = v.operation
  and k.reference = ${fingerprintOf('v.reference')}
left join verdict again on again.player_id = v.player_id and again.account_id = v.account_id and again.operation = 'bet' and v.operation = 'bet'
  and again.reference = v.reference and again.at >= v.at and again.code = k.refusal
where v.operation = 'bet' and v.code not in ('TRANSACTION_CONFLICT', 'ROLLED_BACK') and k.refusal is distinct from v.code
    and again.player_id is null and (k.outcome = 'applied' and uuid_extract_timestamp(k.transaction_id) >= v.at) is not true
  or v.code = 'IGNORED' and k.outcome is distinct from 'ignored'`;

const keyed: Check = {
  invariant: 'I4', says: 'an applied key is one row of the ledger, a row with a reference is one applied key',
  over: ['transaction', 'transaction_key', 'verdict'],
  query: [ROWS, APPLIED_KEYS, SECOND_KEYS, CAMPAIGNS, REPEATED_KEYS, VERDICTS].join('\nunion all'),
};

/** A rollback may be named as what it undoes, and has no reference of its own then; nor has a campaign's key. */
const ITS_OWN = "k.operation = 'rollback' and k.original = k.reference or k.operation = 'award' and k.original is not null";

const held: Check = {
  invariant: 'I4', says: 'a reference that is unique across players is held by whom its key belongs to', over: ['global_reference', 'transaction_key'],
  query: `
select k.player_id, k.currency, k.version, k.transaction_id, format('its reference is held by a %s of player %s', g.operation, g.player_id) as what
from transaction_key k join global_reference g on g.account_id = k.account_id and g.reference = k.reference
where (g.player_id <> k.player_id or g.operation <> k.operation and k.outcome <> 'tombstoned') and not coalesce(${ITS_OWN}, false)
union all
select k.player_id, k.currency, k.version, k.transaction_id, format('nobody holds the reference of a %s', k.operation)
from transaction_key k
join (select distinct account_id from global_reference) a on a.account_id = k.account_id
left join global_reference g on g.account_id = k.account_id and g.reference = k.reference
where k.outcome = 'applied' and g.player_id is null and not coalesce(${ITS_OWN}, false)`,
};

const refusedIsAbsent: Check = {
  invariant: 'I11', says: 'what was refused, tombstoned or ignored moved nothing', over: ['transaction', 'transaction_key'],
  query: `
with quiet as (select * from transaction_key where outcome in ('refused', 'tombstoned', 'ignored'))
select q.player_id, q.currency, t.version, q.transaction_id,
  format('the key of a %s is %s, and the ledger has its row', q.operation, q.outcome) as what
from quiet q join transaction t on t.player_id = q.player_id and t.transaction_id = q.transaction_id
union all
select player_id, currency, version, transaction_id, format('the key of a %s is %s, and says that it moved %s', operation, outcome, amount)
from quiet where amount <> 0 or version is not null or undone_by is not null or wins <> 0
union all
select player_id, currency, version, transaction_id, format('the key of a %s is %s with code %s', operation, outcome, ${orNone('refusal')})
from quiet where (outcome = 'refused') <> (refusal is not null) or outcome = 'refused' and operation <> 'bet'
union all
select q.player_id, q.currency, null, q.transaction_id, 'the key of a rollback is ignored, and what it undoes was not refused'
from quiet q
left join quiet o on o.outcome = 'refused' and o.player_id = q.player_id and o.account_id = q.account_id and o.reference = q.original
where q.outcome = 'ignored' and o.player_id is null
union all
select q.player_id, q.currency, null, q.transaction_id,
  format('the key of a %s is tombstoned, and the rollback that did it is gone', q.operation)
from quiet q
left join quiet r on r.outcome = 'tombstoned' and r.operation = 'rollback' and r.player_id = q.player_id and r.account_id = q.account_id
  and r.transaction_id = q.transaction_id
where q.outcome = 'tombstoned' and q.operation <> 'rollback' and r.player_id is null`,
};

const oneTenant: Check = {
  invariant: 'I15', says: 'no row crosses tenants', over: ['wallet', 'transaction', 'transaction_key', 'round', 'verdict', 'global_reference'],
  query: `
select t.player_id, t.currency, t.version, t.transaction_id,
  format('a %s is of operator %s, its player of %s, its account of %s', t.what, t.operator_id, p.operator_id, a.operator_id) as what
from (
  select player_id, currency, version, transaction_id, account_id, operator_id, 'ledger row' as what from transaction
  union all select player_id, currency, version, transaction_id, account_id, operator_id, 'key' from transaction_key
  union all select player_id, currency, null, null, account_id, operator_id, 'round' from round
  union all select player_id, currency, null, null, account_id, operator_id, 'verdict' from verdict
  union all select player_id, null, null, null, account_id, operator_id, 'global reference' from global_reference
  union all select player_id, currency, version, null, null, operator_id, 'wallet' from wallet) t
left join player p using (player_id) left join provider_account a on a.account_id = t.account_id
where t.operator_id is distinct from p.operator_id or t.account_id is not null and t.operator_id is distinct from a.operator_id`,
};

export const KEYS = { keyed, held, refusedIsAbsent, oneTenant };
