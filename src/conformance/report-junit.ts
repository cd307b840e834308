import type { Report, ReportedCase } from './report.ts';

/** A suite a category; what went wrong is the failure's message, what was said its text. */
export function junit(report: Report): string {
  const suites = report.categories.map(({ category, counts }) => {
    const cases = report.cases.filter((each) => each.category === category);
    const seconds = cases.reduce((sum, { ms }) => sum + ms, 0) / 1000;
    const total = counts.passed + counts.failed + counts.skipped;
    return `  <testsuite name="${xml(`${report.title}: ${category}`)}" tests="${total}" failures="${counts.failed}" errors="0" skipped="${counts.skipped}" time="${seconds}" timestamp="${xml(report.at)}">
${cases.map((each) => testcase(each, report)).join('\n')}
  </testsuite>`;
  });
  const { passed, failed, skipped } = report.counts;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${xml(`conformance of ${report.baseUrl}`)}" tests="${passed + failed + skipped}" failures="${failed}" errors="0" skipped="${skipped}" time="${report.ms / 1000}">
${suites.join('\n')}
</testsuites>
`;
}

function testcase({ name, category, result, reason = '', ms, steps }: ReportedCase, { dialect }: Report): string {
  const open = `    <testcase classname="${xml(`conformance.${dialect}.${category.replaceAll(' ', '-')}`)}" name="${xml(name)}" time="${ms / 1000}"`;
  if (result === 'passed') return `${open}/>`;
  if (result === 'skipped') return `${open}><skipped message="${xml(reason)}"/></testcase>`;
  const said = steps.map(({ title, expected, heard, wrong, request, answer }) =>
    `${wrong === undefined ? '  ok ' : 'WRONG'} ${title}: expected ${expected}${heard === undefined ? '' : `, heard ${heard}`}`
      + (wrong === undefined ? '' : `\n      sent ${request?.body ?? 'nothing'}\n      got ${answer === undefined ? 'nothing' : `${answer.line} ${answer.body}`}`));
  return `${open}><failure message="${xml(reason)}">${xml(said.join('\n'))}</failure></testcase>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\n': '&#10;' };

/** Characters that XML 1.0 cannot hold are shown as what they are. */
const xml = (text: string): string => text.toWellFormed()
  .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
  .replace(/[&<>"'\n]/g, (each) => ENTITIES[each] as string);
