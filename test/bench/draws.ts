/** Whose turn it is: how a load is spread over the players. */
import type { Random } from './random.ts';

export type Draw = () => string;

export const SPREADS = ['uniform', 'Zipf 1.0', 'Zipf 1.5', '50 accounts', 'one account'] as const;
export type Spread = (typeof SPREADS)[number];

export function drawOf(spread: Spread, players: readonly string[], random: Random): Draw {
  switch (spread) {
    case 'uniform': return () => players[random.below(players.length)] as string;
    case 'Zipf 1.0': return zipf(1, players, random);
    case 'Zipf 1.5': return zipf(1.5, players, random);
    case '50 accounts': return among(some(50, players, random), random);
    case 'one account': return among(some(1, players, random), random);
  }
}

const among = (players: readonly string[], random: Random): Draw => () => players[random.below(players.length)] as string;

/** Drawn, so that they do not lie side by side in the tables. */
function some(count: number, players: readonly string[], random: Random): string[] {
  const chosen = new Set<string>();
  while (chosen.size < Math.min(count, players.length)) chosen.add(players[random.below(players.length)] as string);
  return [...chosen];
}

/** The player of rank k comes with a weight of k^-exponent; ranks are dealt anew each time. */
function zipf(exponent: number, players: readonly string[], random: Random): Draw {
  const ranked = [...players];
  for (let i = ranked.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [ranked[i], ranked[j]] = [ranked[j] as string, ranked[i] as string];
  }
  const reached = new Float64Array(ranked.length);
  let total = 0;
  for (let i = 0; i < ranked.length; i++) reached[i] = total += (i + 1) ** -exponent;
  return () => {
    const wanted = random.fraction() * total;
    let [low, high] = [0, ranked.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((reached[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return ranked[low] as string;
  };
}
