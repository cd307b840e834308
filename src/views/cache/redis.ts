/**
 * The tier that processes share, where REDIS_URL is set. It is never waited for long and never an error: a Redis that is gone or silent is
 * passed by, and asked again behind a second.
 */
import KeyvRedis, { createClient } from '@keyv/redis';

/** A read of a replica takes no longer. */
const ANSWERS_MS = 50;
const AGAIN_MS = 1_000;

export type RedisResult = 'hit' | 'miss' | 'set' | 'error' | 'passed';

/** What Keyv asks of a store. */
export class RedisTier {
  opts = {};
  private readonly client;
  private readonly store: KeyvRedis<string>;
  private awayUntil = 0;

  constructor(url: string, namespace: string, private readonly count: (result: RedisResult) => void) {
    this.client = createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: 1_000, reconnectStrategy: AGAIN_MS } });
    this.store = new KeyvRedis<string>(this.client, { namespace, throwOnErrors: true, throwOnConnectError: false });
    // Each command hears of it by itself; an error that nobody hears ends the process.
    this.client.on('error', () => undefined);
    this.store.on('error', () => undefined);
    void this.client.connect().catch(() => undefined);
  }

  async get(key: string): Promise<string | undefined> {
    const found = await this.asked(() => this.store.get<string>(key));
    if (found) this.count(found.answer === undefined ? 'miss' : 'hit');
    return found?.answer ?? undefined;
  }

  /** Nobody waits for it. */
  set(key: string, value: string, ttl?: number): void {
    void this.asked(() => this.store.set(key, value, ttl)).then((done) => done && this.count('set'));
  }

  async delete(key: string): Promise<boolean> {
    return (await this.asked(() => this.store.delete(key)))?.answer ?? false;
  }

  /** Others share it: what is in it ends by its time. */
  clear(): void {}

  close(): void {
    if (this.client.isOpen) this.client.destroy();
  }

  /** Undefined where it did not answer. */
  private async asked<T>(ask: () => Promise<T>): Promise<{ readonly answer: T } | undefined> {
    if (performance.now() < this.awayUntil || !this.client.isReady) {
      this.count('passed');
      return undefined;
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => setImmediate(() => reject(new Error('Redis does not answer'))), ANSWERS_MS);
    });
    const asked = ask();
    asked.catch(() => undefined);
    try {
      return { answer: await Promise.race([asked, late]) };
    } catch {
      this.awayUntil = performance.now() + AGAIN_MS;
      this.count('error');
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}
