import { writeFileSync } from 'node:fs';

/** Beside Jest's own reporter, for `tools/stages.ts`: what was counted, as JSON; and a clean end where the run is cut off. */
export default class Counting {
  constructor() {
    // Global teardown does not run then; who started a database in this process ends it on exit.
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  }

  onRunComplete(_, results) {
    const file = process.env.STAGE_COUNTS;
    if (!file) return;
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = results;
    const counts = { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, skipped: numPendingTests + numTodoTests };
    writeFileSync(file, JSON.stringify(counts));
  }
}
