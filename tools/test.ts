/** `npm test`, in stages. `npm test -- faults` runs only the stages named. */
import { jest, runStages, type Stage } from './stages.ts';

/** These start and kill whole clusters and measure time: one at a time and with the machine to themselves. */
const ALONE = ['test/faults/', 'test/flows/start.spec.ts'];

const STAGES: Readonly<Record<string, Stage>> = {
  rules: jest('rules, wire, model and laws', `--testPathIgnorePatterns=${ALONE.join('|')}`),
  faults: jest('faults, one at a time', '--runInBand', ...ALONE),
  mutants: { name: 'planted bugs', node: ['test/mutants/run.ts'] },
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in STAGES));
if (unknown) {
  console.error(`There is no stage ${unknown}; there are ${Object.keys(STAGES).join(', ')}.`);
  process.exit(1);
}
const chosen = Object.entries(STAGES).filter(([name]) => asked.length === 0 || asked.includes(name));
process.exitCode = await runStages(chosen.map(([, stage]) => stage));
