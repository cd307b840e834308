/** The kit from its arguments to its exit status. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CannotRun } from './cannot-run.ts';
import { CATEGORIES, type Case } from './case.ts';
import type { Setting } from './setting.ts';
import { CASES } from './cases.ts';
import type { Heard, Speaker } from './contract.ts';
import { readCredentials, type Credentials } from './credentials.ts';
import { readOptions, USAGE, type Options } from './options.ts';
import { html } from './report-html.ts';
import { junit } from './report-junit.ts';
import { progress, table, type Screen } from './report-terminal.ts';
import { reportOf, type Report } from './report.ts';
import { runCases } from './run.ts';
import { mainCurrency } from './seats.ts';
import { openTransport } from './transport.ts';
import { heardWords } from './words.ts';

const PATIENCE_MS = 5_000;
/** One of them may be spoilt. */
const SEATS_ASKED = 5;

/** 0: all passed · 1: some failed · 2: could not run, and `errors` says why in a sentence. */
export async function conformance(args: readonly string[], speakers: readonly Speaker[], screen: Screen, errors: Pick<Screen, 'write'>): Promise<0 | 1 | 2> {
  try {
    const options = readOptions(args);
    if (options === 'help') screen.write(`${usage(speakers)}\n`);
    else if (options === 'list') screen.write(`${CASES.map(({ category, name }) => `${category.padEnd(14)}${name}`).join('\n')}\n`);
    else return await judge(options, speakers, screen);
    return 0;
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    errors.write(`${error.message.replace(USAGE, usage(speakers))}\n`);
    return 2;
  }
}

const usage = (speakers: readonly Speaker[]): string => USAGE.replace('DIALECTS', speakers.map(({ name }) => name).join(', '));

async function judge(options: Options, speakers: readonly Speaker[], screen: Screen): Promise<0 | 1> {
  const speaker = speakers.find(({ name }) => name === options.dialect);
  if (!speaker) throw new CannotRun(`There is no dialect ${options.dialect}; there are: ${speakers.map(({ name }) => name).join(', ')}.`);
  const cases = chosen(options.only);
  const credentials = readCredentials(options.credentials, speaker);
  const setting = settingOf(options, speaker, credentials);
  await mustAnswer(setting);
  const began = performance.now();
  const results = await runCases(cases, setting, progress(screen, cases.length));
  const report = reportOf(results, setting, credentials.hidden, performance.now() - began);
  screen.write(`${table(report, screen)}\n`);
  write(options, report);
  const { passed, failed } = report.counts;
  if (passed + failed === 0) throw new CannotRun('Every case was left out: nothing can be said of this wallet.');
  return failed > 0 ? 1 : 0;
}

function chosen(only: readonly string[]): Case[] {
  const fits = (text: string) => ({ name, category }: Case): boolean => category === text.toLowerCase() || name.toLowerCase().includes(text.toLowerCase());
  const idle = only.find((text) => !CASES.some(fits(text)));
  if (idle !== undefined) throw new CannotRun(`No case has “${idle}” in its name, and the categories are: ${CATEGORIES.join(', ')}.`);
  return CASES.filter((each) => only.length === 0 || only.some((text) => fits(text)(each)));
}

function settingOf(options: Options, speaker: Speaker, credentials: Credentials): Setting {
  const given = options.url ?? credentials.baseUrl;
  if (given === undefined || !URL.canParse(given)) throw new CannotRun('--url is missing, and the credentials do not tell where the wallet is.');
  const bare = new URL(given).pathname === '/';
  return {
    ...credentials, speaker, baseUrl: bare ? given.replace(/\/+$/, '') + credentials.basePath : given, seed: options.seed ?? randomBytes(6).toString('hex'),
    atOnce: options.atOnce, timeoutMs: options.timeoutMs, patienceMs: PATIENCE_MS,
  };
}

/** Asks for a balance first: a wallet that is not there, or not ours to ask, fails no case. */
async function mustAnswer(setting: Setting): Promise<void> {
  const { speaker, secret, baseUrl, seats, timeoutMs } = setting;
  const currency = mainCurrency(seats);
  const transport = openTransport(baseUrl, timeoutMs);
  let heard: Heard = { verdicts: [] };
  try {
    for (const seat of seats.filter((each) => each.currency === currency).slice(0, SEATS_ASKED)) {
      const said = { say: 'balance', seat } as const;
      heard = speaker.hear(said, await transport.send(speaker.say(said, secret)));
      if (heard.verdicts.includes('ok')) return;
    }
  } catch (error) {
    throw new CannotRun(`The wallet at ${new URL(baseUrl).host} cannot be reached: ${(error as Error).message}.`);
  } finally {
    transport.close();
  }
  const complaint = heard.complaint === undefined ? '' : ` (${heard.complaint})`;
  const means = (...verdicts: Heard['verdicts'][number][]): boolean => heard.verdicts.some((verdict) => verdicts.includes(verdict));
  if (means('bad-signature', 'unknown-key')) throw new CannotRun(`The wallet does not take these credentials: ${heardWords(heard)}${complaint}. Are key and secret right, and the clocks together?`);
  if (means('not-understood', 'not-found')) throw new CannotRun(`What answers at ${baseUrl} does not speak ${speaker.title}: ${heardWords(heard)}${complaint}.`);
  throw new CannotRun(`The wallet tells no seat’s balance: ${heardWords(heard)}${complaint}. Are the seats’ players and tokens of this wallet?`);
}

function write(options: Options, report: Report): void {
  const files = { junit: () => junit(report), html: () => html(report), json: () => `${JSON.stringify(report, null, 2)}\n` };
  for (const [form, make] of Object.entries(files) as [keyof typeof files, () => string][]) {
    const file = options[form];
    if (file === undefined) continue;
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, make());
    } catch (error) {
      throw new CannotRun(`The report ${file} cannot be written: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}.`);
    }
  }
}
