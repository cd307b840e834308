/** Runs cases against one wallet, several at once, each with seats and ids of its own. */
import type { Seat } from './contract.ts';
import type { Case, CaseResult, Extra } from './case.ts';
import type { Setting, Step } from './setting.ts';
import { Desk, LeftOut, Wrong, type CaseRecord } from './desk.ts';
import { idsOf } from './ids.ts';
import { unitsOf } from './money.ts';
import { Seats, type Lease } from './seats.ts';
import { openTransport, type Transport } from './transport.ts';

const EXTRAS: readonly Extra[] = ['second', 'foreign', 'blocked', 'expired', 'superseded'];

/** `told` hears of each case as it ends; the list is in the order of the cases. */
export async function runCases(cases: readonly Case[], setting: Setting, told: (result: CaseResult) => void = () => undefined): Promise<CaseResult[]> {
  const transport = openTransport(setting.baseUrl, setting.timeoutMs);
  const seats = new Seats(setting);
  const results: CaseResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < cases.length; i = next++) {
      const result = await runCase(cases[i] as Case, setting, seats, transport);
      results[i] = result;
      told(result);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.max(1, setting.atOnce) }, work));
  } finally {
    transport.close();
  }
  return results;
}

async function runCase(each: Case, setting: Setting, seats: Seats, transport: Transport): Promise<CaseResult> {
  const { name, category, needs = [] } = each;
  const began = performance.now();
  const steps: Step[] = [];
  const result = (what: CaseResult['result'], reason?: string, player?: string): CaseResult =>
    ({ name, category, result: what, reason, player, steps, ms: Math.round(performance.now() - began) });
  for (const need of needs) {
    const reason = need.lacks(setting);
    if (reason !== undefined) return result('skipped', reason);
  }
  const record: CaseRecord = { setting, transport, id: idsOf(setting.seed, name), steps, known: new Set() };
  for (;;) {
    const lease = await seats.take(needs);
    if (typeof lease === 'string') return result('skipped', lease);
    const poor: Seat[] = [];
    try {
      const desk = await seat(record, lease, poor);
      if (!desk) {
        steps.length = 0;
        continue;
      }
      await each.steps(desk);
      return result('passed', undefined, lease.own.player);
    } catch (error) {
      if (error instanceof LeftOut) return result('skipped', error.message);
      if (error instanceof Wrong) return result('failed', error.message, lease.own.player);
      return result('failed', `The kit itself failed here: ${error instanceof Error ? error.message : String(error)}`, lease.own.player);
    } finally {
      lease.release(poor);
    }
  }
}

/** Undefined where a seat is too poor to play, or its bet was used by an earlier run; stopped ones need not be rich. */
async function seat(record: CaseRecord, lease: Lease, poor: Seat[]): Promise<Desk | undefined> {
  const desk = new Desk(record, lease.own);
  let spent = false;
  if (!(await desk.sitDown())) poor.push(lease.own);
  for (const extra of EXTRAS) {
    const given = lease.extra[extra];
    if (!given) continue;
    const beside = new Desk(record, given.seat, given.open);
    desk[extra] = beside;
    const rich = await beside.sitDown();
    if (!rich && (extra === 'second' || extra === 'foreign')) poor.push(given.seat);
    if (given.open && given.seat.balance !== undefined && beside.balance !== unitsOf(given.seat.balance)) spent = true;
  }
  return poor.length === 0 && !spent ? desk : undefined;
}
