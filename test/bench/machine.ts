/** Where and on what a run was made. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release, totalmem, tmpdir } from 'node:os';
import type pg from 'pg';
import { ROOT } from './built.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly freeDiskGiB: number;
  readonly node: string;
  readonly postgres: string;
  readonly commit: string;
  readonly postgresSettings: Readonly<Record<string, string>>;
}

const SETTINGS = [
  'fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'wal_level', 'wal_sync_method', 'commit_delay', 'shared_buffers',
  'max_wal_size', 'checkpoint_timeout', 'io_method', 'shared_preload_libraries',
];

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

export async function describeMachine(superuser: pg.Client): Promise<Machine> {
  const { rows } = await superuser.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from unnest($1::text[]) name', [SETTINGS]);
  const version = await superuser.query<{ server_version: string }>('show server_version');
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
  const disk = statfsSync(tmpdir());
  return {
    cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`, freeDiskGiB: Math.round((disk.bavail * disk.bsize) / 2 ** 30),
    node: process.version, postgres: version.rows[0]?.server_version ?? 'unknown',
    commit: `${git('rev-parse', '--short=12', 'HEAD') || 'unknown'}${changed}`,
    postgresSettings: Object.fromEntries(rows.map(({ name, value }) => [name, value])),
  };
}

/** Of one minute; empty where the system does not say. */
export function loadAverage(): string {
  try {
    return readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '';
  } catch {
    return '';
  }
}
