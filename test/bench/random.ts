/** Draws that a seed repeats. */
export interface Random {
  below(limit: number): number;
  /** from 0, below 1 */
  fraction(): number;
  /** of the form of a UUID, as many providers make their ids */
  id(): string;
}

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  // A 32-bit mixer after a Weyl sequence: enough to spread load, and the same on every machine.
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const hex = () => next().toString(16).padStart(8, '0');
  return {
    below: (limit) => Math.floor((next() / 2 ** 32) * limit),
    fraction: () => next() / 2 ** 32,
    id() {
      const [a, b, c, d] = [hex(), hex(), hex(), hex()];
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`;
    },
  };
}
