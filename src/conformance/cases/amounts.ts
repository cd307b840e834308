import type { Case } from '../case.ts';
import { ok } from '../setting.ts';
import type { Bet, Desk, Win } from '../desk.ts';
import { LeftOut } from '../desk.ts';
import { MALFORMED } from '../expected.ts';
import { textOf } from '../money.ts';
import { withBadAmount, type BadAmount } from '../wire-edits.ts';

/** The call with another amount on the wire than anything a speaker would say. */
async function badly(d: Desk, said: Bet | Win, how: BadAmount, why: string): Promise<void> {
  const { speaker, secret } = d.record.setting;
  const body = withBadAmount(speaker, secret, said, textOf(d.units(8)), how);
  if (body === undefined) throw new LeftOut(`${speaker.title} has no one field for an amount`);
  await d.sends(speaker.sign(d.wire(said), Buffer.from(body), secret), said, MALFORMED, why);
}

const bad = (name: string, how: BadAmount, why: string): Case => ({
  name, category: 'amounts', steps: async (d) => badly(d, d.bet(d.units(2)), how, why),
});

const badWin = (name: string, how: BadAmount, why: string): Case => ({
  name,
  category: 'amounts',
  steps: async (d) => {
    const bet = d.bet(d.units(2));
    await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
    const win = d.win(bet, d.units(3));
    const { speaker, secret } = d.record.setting;
    const body = withBadAmount(speaker, secret, win, textOf(d.units(8)), how);
    if (body === undefined) throw new LeftOut(`${speaker.title} has no one field for an amount`);
    // It is owed, so a dialect may ask for the call again; paid it must not be, and nothing else.
    const wanted = how === 'too fine' ? [MALFORMED, { verdicts: ['retry' as const] }] : MALFORMED;
    await d.sends(speaker.sign(d.wire(win), Buffer.from(body), secret), win, wanted, why);
  },
});

const FORM = 'What is no amount is refused with the reason, and is no fault of the wallet’s.';

export const AMOUNTS: readonly Case[] = [
  {
    name: 'The least amount moves exactly',
    category: 'amounts',
    steps: async (d) => {
      const bet = d.bet(d.least);
      await d.says(bet, ok(-d.least), 'A bet takes exactly its amount, to the last digit.');
      await d.says(d.win(bet, d.least * 7n), ok(d.least * 7n), 'A win pays exactly its amount, to the last digit.');
    },
  },
  {
    name: 'A tenth and two tenths are three tenths',
    category: 'amounts',
    steps: async (d) => {
      const tenth = d.unit / 10n >= d.least ? d.unit / 10n : d.least;
      for (const count of [1n, 2n, 1n, 2n, 7n]) await d.says(d.bet(tenth * count), ok(-tenth * count), 'Amounts are added exactly; binary fractions are not money.');
    },
  },
  {
    name: 'A win of zero ends a lost round',
    category: 'amounts',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.says(bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.says(d.win(bet, 0n), ok(), 'A lost round ends with a win of zero; it is recorded like any other.');
    },
  },
  {
    name: 'A bet of zero is taken or refused as the dialect says',
    category: 'amounts',
    steps: async (d) => {
      await d.says(d.bet(0n), d.can.zeroBets ? ok() : MALFORMED, d.can.zeroBets ? 'This dialect has bets of zero.' : 'A bet of nothing is none.');
    },
  },
  bad('A bet of less than zero is refused', 'negative', 'A negative stake would be a payment.'),
  bad('A bet finer than the currency is refused, not rounded', 'too fine', 'Rounded down it would be another stake than the provider’s.'),
  bad('A bet whose amount is a word is refused', 'a word', FORM),
  bad('A bet whose amount is of another type is refused', 'of another type', 'Numbers lose digits on their way through other parsers; each dialect has one form.'),
  bad('A bet without an amount is refused', 'missing', FORM),
  bad('A bet whose amount is null is refused', 'null', FORM),
  bad('A bet whose amount is a list is refused', 'a list', FORM),
  badWin('A win of less than zero is refused', 'negative', 'A negative win would be a charge.'),
  badWin('A win finer than the currency is not paid rounded', 'too fine', 'A win is owed in full: rounded it would differ from the provider’s books for ever.'),
];
