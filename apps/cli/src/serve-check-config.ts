import { createColors, formatTable, printable, wantsColor } from '@hsmfleet/reporter';
import { parseWhen } from '@hsmfleet/scheduler';
import { loadServeConfiguration } from './serve-configuration.ts';

/**
 * Reads the file of the server and what it names, and prints when each schedule is due next.
 * @returns 0
 * @throws HsmfleetError, HsmfleetErrors with every mistake
 */
export async function checkConfiguration(file: string): Promise<number> {
  const { schedules, warnings, users } = await loadServeConfiguration(file);
  for (const warning of warnings) process.stderr.write(`warning: ${printable(warning)}\n`);
  if (users.length === 0) process.stderr.write('warning: there are no users, so there will be no dashboard, no API and no metrics\n');
  const now = new Date();
  const rows = schedules.map(({ name, cron, timezone, work, hosts }) => [
    name, cron, timezone, parseWhen(cron, timezone).next(now)?.toISOString() ?? 'never', String(hosts.length), work.kind === 'profile' ? work.profile : work.playbook,
  ]);
  process.stdout.write(formatTable(['schedule', 'cron', 'time zone', 'next', 'hosts', 'checks'], rows, createColors(wantsColor(process.stdout))));
  return 0;
}
