/** The nearest tier: what was used last, within a bound of entries and of bytes. */

export interface Weighed {
  readonly bytes: number;
}

export class Memory<Value extends Weighed> {
  private readonly kept = new Map<string, Value>();
  private held = 0;

  constructor(private readonly most: { readonly entries: number; readonly bytes: number }) {}

  get(key: string): Value | undefined {
    const value = this.kept.get(key);
    if (!value) return undefined;
    // A map keeps the order in which things came: the first one is the one that was not asked for the longest.
    this.kept.delete(key);
    this.kept.set(key, value);
    return value;
  }

  has(key: string): boolean {
    return this.kept.has(key);
  }

  set(key: string, value: Value): void {
    this.delete(key);
    if (value.bytes > this.most.bytes) return;
    this.kept.set(key, value);
    this.held += value.bytes;
    for (const [oldest] of this.kept) {
      if (this.kept.size <= this.most.entries && this.held <= this.most.bytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): boolean {
    this.held -= this.kept.get(key)?.bytes ?? 0;
    return this.kept.delete(key);
  }

  clear(): void {
    this.kept.clear();
    this.held = 0;
  }

  get entries(): number {
    return this.kept.size;
  }

  get bytes(): number {
    return this.held;
  }
}
