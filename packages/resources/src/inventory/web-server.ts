import type { WebServerRow } from '@hsmfleet/contract';
import { glanceAtModNss, loadedMpm, mainSetting, processLimit } from '@hsmfleet/httpd';
import type { ReadHost } from '@hsmfleet/resource';
import type { ApacheFindings } from './apache.ts';

/** Start times come from a clock of whole seconds, and files are written right before a start. */
const SLACK_MS = 2_000;
/** What the program calls itself, with its version after it. */
const SIGNATURE = 'Apache/';

/** Changed after a process began? Null when there is none. */
export function changedSince(mtimeMs: number, startedAtMs: number | undefined): boolean | null {
  return startedAtMs === undefined ? null : mtimeMs > startedAtMs + SLACK_MS;
}

/** The mod_nss that the configuration loads. */
export type LoadedModNss = ReturnType<typeof glanceAtModNss>;

/** What the binary of the mod_nss that the configuration loads tells; undefined when it loads none or none can be read. */
export async function readModNss(host: ReadHost, { config }: ApacheFindings): Promise<LoadedModNss | undefined> {
  const path = config?.modules.get('nss_module');
  const binary = path === undefined ? undefined : await host.readFile(path).catch(() => undefined);
  return binary === undefined ? undefined : glanceAtModNss(binary);
}

/** The web server's row: its configuration, its program, and what /proc shows of its processes. */
export async function describeWebServer(host: ReadHost, apache: ApacheFindings, modNss: LoadedModNss | undefined): Promise<WebServerRow> {
  const { config, server, serving, sites } = apache;
  const mpm = config === undefined ? undefined : loadedMpm(config);
  const setting = (name: string): string | null => (config === undefined ? null : (mainSetting(config, name) ?? null));
  const loads = (name: string): boolean => config?.modules.has(name) === true;
  const count = (engine: string): number => sites.filter((site) => site.engine === engine).length;
  // a graceful reload begins new processes under the old first one: the oldest of them tells what was read
  const readAt = server === undefined ? undefined : Math.min(...(serving.length > 0 ? serving : [server]).map(({ startedAtMs }) => startedAtMs));
  return {
    service: host.facts.apache.service,
    installed: host.facts.apache.installed,
    running: server !== undefined,
    version: host.facts.apache.installed ? await readVersion(host) : null,
    startedAt: server === undefined ? null : new Date(server.startedAtMs).toISOString(),
    configNewerThanServer: server === undefined ? null : changedSince(await newestChange(host, apache), readAt),
    mpm: mpm ?? null,
    processLimit: config === undefined || mpm === undefined ? null : processLimit(config, mpm),
    processes: server === undefined ? null : serving.length,
    configuredUser: setting('User'),
    configuredGroup: setting('Group'),
    runUser: joined(serving.map(({ user }) => user)),
    runGroup: joined(serving.map(({ group }) => group)),
    modSsl: { loaded: loads('ssl_module'), sites: count('mod_ssl') },
    modNss: {
      loaded: loads('nss_module'),
      sites: count('mod_nss'),
      version: modNss?.version ?? null,
      tls13: modNss?.tls13 ?? null,
    },
  };
}

/** The version stands in the program: starting it only to ask would cost more than all the rest. */
async function readVersion(host: ReadHost): Promise<string | null> {
  const program = await host.readFile(host.facts.apache.binary).catch(() => undefined);
  for (let at = program?.indexOf(SIGNATURE) ?? -1; program !== undefined && at !== -1; at = program.indexOf(SIGNATURE, at + 1)) {
    const version = /^Apache\/(\d+\.\d+\.\d+)/.exec(program.toString('latin1', at, at + 32))?.[1];
    if (version !== undefined) return version;
  }
  return null;
}

async function newestChange(host: ReadHost, { config }: ApacheFindings): Promise<number> {
  const times = await Promise.all((config?.files ?? []).map(async ({ path }) => (await host.stat(path))?.mtimeMs ?? 0));
  return Math.max(0, ...times);
}

function joined(names: readonly string[]): string | null {
  return names.length === 0 ? null : [...new Set(names)].sort().join(',');
}
