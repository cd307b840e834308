import { describe, expect, it } from '@jest/globals';
import type { Job } from 'bullmq';
import type pg from 'pg';
import type { PinoLogger } from 'nestjs-pino';
import { keepCallDays } from './call-days.ts';
import { Busy, Hindrances, type Hindered } from './hindered.ts';
import { CALLS, MONTHS } from './schedule.ts';
import { UpkeepProcessor } from './upkeep.processor.ts';

// What an operator hears of months and days that are not there. It is 20 November 2026, 12:00 UTC, when a test begins.

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

function listening() {
  const lines: string[] = [];
  const hear = (level: string) => (fields: object | string, message = '') => {
    lines.push(typeof fields === 'string' ? `${level} ${fields}` : `${level}${'alert' in fields ? ' ALERT' : ''} ${message}`);
  };
  const logger = { debug: () => undefined, info: hear('info'), warn: hear('warn'), error: hear('error') } as unknown as PinoLogger;
  /** What was said since it was asked last. */
  const heard = () => lines.splice(0);
  return { logger, heard };
}

function told(what: 'month' | 'day', soonMs: number) {
  const { logger, heard } = listening();
  let now = Date.parse('2026-11-20T12:00:00Z');
  const hindrances = new Hindrances(what, soonMs, logger, () => now);
  /** After so many minutes more these are left. */
  const after = (minutes: number, ...left: Hindered[]): string[] => {
    now += Math.round(minutes * MINUTE_MS);
    const busy = left.filter(({ cameTo }) => cameTo === 'busy: later').length > 0;
    if (busy) expect(() => hindrances.judge(left)).toThrow(Busy);
    else hindrances.judge(left);
    return heard();
  };
  return after;
}
const months = () => told('month', 7 * DAY_MS);
const days = () => told('day', DAY_MS);
const busy = (period: string, table = 'transaction'): Hindered => ({ table, period, cameTo: 'busy: later' });
const inDefault = (period: string): Hindered => ({ table: 'transaction', period, cameTo: 'in the default partition' });

describe('a month that waits for somebody who holds the ledger', () => {
  it('is told of once in ten minutes, and never loudly, where it begins in more than a week', () => {
    const after = months();
    expect(after(0, busy('2026-12'))).toEqual(['info transaction of 2026-12 is put off: somebody holds the table']);
    for (let tries = 0; tries < 11; tries++) expect(after(5 / 60, busy('2026-12'))).toEqual([]);
    expect(after(3, busy('2027-03'))).toEqual([]);
    expect(after(60, busy('2026-12'))).toEqual(['info transaction of 2026-12 is put off: somebody holds the table']);
    expect(after(60 * 24, busy('2026-12'))).toEqual(['info transaction of 2026-12 is put off: somebody holds the table']);
    expect(after(5 / 60)).toEqual([]);
  });

  it('is a warning where it begins within a week and has waited for ten minutes', () => {
    const after = months();
    expect(after(60 * 24 * 4, busy('2026-12'))).toEqual(['info transaction of 2026-12 is put off: somebody holds the table']);
    expect(after(9, busy('2026-12'))).toEqual([]);
    expect(after(1, busy('2026-12'))).toEqual(['warn transaction of 2026-12 has been put off for 10 minutes: somebody holds the table']);
    expect(after(1, busy('2026-12'))).toEqual([]);
    expect(after(59, busy('2026-12'))).toEqual(['warn transaction of 2026-12 has been put off for 70 minutes: somebody holds the table']);
  });

  it('has waited for no time where it was there in between', () => {
    const after = months();
    after(60 * 24 * 4, busy('2026-12'));
    after(5);
    expect(after(6, busy('2026-12'))).toEqual(['info transaction of 2026-12 is put off: somebody holds the table']);
  });

  it('is an alert where it has begun and half a minute of tries has not helped: its rows go into the default partition', () => {
    const after = months();
    expect(after(0, busy('2026-11'))).toEqual(['info transaction of 2026-11 is put off: somebody holds the table']);
    for (let tries = 0; tries < 5; tries++) expect(after(5 / 60, busy('2026-11'))).toEqual([]);
    expect(after(5 / 60, busy('2026-11'))).toEqual(['error ALERT transaction of 2026-11 is not as it should be: its rows go into the default partition']);
    expect(after(5 / 60, busy('2026-11'))).toEqual([]);
    expect(after(60, busy('2026-11'))).toHaveLength(1);
  });

  it('that begins meanwhile is an alert from its first moment on', () => {
    const after = months();
    after(60 * 24 * 10 + 11 * 60, busy('2026-12'));
    expect(after(59, busy('2026-12'))).toEqual(['warn transaction of 2026-12 has been put off for 59 minutes: somebody holds the table']);
    expect(after(1, busy('2026-12'))).toEqual(['error ALERT transaction of 2026-12 is not as it should be: its rows go into the default partition']);
  });
});

