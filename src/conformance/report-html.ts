/** One file to read, to print and to hand on: nothing is fetched, everything is escaped. */
import { SCRIPT, STYLE } from './report-html-page.ts';
import type { Message, Report, ReportedCase, ReportedStep } from './report.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const esc = (text: string): string => text.toWellFormed().replace(/[&<>"']/g, (each) => ENTITIES[each] as string);

const RESULTS = { failed: 'failed', passed: 'passed', skipped: 'left out' } as const;
const SIGNS = { failed: '✗', passed: '✓', skipped: '–' } as const;

export function html(report: Report): string {
  const { passed, failed, skipped } = report.counts;
  const sentence = failed > 0 ? `${failed} of ${passed + failed} cases failed` : `All ${passed} cases passed`;
  const left = skipped > 0 ? `, ${skipped} left out` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${esc(`${sentence}: ${report.title}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="kicker">Wallet conformance · ${esc(report.title)}</p>
<h1 class="${failed > 0 ? 'failed' : 'passed'}">${esc(sentence + left)}</h1>
<dl>
<div><dt>Wallet</dt><dd>${esc(report.baseUrl)}</dd></div>
<div><dt>When</dt><dd><time>${esc(report.at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))}</time></dd></div>
<div><dt>Took</dt><dd>${(report.ms / 1000).toFixed(1)} s</dd></div>
<div><dt>Seed</dt><dd><code>${esc(report.seed)}</code></dd></div>
</dl>
${bar(report)}
</header>
<nav aria-label="Filters">
<div class="chips" data-filter="result">${chip('', 'all', passed + failed + skipped)}${(['failed', 'passed', 'skipped'] as const).map((result) => chip(result, RESULTS[result], report.counts[result])).join('')}</div>
<div class="chips" data-filter="category">${chip('', 'every category', passed + failed + skipped)}${report.categories.map(({ category, counts }) => chip(category, category, counts.passed + counts.failed + counts.skipped, counts.failed)).join('')}</div>
</nav>
<main>
${report.categories.map(({ category, counts }) => `<section data-category="${esc(category)}">
<h2>${esc(category)} <small>${counts.passed} passed${counts.failed ? `, <b>${counts.failed} failed</b>` : ''}${counts.skipped ? `, ${counts.skipped} left out` : ''}</small></h2>
${report.cases.filter((each) => each.category === category).map(oneCase).join('\n')}
</section>`).join('\n')}
<p id="none" hidden>No case fits these filters.</p>
</main>
<footer>Secrets, tokens and signatures are hidden. Each case plays on a seat of its own, with ids of its own; balances are read behind every call.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function bar({ counts, categories }: Report): string {
  const total = counts.passed + counts.failed + counts.skipped || 1;
  const parts = (['failed', 'passed', 'skipped'] as const).filter((result) => counts[result] > 0)
    .map((result) => `<i class="${result}" style="flex-grow:${counts[result]}" title="${counts[result]} ${RESULTS[result]}"></i>`);
  return `<div class="bar" role="img" aria-label="${counts.passed} of ${total} passed in ${categories.length} categories">${parts.join('')}</div>`;
}

const chip = (value: string, text: string, count: number, failed = 0): string =>
  `<button type="button" data-value="${esc(value)}" aria-pressed="${value === ''}"${count === 0 ? ' disabled' : ''}>${esc(text)} <span${failed ? ' class="failed"' : ''}>${failed ? `${failed}/` : ''}${count}</span></button>`;

function oneCase({ name, category, result, reason, player, ms, steps }: ReportedCase): string {
  const why = reason === undefined ? '' : `<p class="why ${result}">${esc(reason)}</p>`;
  const about = [player === undefined ? '' : `player <code>${esc(player)}</code>`, `${ms} ms`].filter(Boolean).join(' · ');
  const body = steps.length === 0 ? '' : `<ol>${steps.map(oneStep).join('')}</ol><p class="about">${about}</p>`;
  return `<details class="case ${result}" data-result="${result}" data-category="${esc(category)}"${result === 'failed' ? ' open' : ''}>
<summary><span class="sign" title="${RESULTS[result]}">${SIGNS[result]}</span><span class="name">${esc(name)}</span>${result === 'skipped' ? '<span class="tag">left out</span>' : ''}</summary>
<div class="inside">${why}${body}</div>
</details>`;
}

function oneStep({ title, expected, heard, balance, wrong, request, answer }: ReportedStep): string {
  const told = [heard, balance === undefined ? undefined : `balance ${balance}`].filter((text) => text !== undefined).join(' · ');
  const rows = [`<dt>expected</dt><dd>${esc(expected)}</dd>`, ...(told ? [`<dt>heard</dt><dd>${esc(told)}</dd>`] : []), ...(wrong === undefined ? [] : [`<dt>wrong</dt><dd class="wrong">${esc(wrong)}</dd>`])];
  const wire = request || answer ? `<details class="wire"${wrong === undefined ? '' : ' open'}><summary>on the wire</summary>${message('sent', request)}${message('came back', answer)}</details>` : '';
  return `<li class="${wrong === undefined ? 'right' : 'bad'}"><b>${esc(title)}</b><dl>${rows.join('')}</dl>${wire}</li>`;
}

function message(what: string, given: Message | undefined): string {
  if (!given) return `<div class="message"><h4>${what}</h4><pre>nothing</pre></div>`;
  const headers = Object.entries(given.headers).map(([name, value]) => `${name}: ${value}`).join('\n');
  return `<div class="message"><h4>${what}</h4><pre><b>${esc(given.line)}</b>\n<span>${esc(headers)}</span>\n\n${esc(given.body)}</pre></div>`;
}
