/** What a piece begins with; it grows as long as the largest piece needs it to. */
const FIRST_BYTES = 1 << 20;

/**
 * The bytes of one piece after the other, in memory that is used again. Of small buffers that live as long as a piece takes, most would come through
 * two collections of young objects: they then lie off the heap, dead, until the whole heap is collected, which a worker's small heap seldom is.
 */
export class Gathered {
  length = 0;
  private memory = Buffer.allocUnsafeSlow(FIRST_BYTES);

  add(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (length > this.memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.memory.length));
      this.memory.copy(larger, 0, 0, this.length);
      this.memory = larger;
    }
    this.length += chunk.copy(this.memory, this.length);
  }

  /** All of them, good until the next ones are added, and begins anew. */
  take(): Buffer {
    const bytes = this.memory.subarray(0, this.length);
    this.length = 0;
    return bytes;
  }
}
