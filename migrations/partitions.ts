/** SQL for the months of a table partitioned by `at`: 24 from this one on, and a default behind them, so that no missing month stops a bet. */

const MONTHS_AHEAD = 24;

export function monthlyPartitions(table: string, from: Date): string {
  const start = (offset: number) => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + offset, 1)).toISOString().slice(0, 10);
  const months = Array.from({ length: MONTHS_AHEAD }, (_, i) => {
    const name = `${table}_${start(i).slice(0, 7).replace('-', '_')}`;
    return `create table ${name} partition of ${table} for values from ('${start(i)}T00:00:00Z') to ('${start(i + 1)}T00:00:00Z');`;
  });
  return [...months, `create table ${table}_default partition of ${table} default;`].join('\n');
}
