/** What a part of a process says of its health. */

export interface Probe {
  readonly name: string;
  /** Rejects while calls must not be sent here; what it resolves to is shown (a warning, a number). */
  readonly check: () => Promise<Readonly<Record<string, unknown>> | void>;
}

/** What makes this process ready; each part adds its own when it is put together. */
export class Probes {
  private readonly probes: Probe[] = [];

  add(probe: Probe): void {
    this.probes.push(probe);
  }

  get all(): readonly Probe[] {
    return this.probes;
  }
}
