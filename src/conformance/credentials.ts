/**
 * What a provider gets from its operator: the kit's own file, or the `demo.json` that `npm start` writes. Secrets stay in it: what is
 * wrong with it is told without quoting it.
 */
import { readFileSync } from 'node:fs';
import type { Stopped } from './case.ts';
import { CannotRun } from './cannot-run.ts';
import type { OpenBet, Setting, StoppedSeat } from './setting.ts';
import type { Seat, Speaker } from './contract.ts';

export interface Credentials extends Pick<Setting, 'secret' | 'games' | 'seats' | Stopped> {
  /** where the file tells it */
  readonly baseUrl: string | undefined;
  /** what dialects of one server tell apart their paths by; put behind a URL that has no path of its own */
  readonly basePath: string;
  /** texts that no report may show */
  readonly hidden: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const textIn = (fields: Fields, names: readonly string[]): string | undefined => {
  const found = names.map((name) => fields[name]).find((value) => typeof value === 'string' && value !== '');
  return found as string | undefined;
};

export function readCredentials(file: string, speaker: Speaker): Credentials {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CannotRun(`The credentials file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'no such file'}.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CannotRun(`The credentials file ${file} is no JSON.`);
  }
  if (!isFields(value)) throw new CannotRun(`The credentials file ${file} holds no JSON object.`);
  try {
    return credentialsOf(isFields(value['provider']) || isFields(value['dialects']) ? ofDemo(value, speaker.name) : value, speaker);
  } catch (error) {
    throw error instanceof CannotRun ? error : new CannotRun(`The credentials file ${file} does not do: ${(error as Error).message}.`);
  }
}

/** `demo.json` → the kit's own form. Where it has seats for the kit alone, those. */
function ofDemo(demo: Fields, dialect: string): Fields {
  if (dialect === 'native') {
    const games = Array.isArray(demo['games']) ? (demo['games'] as unknown[]).map((game) => (isFields(game) ? game['id'] : game)) : [];
    return { baseUrl: demo['baseUrl'], secret: demo['provider'], seats: demo['players'], games, ...kept(demo) };
  }
  const dialects = isFields(demo['dialects']) ? demo['dialects'] : {};
  const own = dialects[dialect];
  if (!isFields(own)) {
    const others = ['native', ...Object.keys(dialects)].join(', ');
    throw new CannotRun(`The demo has nothing for the dialect ${dialect}; it has: ${others}.`);
  }
  const { players, gameCodes, basePath, conformance: _, ...secret } = own;
  return { baseUrl: demo['baseUrl'], basePath, secret, seats: players, games: gameCodes, ...kept(own) };
}

function kept({ conformance }: Fields): Fields {
  if (!isFields(conformance)) return {};
  const { seats, blocked, expired, superseded } = conformance;
  return { seats, blocked, expired, superseded };
}

function credentialsOf(fields: Fields, speaker: Speaker): Credentials {
  const seats = list(fields['seats'], 'seats').map((each, i) => seatOf(each, `seats[${i}]`));
  const games = list(fields['games'], 'games').map((game) => {
    if (typeof game !== 'string' || game === '') throw new Error('"games" is a list of the games’ codes');
    return game;
  });
  if (seats.length === 0) throw new Error('"seats" is empty: a case needs a player with a session and money');
  if (games.length === 0) throw new Error('"games" is empty: a bet names a game');
  const blocked = stopped(fields['blocked'], 'blocked');
  const expired = stopped(fields['expired'], 'expired');
  const superseded = stopped(fields['superseded'], 'superseded');
  return {
    secret: speaker.secret(fields['secret']), seats, games, blocked, expired, superseded,
    baseUrl: textIn(fields, ['baseUrl', 'url']), basePath: textIn(fields, ['basePath']) ?? '',
    hidden: [...secretTexts(fields['secret']), ...[...seats, ...blocked, ...expired, ...superseded].map(({ token }) => token)],
  };
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`"${name}" is to be a list`);
  return value;
}

function seatOf(value: unknown, where: string): Seat {
  const fields = isFields(value) ? value : {};
  const player = textIn(fields, ['player', 'userId', 'id']);
  const currency = textIn(fields, ['currency']);
  const token = textIn(fields, ['token', 'sessionToken']);
  if (player === undefined || currency === undefined || token === undefined) throw new Error(`${where} is to be { "player", "currency", "token" }, all of them texts`);
  return { player, currency, token };
}

function stopped(value: unknown, name: Stopped): StoppedSeat[] {
  if (value === undefined) return [];
  return list(value, name).map((each, i) => {
    const where = `${name}[${i}]`;
    const open = isFields(each) && each['open'] !== undefined ? list(each['open'], `${where}.open`) : [];
    const balance = textIn(isFields(each) ? each : {}, ['balance']);
    return { ...seatOf(each, where), open: open.map((bet, j) => openBet(bet, `${where}.open[${j}]`)), ...(balance !== undefined && { balance }) };
  });
}

function openBet(value: unknown, where: string): OpenBet {
  const fields = isFields(value) ? value : {};
  const [reference, round, game, amount] = ['reference', 'round', 'game', 'amount'].map((name) => textIn(fields, [name]));
  if (reference === undefined || round === undefined || game === undefined || amount === undefined) {
    throw new Error(`${where} is to be { "reference", "round", "game", "amount" }, all of them texts`);
  }
  return { reference, round, game, amount };
}

/** All texts of a secret but those too short to be one: names and flags. */
function secretTexts(value: unknown, name = ''): string[] {
  if (typeof value === 'string') return value.length >= 8 && /key|secret|token|pem|auth|pass|sign|salt/i.test(name) && !/header/i.test(name) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => secretTexts(inner, Array.isArray(value) ? name : key));
}
