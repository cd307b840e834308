/** `npm test`, in stages. `npm test -- faults` runs only the stages named. */
import { jest, runStages, type Stage } from './stages.ts';

/** These start and kill whole clusters and measure time: one at a time and with the machine to themselves. */
const ALONE = ['test/faults/', 'test/flows/start.spec.ts'];

/** What `npm run check` looks at. */
const LAWS = 'test/laws/';

const STAGES: Readonly<Record<string, Stage>> = {
  rules: jest('rules, wire and model', `--testPathIgnorePatterns=${[...ALONE, LAWS].join('|')}`),
  faults: jest('faults, one at a time', '--runInBand', ...ALONE),
  mutants: { name: 'planted bugs', node: ['test/mutants/run.ts'] },
};

// The long enumerations in a short form, unless the sizes are said: `.ci/run` says them, and `npm run prove` has its own.
const SHORT = { FAULT_COMMITS: '400', FAULT_POINTS: 'few', FAULT_KILLS: '2', FAULT_RACES: '100', FAULT_WIPES: '5', MODEL_HISTORIES: '60', MUTANTS_ONE_IN: '4' };
for (const [name, size] of Object.entries(SHORT)) process.env[name] ??= size;

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in STAGES));
if (unknown) {
  console.error(`There is no stage ${unknown}; there are ${Object.keys(STAGES).join(', ')}.`);
  process.exit(1);
}
const chosen = Object.entries(STAGES).filter(([name]) => asked.length === 0 || asked.includes(name));
process.exitCode = await runStages(chosen.map(([, stage]) => stage));
