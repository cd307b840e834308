import type { Case } from '../case.ts';
import { ok, refused } from '../setting.ts';
import type { Desk } from '../desk.ts';
import { LeftOut } from '../desk.ts';
import { ANY_REFUSAL, AT_THE_DOOR, repeated, UNSIGNED } from '../expected.ts';
import { textOf } from '../money.ts';
import { ROLLBACK, SIGNED_TIME } from '../needs.ts';
import { altered, extended, ofType, reordered, sentTo, signatureHeaders, signedLike, spaced, unsigned, withBody, withByte } from '../wire-edits.ts';
import type { Wire } from '../contract.ts';

const BYTES = 'A signature is of bytes: one that fits other bytes than those that came is none.';

function mustDiffer(one: Wire, other: Wire, why: string): void {
  if (one.path === other.path && one.body.equals(other.body)) throw new LeftOut(why);
}

/** The same call with other bytes, which its provider signed. */
function signedOver(d: Desk, wire: Wire, body: Buffer, at?: Date): Wire {
  const { speaker, secret } = d.record.setting;
  return speaker.sign(wire, body, secret, at);
}

/** A captured bet at the path of another operation. */
async function elsewhere(d: Desk, other: 'win' | 'rollback'): Promise<void> {
  const bet = d.bet(d.units(3));
  const captured = d.wire(bet);
  const there = d.wire(other === 'win' ? d.win(bet, d.units(3)) : d.undo(bet));
  if (captured.path === there.path) throw new LeftOut('bets and what else there is share one path in this dialect');
  await d.says(bet, ok(-d.units(3)), 'A bet takes exactly its amount.');
  await d.sends(sentTo(captured, there), bet, [refused(...ANY_REFUSAL), ok()], `A signed bet that somebody sends to the path of a ${other} is refused, or harmless.`);
}

export const SECURITY: readonly Case[] = [
  {
    name: 'A bet with one character changed under its signature is refused',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.sends(altered(d.wire(bet), bet.reference), bet, UNSIGNED, BYTES);
    },
  },
  {
    name: 'A bet with another amount under its signature is refused',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const dearer = d.wire({ ...bet, amount: textOf(d.units(3)) });
      await d.sends(withBody(d.wire(bet), dearer.body.toString()), bet, UNSIGNED, BYTES);
    },
  },
  {
    name: 'A bet with the signature of another bet is refused',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.sends(signedLike(d.wire(bet), d.wire(d.bet(d.units(2)))), bet, UNSIGNED, BYTES);
    },
  },
  {
    name: 'A bet without a signature is refused',
    category: 'security',
    steps: async (d) => {
      const { speaker, secret } = d.record.setting;
      const bet = d.bet(d.units(2));
      const wire = d.wire(bet);
      const bare = unsigned(wire, signatureHeaders(speaker, wire, secret));
      await d.sends(bare, bet, [UNSIGNED, refused('bad-request')], 'Who does not sign is nobody.');
    },
  },
  {
    name: 'A bet whose keys were re-ordered under its signature is refused',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const wire = d.wire(bet);
      mustDiffer(reordered(wire), wire, 'the order of keys is fixed in this dialect');
      await d.sends(reordered(wire), bet, UNSIGNED, `${BYTES} A wallet that sorts before it verifies accepts what nobody signed.`);
    },
  },
  {
    name: 'A bet written with other spaces under its signature is refused',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.sends(spaced(d.wire(bet)), bet, UNSIGNED, `${BYTES} A wallet that parses before it verifies accepts what nobody signed.`);
    },
  },
  {
    name: 'A captured bet sent to the path of a win pays nothing',
    category: 'security',
    steps: async (d) => elsewhere(d, 'win'),
  },
  {
    name: 'A captured bet sent to the path of a rollback gives nothing back',
    category: 'security', needs: [ROLLBACK],
    steps: async (d) => elsewhere(d, 'rollback'),
  },
  {
    name: 'A captured bet sent again, byte for byte, is charged once',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const wire = d.wire(bet);
      await d.sends(wire, bet, ok(-d.units(2)), 'A bet takes exactly its amount.');
      await d.sends(wire, bet, repeated(d.can), 'Whoever repeats a signed call repeats it without effect.');
    },
  },
  {
    name: 'A bet signed long ago is refused',
    category: 'security', needs: [SIGNED_TIME],
    steps: async (d) => dated(d, -1),
  },
  {
    name: 'A bet signed for a time to come is refused',
    category: 'security', needs: [SIGNED_TIME],
    steps: async (d) => dated(d, 1),
  },
  {
    name: 'A signed body that is no JSON is refused, and breaks nothing',
    category: 'security',
    steps: async (d) => nonsense(d, '{"operation":'),
  },
  {
    name: 'A signed body of nothing is refused, and breaks nothing',
    category: 'security',
    steps: async (d) => nonsense(d, ''),
  },
  {
    name: 'A signed list instead of an object is refused, and breaks nothing',
    category: 'security',
    steps: async (d) => nonsense(d, '[[[]]]'),
  },
  {
    name: 'A signed body with a byte that is no text is refused, not mended',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const wire = d.wire(bet);
      await d.sends(signedOver(d, wire, withByte(wire, bet.reference, 0xff)), bet, refused('bad-request', 'bad-signature'), 'Two ids that differ in such a byte would become one.');
      await d.says(bet, ok(-d.units(2)), 'The next call is served as ever.');
    },
  },
  {
    name: 'A bet sent by another method than the dialect’s does nothing',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      for (const method of ['GET', 'PUT']) await d.sends({ ...d.wire(bet), method }, bet, AT_THE_DOOR, 'What may be fetched, repeated or cached on the way must not move money.');
      await d.says(bet, ok(-d.units(2)), 'What was turned away at the door was never here.');
    },
  },
  {
    name: 'A bet that calls itself plain text is refused',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      await d.sends(ofType(d.wire(bet), 'text/plain'), bet, AT_THE_DOOR, 'A browser sends plain text anywhere without asking; a wallet takes the type that its dialect has, and no other.');
      await d.says(bet, ok(-d.units(2)), 'What was turned away at the door was never here.');
    },
  },
  {
    name: 'A field that nobody knows is no reason to refuse a bet',
    category: 'security',
    steps: async (d) => {
      const bet = d.bet(d.units(2));
      const wire = d.wire(bet);
      await d.sends(signedOver(d, wire, Buffer.from(extended(wire))), bet, ok(-d.units(2)), 'Providers add fields without asking; a wallet leaves alone what it does not know.');
    },
  },
];

async function dated(d: Desk, direction: 1 | -1): Promise<void> {
  const bet = d.bet(d.units(2));
  const wire = d.wire(bet);
  const at = new Date(Date.now() + direction * ((d.can.clockS ?? 0) + 120) * 1_000);
  await d.sends(signedOver(d, wire, wire.body, at), bet, UNSIGNED, 'A signed time bounds for how long a captured call is of use.');
}

async function nonsense(d: Desk, text: string): Promise<void> {
  const bet = d.bet(d.units(2));
  await d.sends(signedOver(d, d.wire(bet), Buffer.from(text)), bet, refused('bad-request', 'bad-signature'), 'What cannot be read is refused as such; it is no fault of the wallet’s.');
  await d.says(bet, ok(-d.units(2)), 'The next call is served as ever.');
}
