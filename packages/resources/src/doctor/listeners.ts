import type { HostEvidence } from '@hsmfleet/contract';
import type { ReadHost } from '@hsmfleet/resource';
import type { ApacheFindings } from '../inventory/apache.ts';

/** State of a listening socket in /proc/net/tcp. */
const LISTEN = '0A';

type Listener = NonNullable<HostEvidence['listeners']>[number];

/** Who listens on these ports, from /proc; null when that cannot be read. */
export async function findListeners(host: ReadHost, ports: readonly number[], { server, serving }: Pick<ApacheFindings, 'server' | 'serving'>): Promise<Listener[] | null> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => host.readText(path).catch(() => undefined)));
  if (tables.every((table) => table === undefined)) return null;
  const sockets = new Map<string, number>();
  for (const line of tables.flatMap((table) => table?.split('\n') ?? [])) {
    const fields = line.trim().split(/\s+/);
    const port = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
    if (fields[3] === LISTEN && ports.includes(port) && fields[9] !== undefined) sockets.set(`socket:[${fields[9]}]`, port);
  }
  if (sockets.size === 0) return [];
  const own = new Set([...(server === undefined ? [] : [server.pid]), ...serving.map(({ pid }) => pid)]);
  const found = await holders(host, sockets, [...own].map(String));
  const open = new Map([...sockets].filter(([socket]) => !found.has(socket)));
  // only where the server does not hold them all: this looks at every process
  for (const [socket, pid] of open.size === 0 ? [] : await holders(host, open, ((await host.list('/proc')) ?? []).filter((name) => /^\d+$/.test(name)))) found.set(socket, pid);
  return Promise.all([...sockets].map(async ([socket, port]): Promise<Listener> => {
    const pid = found.get(socket);
    const program = pid === undefined ? undefined : (await host.readText(`/proc/${String(pid)}/comm`).catch(() => undefined))?.trim();
    return { port, pid: pid ?? null, program: program ?? null, server: pid !== undefined && own.has(pid) };
  }));
}

/** Processes among these that hold the sockets, by socket. */
async function holders(host: ReadHost, sockets: ReadonlyMap<string, number>, pids: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    // a process may end while it is looked at
    const names = (await host.list(folder).catch(() => undefined)) ?? [];
    for (const name of names) {
      const target = (await host.lstat(`${folder}/${name}`).catch(() => undefined))?.target;
      if (target !== undefined && sockets.has(target)) found.set(target, Number(pid));
    }
    if (found.size === sockets.size) break;
  }
  return found;
}
