import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotStart } from './cannot-start.ts';
import { startedAt } from './processes.ts';

/** Takes the data directory for this process, or says who has it. A holder that was killed does not count. */
export function lockDataDirectory(dataDir: string): { release(): void } {
  const lock = join(dataDir, 'lock');
  const mine = `${process.pid} ${startedAt(process.pid)}`;
  const aside = `${lock}.${process.pid}`;
  try {
    writeFileSync(aside, mine);
    // A link is made only where there is none, and it is complete from the first moment.
    while (!linked(aside, lock)) removeStale(lock, dataDir);
  } finally {
    rmSync(aside, { force: true });
  }
  return {
    release() {
      if (contentOf(lock) === mine) rmSync(lock, { force: true });
    },
  };
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function removeStale(lock: string, dataDir: string): void {
  const seen = contentOf(lock);
  if (seen === undefined) return;
  const [pid = '', ...started] = seen.split(' ');
  const running = startedAt(Number(pid));
  if (running !== '' && running === started.join(' ')) {
    throw new CannotStart(`Another npm start (process ${pid}) uses ${dataDir}: stop it, or give this one its own DATA_DIR and PORT.`);
  }
  // Moved away, not deleted: if somebody else has taken over in between, his lock goes back.
  const moved = `${lock}.stale-${process.pid}`;
  try {
    renameSync(lock, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (contentOf(moved) !== seen) linked(moved, lock);
  rmSync(moved, { force: true });
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
