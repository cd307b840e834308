/** `npm run check`: what can be said of the code without running it, and the laws that no linter knows. */
import { jest, runStages } from './stages.ts';

const CRUISER = 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs';

process.exitCode = await runStages([
  { name: 'types', node: ['node_modules/typescript/bin/tsc', '--noEmit', '--project', '.'] },
  { name: 'lint', node: ['node_modules/eslint/bin/eslint.js', '.'] },
  { name: 'boundaries', node: [CRUISER, '--config', '.dependency-cruiser.mjs', 'src', 'libs', 'migrations', 'tools', 'test'] },
  jest('laws', 'test/laws'),
]);
