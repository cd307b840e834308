import { writeFileSync } from 'node:fs';

/** Says in MUTANT_RESULT how a run ended, and ends it with its first failure: one is enough to kill a mutant. */
export default class FirstFailure {
  onTestCaseResult(_, { status, fullName, failureMessages }) {
    if (status !== 'failed') return;
    this.write({ failed: fullName, message: failureMessages.join('\n') });
    process.exit(1);
  }

  onRunComplete(_, { numPassedTests, testResults }) {
    const broken = testResults.find(({ testExecError }) => testExecError);
    this.write({ passed: numPassedTests, ...(broken && { broken: broken.failureMessage }) });
  }

  write(result) {
    writeFileSync(process.env.MUTANT_RESULT, JSON.stringify(result));
  }
}
