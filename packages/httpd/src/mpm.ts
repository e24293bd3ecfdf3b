import { mainSetting } from './config/discover.ts';
import type { ApacheConfig } from './config/read.ts';
import { MANAGED_LINE } from './layout.ts';

/** How Apache is to spread work over processes. */
export interface MpmSettings {
  mpm: 'event' | 'worker' | 'prefork';
  /** Processes; 1 where a token serves, for processes take the card's login from each other (field notes 0c). */
  serverLimit: number;
  /** Threads of each process; prefork has none. */
  threads: number;
  /** Connections after which a process ends; 0 for never. */
  maxConnectionsPerChild: number;
}

/** The process model that a configuration loads; undefined when it is compiled in, or none is. */
export function loadedMpm(config: ApacheConfig): MpmSettings['mpm'] | undefined {
  return (['event', 'worker', 'prefork'] as const).find((mpm) => config.modules.has(`mpm_${mpm}_module`));
}

/** Most serving processes that a configuration allows, with Apache's own defaults for what it does not say. */
export function processLimit(config: ApacheConfig, mpm: MpmSettings['mpm']): number {
  const limit = (name: string): number | undefined => {
    const value = Number(mainSetting(config, name));
    return Number.isInteger(value) && value > 0 ? value : undefined;
  };
  const servers = limit('ServerLimit') ?? (mpm === 'prefork' ? 256 : 16);
  const threads = mpm === 'prefork' ? 1 : (limit('ThreadsPerChild') ?? 25);
  const workers = limit('MaxRequestWorkers') ?? limit('MaxClients') ?? servers * threads;
  return Math.max(1, Math.min(servers, Math.floor(workers / threads)));
}

/** Text of the file that sets the process model. Read after the distribution's own, so that it wins. */
export function renderMpm(settings: MpmSettings): string {
  const { serverLimit, threads } = settings;
  if (settings.mpm === 'prefork') return renderPrefork(settings);
  return [
    MANAGED_LINE,
    `<IfModule mpm_${settings.mpm}_module>`,
    `    ServerLimit ${String(serverLimit)}`,
    `    StartServers ${String(serverLimit)}`,
    `    ThreadLimit ${String(threads)}`,
    `    ThreadsPerChild ${String(threads)}`,
    `    MaxRequestWorkers ${String(serverLimit * threads)}`,
    // spare threads may be all threads: the process is never ended for idleness, which would cost logins
    '    MinSpareThreads 1',
    `    MaxSpareThreads ${String(serverLimit * threads)}`,
    `    MaxConnectionsPerChild ${String(settings.maxConnectionsPerChild)}`,
    '</IfModule>',
    '',
  ].join('\n');
}

/** A process for every connection, as distributions set it: a few at the start, more as they are needed. */
function renderPrefork({ serverLimit, maxConnectionsPerChild }: MpmSettings): string {
  return [
    MANAGED_LINE,
    '<IfModule mpm_prefork_module>',
    `    ServerLimit ${String(serverLimit)}`,
    `    StartServers ${String(Math.min(5, serverLimit))}`,
    `    MinSpareServers ${String(Math.min(5, serverLimit))}`,
    `    MaxSpareServers ${String(Math.min(10, serverLimit))}`,
    `    MaxRequestWorkers ${String(serverLimit)}`,
    `    MaxConnectionsPerChild ${String(maxConnectionsPerChild)}`,
    '</IfModule>',
    '',
  ].join('\n');
}
