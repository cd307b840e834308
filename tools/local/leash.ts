/**
 * Loaded into each process that the launcher starts (`--import`): when the launcher is gone, even by SIGKILL, the kernel closes
 * the channel between them and the process is asked to end as if by `kill`. Not loaded anywhere else.
 */
const LONGEST_DRAIN_MS = 30_000;

function letGo(): void {
  setTimeout(() => process.exit(1), LONGEST_DRAIN_MS).unref();
  process.kill(process.pid, 'SIGTERM');
}

if (process.connected) {
  process.once('disconnect', letGo);
  // The channel itself is no reason to stay alive.
  process.channel?.unref();
} else {
  letGo();
}
