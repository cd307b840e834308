import { parseArgs } from 'node:util';
import { CannotRun } from './cannot-run.ts';

export interface Options {
  readonly dialect: string;
  readonly url: string | undefined;
  readonly credentials: string;
  readonly only: readonly string[];
  readonly junit: string | undefined;
  readonly html: string | undefined;
  readonly json: string | undefined;
  readonly seed: string | undefined;
  readonly atOnce: number;
  readonly timeoutMs: number;
}

export const USAGE = `npm run conformance -- --dialect NAME --url URL --credentials FILE [options]

  --dialect NAME       what the wallet speaks: DIALECTS
  --url URL            where it is; may be left out where the credentials tell
  --credentials FILE   secret, seats and games as JSON, or the demo.json of npm start
  --only TEXT          cases of this category, or with this in their name; may be given several times
  --junit FILE         a report for CI        --html FILE   one to read        --json FILE   one for programs
  --seed TEXT          of all ids; the same seed makes the same ids
  --at-once N          cases at once, 1 to 64 (4)
  --timeout MS         for an answer (10000)
  --list               the cases, without running them
  --help               this

Exit status: 0 all passed, 1 some failed, 2 could not run.`;

const FORMS = {
  dialect: { type: 'string' }, url: { type: 'string' }, credentials: { type: 'string' }, only: { type: 'string', multiple: true }, junit: { type: 'string' },
  html: { type: 'string' }, json: { type: 'string' }, seed: { type: 'string' }, 'at-once': { type: 'string' }, timeout: { type: 'string' },
  list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
} as const;

/** Throws `CannotRun` for what it does not know or cannot use. */
export function readOptions(args: readonly string[]): Options | 'help' | 'list' {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: FORMS, allowPositionals: false, strict: true }));
  } catch (error) {
    throw new CannotRun(`${(error as Error).message.split('. ')[0]}.\n\n${USAGE}`);
  }
  if (values.help) return 'help';
  if (values.list) return 'list';
  for (const name of ['dialect', 'credentials'] as const) if (!values[name]) throw new CannotRun(`--${name} is missing.\n\n${USAGE}`);
  if (values.url !== undefined && !/^https?:$/.test(protocolOf(values.url))) throw new CannotRun(`--url is to be an http or https address, not ${values.url}.`);
  return {
    dialect: values.dialect as string, url: values.url, credentials: values.credentials as string, only: values.only ?? [], junit: values.junit, html: values.html,
    json: values.json, seed: values.seed, atOnce: whole('at-once', values['at-once'], 4, 64), timeoutMs: whole('timeout', values.timeout, 10_000, 600_000),
  };
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}

function whole(name: string, text: string | undefined, usual: number, most: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) throw new CannotRun(`--${name} is to be a whole number from 1 to ${most}, not ${text}.`);
  return value;
}
