import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { LOGIN_ROLES, type LoginRole } from './roles.ts';

/** What this local run made up for itself and must know again at the next start. */
export interface Secrets {
  superuser: string;
  replication: string;
  /** Every key and token of the demo data is derived from it. */
  demo: string;
  roles: Record<LoginRole, string>;
}

/** Reads `secrets.json` of the data directory, making up what is missing. */
export function keptSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : {};
  const made = () => randomBytes(24).toString('hex');
  const secrets: Secrets = {
    superuser: kept.superuser ?? made(),
    replication: kept.replication ?? made(),
    demo: kept.demo ?? made(),
    roles: Object.fromEntries(LOGIN_ROLES.map((role) => [role, kept.roles?.[role] ?? made()])) as Secrets['roles'],
  };
  if (!isDeepStrictEqual(kept, secrets)) writePrivately(file, secrets);
  return secrets;
}

export const MASTER_KEY_FILE = 'master-keys.txt';

/** The file of master keys that providers' secrets are sealed with, made where it is not there. It is added to by hand, so it is never written again. */
export function keptMasterKeys(dataDir: string): string {
  const file = join(dataDir, MASTER_KEY_FILE);
  if (!existsSync(file)) writeTextPrivately(file, `local-1:${randomBytes(32).toString('base64')}\n`);
  return file;
}

export const writePrivately = (file: string, content: unknown): void => writeTextPrivately(file, `${JSON.stringify(content, undefined, 2)}\n`);

/** Whole or not at all, and for our own eyes only. */
function writeTextPrivately(file: string, text: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    writeFileSync(aside, text, { mode: 0o600, flush: true });
    renameSync(aside, file);
  } finally {
    rmSync(aside, { force: true });
  }
}
