/**
 * `npm test`, in stages. `npm test -- faults` runs only the stages named; `wide` and `long` run only where they are named, as `.ci/run` does.
 */
import { jest, runStages, type Stage } from './stages.ts';

/** These start and kill whole clusters and measure time: one at a time and with the machine to themselves. */
const ALONE = ['test/faults/', 'test/flows/start.spec.ts'];

/** Of those, what takes longest for what it finds: deaths of whole fleets. */
const LONG = ['test/faults/(ambiguous-commit|exports-|held-wallet|kill|months|queue|replica|roles)'];

/** Of the rest, what takes more than some twelve seconds by itself: large histories, many starts, many draws, and walks through the guides in copies of the tree. */
const WIDE = [
  'test/flows/(bad-input-fuzz|calls-faults|calls-health|calls-log|calls-redacted|credentials-rotation|credentials-sealed|exports-metrics|feed-rebuild)',
  'test/flows/(hub88-bad-input|hub88-simulator|office-accounts|office-bad-input|office-cashier|office-cli|operations)',
  'test/flows/(new-provider|new-view|page|plans-|readme|reports-clock|reports-plans|security-bad-input|start-refused)', 'src/cli.spec', 'src/providers/call-log-hostile',
];

/** What `npm run check` looks at. */
const LAWS = 'test/laws/';

const without = (...paths: string[]): string => `--testPathIgnorePatterns=${paths.join('|')}`;

const STAGES: Readonly<Record<string, Stage>> = {
  rules: jest('rules, wire and model', without(...ALONE, LAWS, ...LONG, ...WIDE)),
  faults: jest('faults, one at a time', '--runInBand', ...ALONE, without(...LONG)),
  mutants: { name: 'planted bugs', node: ['test/mutants/run.ts'] },
  wide: jest('the wide ones', ...WIDE, without(...ALONE)),
  long: jest('the long ones, one at a time', '--runInBand', ...LONG),
};
const BY_THEMSELVES = ['rules', 'faults', 'mutants'];

// The long enumerations in a short form, unless the sizes are said: `.ci/run` says them, and `npm run prove` has its own.
const SHORT = { FAULT_COMMITS: '400', FAULT_POINTS: 'few', FAULT_KILLS: '2', FAULT_RACES: '100', FAULT_WIPES: '5', MODEL_HISTORIES: '60', MODEL_PART: '0.25', MUTANTS_ONE_IN: '8' };
for (const [name, size] of Object.entries(SHORT)) process.env[name] ??= size;

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in STAGES));
if (unknown) {
  console.error(`There is no stage ${unknown}; there are ${Object.keys(STAGES).join(', ')}.`);
  process.exit(1);
}
const chosen = Object.entries(STAGES).filter(([name]) => (asked.length === 0 ? BY_THEMSELVES : asked).includes(name));
process.exitCode = await runStages(chosen.map(([, stage]) => stage));