describe('what no further try can help', () => {
  it('is an alert at once, of each month, and again at the next run', () => {
    const after = months();
    const [december, march] = ['2026-12', '2027-03'].map((month) => `error ALERT transaction of ${month} is not as it should be: in the default partition`);
    expect(after(0, inDefault('2026-12'), inDefault('2027-03'))).toEqual([december, march]);
    expect(after(5 / 60, inDefault('2026-12'))).toEqual([]);
    expect(after(60, inDefault('2026-12'))).toEqual([december]);
    // Beside it one that waits: both are told, and the queue tries again for that.
    expect(after(60, inDefault('2026-12'), busy('2027-01'))).toEqual([december, 'info transaction of 2027-01 is put off: somebody holds the table']);
  });
});

describe('a day of the call log', () => {
  it('is judged likewise: a week ahead quietly, tomorrow by a warning, today by an alert; one to be dropped is promised to be', () => {
    const [week, tomorrow, today, old] = ['2026-11-27', '2026-11-21', '2026-11-20', '2026-10-20'].map((day) => busy(day, 'call_log'));
    const after = days();
    expect(after(0, today as Hindered, tomorrow as Hindered, week as Hindered, old as Hindered)).toEqual(['info call_log of 2026-11-20 is put off: somebody holds the table']);
    expect(after(11, today as Hindered, tomorrow as Hindered, week as Hindered, old as Hindered)).toEqual([
      'error ALERT call_log of 2026-11-20 is not as it should be: its rows go into the default partition',
      'warn call_log of 2026-11-21 has been put off for 11 minutes: somebody holds the table',
      'info call_log of 2026-11-27 is put off: somebody holds the table',
      'warn call_log of 2026-10-20 has been put off for 11 minutes: somebody holds the table',
    ]);
  });
});

describe('the job that was put off', () => {
  function processor(answer: () => object[]) {
    const { logger, heard } = listening();
    const ended: string[] = [];
    const pool = { query: async (text: string) => (text.startsWith('delete') ? { rowCount: 0 } : { rows: answer() }) } as unknown as pg.Pool;
    const ignored = { missing: () => undefined, trimmed: () => undefined, retired: () => undefined };
    const made = new UpkeepProcessor(pool, { ...ignored, ended: (job, result) => void ended.push(`${job} ${result}`) }, logger, 30);
    /** As the queue runs it. */
    const run = async (name: string): Promise<void> => {
      const job = { name } as Job;
      await made.process(job).then(() => made.completed(job), (error: Error) => made.failed(job, error));
    };
    return { run, heard, ended };
  }
  const month = new Date(Date.now() + 100 * DAY_MS).toISOString().slice(0, 7);

  it('is tried again and is no failure, whoever it is that stands in the way', async () => {
    const far = new Date(Date.now() + 5 * DAY_MS).toISOString().slice(0, 10);
    const { run, heard, ended } = processor(() => [{ table: 'one', month, day: far, cameTo: 'busy: later' }]);
    for (let tries = 0; tries < 3; tries++) await run(MONTHS);
    for (let tries = 0; tries < 3; tries++) await run(CALLS);
    expect(ended).toEqual([...Array.from({ length: 3 }, () => `${MONTHS} later`), ...Array.from({ length: 3 }, () => `${CALLS} later`)]);
    expect(heard()).toEqual([`info one of ${month} is put off: somebody holds the table`, `info one of ${far} is put off: somebody holds the table`]);
    const other = processor(() => { throw Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' }); });
    await other.run(MONTHS);
    await other.run(CALLS);
    expect([other.ended, other.heard()]).toEqual([[`${MONTHS} later`, `${CALLS} later`], []]);
  });

  it('is done where nothing is left, and where what is left needs a hand', async () => {
    const { run, heard, ended } = processor(() => []);
    await run(MONTHS);
    await run(CALLS);
    expect([ended, heard()]).toEqual([[`${MONTHS} done`, `${CALLS} done`], []]);
    const byHand = processor(() => [{ table: 'one', month, cameTo: 'a table of its name is no partition' }]);
    await byHand.run(MONTHS);
    expect([byHand.ended, byHand.heard()]).toEqual([[`${MONTHS} done`], [`error ALERT one of ${month} is not as it should be: a table of its name is no partition`]]);
  });

  it('is a failure and an alert where something else went wrong', async () => {
    const { run, heard, ended } = processor(() => { throw Object.assign(new Error('the database is gone'), { code: '57P01' }); });
    await run(MONTHS);
    await run(CALLS);
    expect(ended).toEqual([`${MONTHS} failed`, `${CALLS} failed`]);
    expect(heard()).toEqual([`error ALERT job ${MONTHS} failed`, `error ALERT job ${CALLS} failed`]);
    const { logger } = listening();
    const broken = { query: async () => { throw Object.assign(new Error('too late'), { code: '57014' }); } } as unknown as pg.Pool;
    await expect(keepCallDays(broken, 30, logger)).rejects.toThrow('too late');
  });
});
