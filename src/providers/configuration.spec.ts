import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type pg from 'pg';
import { Configuration } from './configuration.ts';
import { native } from './native/adapter.ts';

/** It looks twice a second. */
const LOOK_MS = 500;

function failing(): { configuration: Configuration; said: string[]; fails: (reason: string) => void } {
  const said: string[] = [];
  let reason = 'no database';
  const configuration = new Configuration({
    pool: {} as pg.Pool, dialects: [native], openSecrets: () => Promise.resolve([]), check: () => Promise.reject(new Error(reason)),
    report: (message, why) => said.push(`${message}: ${why}`),
  });
  return { configuration, said, fails: (other) => { reason = other; } };
}

describe('a configuration that cannot be read', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('is said once, again each minute, and at once where the reason is another', async () => {
    const { configuration, said, fails } = failing();
    await configuration.start();
    expect(said).toEqual(['the configuration could not be read: no database']);
    await jest.advanceTimersByTimeAsync(59 * 1_000);
    expect(said).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(2 * 1_000);
    expect(said).toHaveLength(2);
    fails('an older schema');
    await jest.advanceTimersByTimeAsync(2 * LOOK_MS);
    expect(said.slice(2)).toEqual(['the configuration could not be read: an older schema']);
    configuration.stop();
    await jest.advanceTimersByTimeAsync(10 * 60_000);
    expect(said).toHaveLength(3);
  });

  it('serves nobody, and has a voice for whoever asks', async () => {
    const { configuration } = failing();
    await configuration.start();
    configuration.stop();
    expect(() => configuration.client('key')).toThrow('too old');
    expect(() => configuration.clientOf(1)).toThrow('too old');
    expect([configuration.fresh, configuration.voiceOf(1), configuration.knows(1), configuration.voice('native').dialect.name]).toEqual([false, undefined, false, 'native']);
  });

  it('of two dialects of one name is none', () => {
    expect(() => new Configuration({ pool: {} as pg.Pool, dialects: [native, native], openSecrets: () => Promise.resolve([]), check: () => Promise.resolve(), report: () => undefined }))
      .toThrow('two dialects of one name');
  });
});
