/** Progress while it runs, and a table at the end; in colour where the terminal has any. */
import type { CaseResult } from './case.ts';
import type { Report } from './report.ts';

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
  write(text: string): unknown;
}

const CODES = { green: 32, red: 31, yellow: 33, dim: 2, bold: 1 } as const;

const painter = (screen: Screen) => (colour: keyof typeof CODES, text: string): string =>
  (screen.isTTY === true && screen.hasColors?.() === true ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text);

/** On a terminal one line that is written over; else a line for each case that failed. */
export function progress(screen: Screen, total: number): (result: CaseResult) => void {
  const paint = painter(screen);
  let done = 0;
  let failed = 0;
  return ({ name, result }) => {
    done += 1;
    failed += result === 'failed' ? 1 : 0;
    if (screen.isTTY !== true) {
      if (result === 'failed') screen.write(`failed: ${name}\n`);
      return;
    }
    const line = `${done}/${total}${failed ? `  ${failed} failed` : ''}  ${name}`.slice(0, (screen.columns ?? 80) - 1);
    screen.write(`\r\u001b[2K${done === total ? '' : paint(failed ? 'red' : 'dim', line)}`);
  };
}

export function table(report: Report, screen: Screen): string {
  const paint = painter(screen);
  const count = (colour: keyof typeof CODES, value: number) => paint(value ? colour : 'dim', String(value || '·').padStart(9));
  const { passed, failed, skipped } = report.counts;
  const rows = [...report.categories, { category: 'in all', counts: report.counts }].map(({ category, counts }) =>
    `${category.padEnd(14)}${count('green', counts.passed)}${count('red', counts.failed)}${count('yellow', counts.skipped)}`);
  const failures = report.cases.filter(({ result }) => result === 'failed').flatMap(({ name, category, reason }) => [`${paint('red', '✗')} ${paint('bold', name)} (${category})`, `  ${reason}`]);
  const reasons = new Map<string, number>();
  for (const { result, reason = '' } of report.cases) if (result === 'skipped') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const left = [...reasons].map(([reason, many]) => `${paint('yellow', '–')} ${many} left out: ${reason}`);
  const sum = `${passed} passed, ${failed} failed, ${skipped} left out of ${passed + failed + skipped} cases in ${(report.ms / 1000).toFixed(1)} s`;
  return [
    `${paint('bold', report.title)} at ${report.baseUrl}, seed ${report.seed}`, '', `${''.padEnd(14)}${['passed', 'failed', 'left out'].map((word) => word.padStart(9)).join('')}`,
    ...rows, '', ...failures, ...(failures.length ? [''] : []), ...left, ...(left.length ? [''] : []), paint(failed ? 'red' : 'green', sum), '',
  ].join('\n');
}
