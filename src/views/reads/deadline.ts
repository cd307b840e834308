/** It did not come in time. */
export class Late extends Error {}

/** Rejects with `Late` behind so many milliseconds; what comes later is nobody's. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // What lies in the socket already was in time: timers come before it after a busy turn of the event loop.
    timer = setTimeout(() => setImmediate(() => reject(new Late(`nothing within ${Math.round(ms)} ms`))), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
