import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { oneCall, oneContested, sequenceOf, type Sequence } from './commands.ts';
import { ALL, openGround, policiesWhere, type Ground } from './ground.ts';
import { runProperty } from './runs.ts';
import { walkerOf } from './walk.ts';

const PLAYERS = 32;

describe('commands sent at once', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround();
  });
  afterAll(() => ground?.close());

  /** every player's next command leaves in the same turn */
  async function inLockstep(sequences: readonly Sequence[]): Promise<void> {
    const walkers = await Promise.all(sequences.map(({ accounts }) => walkerOf(ground, accounts)));
    const longest = Math.max(...sequences.map(({ steps }) => steps.length));
    for (let place = 0; place < longest; place += 1) {
      await Promise.all(sequences.map(async ({ steps }, i) => {
        const step = steps[place];
        if (step) await walkers[i]?.take([step], place);
      }));
    }
    await Promise.all(walkers.map((walker) => walker.finish()));
  }

  it(`by ${PLAYERS} players are answered and booked as each player's model says, in batches of many`, async () => {
    const sequence = sequenceOf(ALL, { minLength: 5, maxLength: 12 });
    const sequences = fc.array(sequence, { minLength: PLAYERS, maxLength: PLAYERS, size: 'max' });
    const { isWhole } = await runProperty('lockstep', fc.asyncProperty(sequences, inLockstep), { runs: 30, strands: 1, shrink: false });
    if (!isWhole) return;
    const { rows: [batch] } = await ground.pool.query<{ players: number }>(`select max(players)::int as players
      from (select count(distinct player_id) as players from transaction where kind <> 'deposit' group by lane, batch)`);
    expect(batch?.players).toBeGreaterThan(PLAYERS / 4);
  }, 600_000);

  /** some commands one by one, some at once, some one by one */
  async function burst([before, together, after]: readonly [Sequence, Sequence, Sequence]): Promise<void> {
    const walker = await walkerOf(ground, before.accounts);
    const oneByOne = async (steps: Sequence['steps'], place: number) => {
      for (const [i, step] of steps.entries()) if (step) await walker.take([step], place + i);
    };
    await oneByOne(before.steps, 0);
    await walker.take(together.steps.filter((step) => step !== null), 100);
    await oneByOne(after.steps, 200);
    await walker.finish();
  }

  it('by one player are answered and booked as in one of their orders', async () => {
    const bursts = fc.tuple(
      sequenceOf(ALL, { minLength: 0, maxLength: 8 }),
      sequenceOf(ALL, { minLength: 3, maxLength: 4 }, oneCall),
      sequenceOf(ALL, { minLength: 3, maxLength: 5 }, oneCall),
    );
    await runProperty('bursts', fc.asyncProperty(bursts, burst), { runs: 800, strands: 4 });
  }, 600_000);

  it('by two players, each through another process, under references that reach across both', async () => {
    const contested = (minLength: number, maxLength: number) => sequenceOf(policiesWhere(({ idScope }) => idScope === 'global'), { minLength, maxLength }, oneContested);
    const conflicts = () => ground.situations.get('bet TRANSACTION_CONFLICT') ?? 0;
    const before = conflicts();
    const { isWhole } = await runProperty('contests', fc.asyncProperty(fc.tuple(contested(0, 2), contested(3, 4), contested(2, 4)), burst), { runs: 300, strands: 4 });
    if (isWhole) expect(conflicts() - before).toBeGreaterThan(100);
  }, 600_000);

  it('leave no invariant broken', async () => {
    expect(await ground.wrong()).toEqual([]);
  }, 120_000);
});
