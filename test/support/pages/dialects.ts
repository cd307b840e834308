/** `docs/dialects.md`: what each installed dialect is asked, which policy it has, and how it says each code of the core. */
import { DIALECTS } from '../../../src/installed.ts';
import { parsePolicy, type Context, type Dialect, type Failure, type WireAnswer } from '../../../src/providers/contract.ts';
import { REFUSALS, type Policy, type RefusalCode } from '../../../src/wallet/contract.ts';

type Field = Exclude<keyof Policy, 'bets' | 'playerBets' | 'reads'>;

/** Every field, or this does not compile. */
const MEANS: Record<Field, string> = {
  idScope: 'how far a reference reaches: one operation of a player, all operations of a player, all players of the account; fixed at the first transaction',
  roundScope: 'whether a round id is told apart by its game too; fixed at the first transaction',
  duplicateAnswer: 'what a repeated call is answered with: the current balance, the first answer’s, “already exists”',
  winNeeds: 'a win that names no bet needs an applied bet in its round; it must name its bet; neither',
  winsPerBet: 'how many wins may name one bet',
  winAfterClose: 'a win in a closed round',
  winAfterRollback: 'a win for an undone bet, or for a round whose bets are all undone',
  rollbackUnknown: 'the answer to a rollback of what is unknown; a tombstone is written in any case',
  rollbackOfRefused: 'the answer to a rollback of a refused bet; nothing moves in any case',
  rollbackAfterWin: 'a rollback of a settled bet: refused, or its wins are undone first',
  rollbackAfterClose: 'a rollback in a closed round',
  rollbackAmount: 'an amount sent along with a rollback must be the original’s, or is ignored',
  spentWin: 'a rollback of a win beyond the balance: the rest becomes a debt, or nothing is done',
  refusedBet: 'a refused bet’s id is refused for good, or judged again',
  tombstonedAction: 'a play that holds an action whose rollback came before it is refused, or goes on without it',
  session: 'whether a bet needs a session',
  sessionRotation: 'whether a token that is authenticated is answered with a successor, to be used from then on',
  supersededOn: 'what a token is refused for whose successor was used',
  freeRounds: 'free rounds are paid round by round, or as one total of their campaign, which is paid once; or only the one or the other; fixed at the first transaction',
  rounds: 'whether rounds have rows of their own; fixed at the first transaction',
  deadlineMs: 'a call still queued after so many milliseconds is answered as overloaded and never executed',
};

/** Every one, or this does not compile. */
const FAILURES: Record<Failure, true> = {
  REQUEST_INVALID: true, AMOUNT_INVALID: true, AMOUNT_TOO_FINE: true, ROUTE_NOT_FOUND: true, METHOD_NOT_ALLOWED: true, BODY_TOO_LARGE: true,
  MEDIA_TYPE_UNSUPPORTED: true, KEY_UNKNOWN: true, SIGNATURE_INVALID: true, TIMESTAMP_OUT_OF_RANGE: true, FORBIDDEN: true, THROTTLED: true, INTERNAL: true,
  OVERLOADED: true, UNAVAILABLE: true, OUTCOME_UNKNOWN: true,
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Of an answer: its HTTP status, and the word that its caller goes by. */
function wordOf({ status, body }: WireAnswer): string {
  const { status: word, code, error } = JSON.parse(body) as Record<string, unknown>;
  const said = typeof code === 'string' || typeof code === 'number' ? code : typeof word === 'string' ? word : error;
  return `${status} \`${String(said)}\``;
}

export function dialectsPage(): string {
  const dialects = DIALECTS as readonly Dialect<unknown, unknown>[];
  const names = dialects.map(({ title }) => title);
  const policies = dialects.map(({ policy }) => parsePolicy({}, policy));
  const contextOf = (dialect: Dialect<unknown, unknown>, policy: Policy): Context =>
    ({ requestId: 'id', policy, settings: dialect.settings.parse({}), body: {}, currency: () => undefined });
  const codes = (Object.keys(REFUSALS) as RefusalCode[]).toSorted()
    .map((code) => [`\`${code}\``, ...dialects.map((dialect, i) => wordOf(dialect.refuse({ refused: code, replayed: false }, contextOf(dialect, policies[i] as Policy))))]);
  const failures = (Object.keys(FAILURES) as Failure[]).toSorted()
    .map((code) => [`\`${code}\``, ...dialects.map((dialect, i) => wordOf(dialect.fail({ code, detail: code }, contextOf(dialect, policies[i] as Policy))))]);
  const operations = dialects.flatMap(({ title, name, operations: list }) =>
    list.map(({ path, summary }) => [title, `\`POST ${name === 'native' ? '/v1/wallet/' : '/providers/{account}/'}${path}\``, summary]));
  const fields = Object.keys(MEANS) as Field[];
  return `# Dialects

Made by \`npm run pages\` out of what is installed (\`src/installed.ts\`); not written by hand. A dialect is a folder of \`src/providers/\`; how to add one:
[extending/provider.md](extending/provider.md). Adapters are built from public material, endorsed by nobody, and need the vendor's own certification.

## What is asked

${table(['dialect', 'path', 'what for'], operations)}

## Policy

What providers disagree on. An account's own record goes before its dialect's.

${table(['field', 'what it decides', ...names], fields.map((field) => [`\`${field}\``, MEANS[field], ...policies.map((policy) => `\`${String(policy[field])}\``)]))}

## How a refusal is said

${table(['code', ...names], codes)}

## How a failure is said

Before any rule of money is asked, or instead of its answer.

${table(['code', ...names], failures)}
`;
}
