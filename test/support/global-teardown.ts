import type { TestCluster } from './cluster.ts';

export default async function teardown(): Promise<void> {
  await (globalThis as { cluster?: TestCluster }).cluster?.stop();
}
