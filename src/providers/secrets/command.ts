/** What `cli secrets` does and says. */
import { connect } from '../../../libs/postgres/index.ts';
import { MASTER_KEYS } from '../../installed.ts';
import { sealAll, statusOf, type Status } from './rotate.ts';
import { masterKeysOf } from './seal.ts';

export interface Told {
  readonly line: (text: string) => void;
  readonly progress: (text: string) => void;
}

/** Answers the exit code: 1 where a secret cannot be read. `owner`: the database as croupier_owner. */
export async function secretsCommand(what: 'status' | 'seal', owner: string, keyFile: string | undefined, { line, progress }: Told): Promise<0 | 1> {
  const keys = await masterKeysOf(keyFile, MASTER_KEYS);
  const client = await connect(owner, { name: 'croupier secrets' });
  try {
    const before = await statusOf(client, keys);
    if (what === 'status') return tell(before, line);
    if (!keys) throw new Error('sealing needs SECRETS_KEY_FILE: a line `id:base64 of 32 bytes` for each master key, the newest first');
    const { done, left } = await sealAll(client, keys, (count) => progress(`${count} done`));
    line(`${count(done, 'secret')} sealed anew, ${left} left as they were`);
    const after = await statusOf(client, keys);
    for (const id of before.sealed.keys()) if (!after.sealed.has(id)) line(`nothing is sealed by master key ${id} any more: it can be taken out`);
    return tell(after, line);
  } finally {
    await client.end();
  }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function tell({ sealed, unsealed, unreadable }: Status, line: Told['line']): 0 | 1 {
  for (const [id, n] of [...sealed].toSorted()) line(`${count(n, 'secret')} sealed by master key ${id}`);
  line(`${count(unsealed, 'secret')} not sealed`);
  for (const { where, reason } of unreadable) line(`UNREADABLE ${where}: ${reason}`);
  return unreadable.length > 0 ? 1 : 0;
}
