import { startCluster, type TestCluster } from './cluster.ts';

/** One cluster a run, nothing flushed; each spec file clones databases from its template. */
export default async function setup(): Promise<void> {
  const cluster = await startCluster();
  process.env['TEST_SUPERUSER_URL'] = cluster.postgres.superuserUrl('postgres');
  (globalThis as { cluster?: TestCluster }).cluster = cluster;
}
