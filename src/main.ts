import { Logger } from 'nestjs-pino';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';

/** Serves until SIGTERM or SIGINT; then `ready` says 503, calls in flight are finished, and the process ends. */
async function main(): Promise<void> {
  const config = readConfig();
  const app = await createApp(config);
  app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  await app.listen(config.port, config.host);
  app.get(Logger).log(`listening on ${await app.getUrl()}`);
}

main().catch((error: unknown) => {
  process.stderr.write(`Croupier cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
