/** What became of a run, as texts that may be shown: secrets, tokens and signatures are taken out here, once for all forms of report. */
import { CATEGORIES, type CaseResult, type Category } from './case.ts';
import type { Setting, Step } from './setting.ts';
import { heardWords } from './words.ts';

export interface Report {
  readonly dialect: string;
  readonly title: string;
  readonly baseUrl: string;
  readonly seed: string;
  readonly at: string;
  readonly ms: number;
  readonly counts: Counts;
  readonly categories: readonly { readonly category: Category; readonly counts: Counts }[];
  readonly cases: readonly ReportedCase[];
}

export type Counts = Record<CaseResult['result'], number>;

export interface ReportedCase extends Omit<CaseResult, 'steps'> {
  readonly steps: readonly ReportedStep[];
}

export interface ReportedStep {
  readonly title: string;
  readonly expected: string;
  readonly heard?: string;
  readonly balance?: string;
  readonly wrong?: string;
  readonly request?: Message;
  readonly answer?: Message;
}

export interface Message {
  /** `POST /v1/wallet/bet`, or the status */
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HIDDEN = '‹hidden›';
const SECRET_HEADER = /sign|auth|key|token|secret|cookie|hash|hmac/i;
const QUIET_HEADER = /^(date|connection|keep-alive|content-length|transfer-encoding|vary)$/i;
const LONGEST_BODY = 8_000;

export function reportOf(results: readonly CaseResult[], setting: Setting, hidden: readonly string[], ms: number, at = new Date()): Report {
  const hide = hider(hidden);
  const cases = results.map(({ steps, reason, ...rest }): ReportedCase => ({
    ...rest, ...(reason !== undefined && { reason: hide(reason) }), steps: steps.map((step) => reported(step, hide)),
  }));
  const categories = CATEGORIES.map((category) => ({ category, counts: countsOf(cases.filter((each) => each.category === category)) }))
    .filter(({ counts }) => counts.passed + counts.failed + counts.skipped > 0);
  return {
    dialect: setting.speaker.name, title: setting.speaker.title, baseUrl: hide(withoutLogin(setting.baseUrl)), seed: setting.seed, at: at.toISOString(), ms: Math.round(ms),
    counts: countsOf(cases), categories, cases,
  };
}

function countsOf(cases: readonly Pick<CaseResult, 'result'>[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { result } of cases) counts[result] += 1;
  return counts;
}

function reported({ title, expected, wrong, sent, reply, heard }: Step, hide: (text: string) => string): ReportedStep {
  const fresh = heard?.token === undefined ? hide : hider([heard.token], hide);
  const headers = (all: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(all)
    .filter(([name]) => !QUIET_HEADER.test(name)).map(([name, value]) => [name, SECRET_HEADER.test(name) ? HIDDEN : fresh(value)]));
  return {
    title: fresh(title), expected: fresh(expected),
    ...(heard && { heard: fresh(heardWords(heard)) }), ...(heard?.balance !== undefined && { balance: heard.balance }), ...(wrong !== undefined && { wrong: fresh(wrong) }),
    ...(sent && { request: { line: `${sent.method} ${sent.path}`, headers: headers(sent.headers), body: fresh(shortened(sent.body.toString())) } }),
    ...(reply && { answer: { line: String(reply.status), headers: headers(reply.headers), body: fresh(shortened(reply.body)) } }),
  };
}

/** As written plainly, and as JSON and URLs write them. */
function hider(hidden: readonly string[], before: (text: string) => string = (text) => text): (text: string) => string {
  const forms = new Set(hidden.filter((text) => text.length >= 4).flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]));
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((left, form) => (left.includes(form) ? left.replaceAll(form, HIDDEN) : left), before(text));
}

const shortened = (text: string): string => (text.length > LONGEST_BODY ? `${text.slice(0, LONGEST_BODY)}… (${text.length} characters)` : text);

function withoutLogin(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href.replace(/\/$/, '');
}
