/** What an account's record must be by the dialect that is installed for it. */
import type { FieldError } from '../../libs/http/index.ts';
import { refuse } from '../access/contract.ts';
import { DIALECTS } from '../installed.ts';
import { parsePolicy, type AnyDialect } from '../providers/contract.ts';
import type { Policy } from '../wallet/contract.ts';

export const dialectOf = (name: string): AnyDialect | undefined => DIALECTS.find((dialect) => dialect.name === name);

type Fields = Readonly<Record<string, unknown>>;

/** Throws a problem that names the field. */
export function policyOf(record: Fields, dialect: AnyDialect | undefined): Policy {
  try {
    return parsePolicy(record, dialect?.policy);
  } catch (error) {
    const { message } = error as Error;
    throw refuse('REQUEST_INVALID', 'body: policy', { errors: message.split('; ').map((each) => fieldOf(each)) });
  }
}

function fieldOf(sentence: string): FieldError {
  const [, field = '', message = sentence] = /^policy (\S*): (.*)$/s.exec(sentence) ?? [];
  return { field: field === '' ? 'policy' : `policy.${field}`, message };
}

/** Throws a problem that names the field. */
export function refuseBadSettings(settings: Fields, dialect: AnyDialect | undefined): void {
  const parsed = dialect?.settings.safeParse(settings);
  if (!parsed || parsed.success) return;
  const errors = parsed.error.issues.flatMap((issue) => {
    const path = ['settings', ...issue.path.map(String)];
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => ({ field: [...path, ...(key === undefined ? [] : [key])].join('.'), message: issue.message }));
  });
  throw refuse('REQUEST_INVALID', 'body: settings', { errors });
}

/** What decides which references and rounds are the same: never to be changed behind one that was used. */
export const scopesOf = ({ idScope, roundScope, rounds, freeRounds }: Policy): string => `${idScope} ${roundScope} ${rounds} ${freeRounds}`;
