import { readFile, readdir, readlink } from 'node:fs/promises';

/** State of a socket that listens, in /proc/net/tcp. */
const LISTEN = '0A';

/** TCP ports that a process listens on, by its open sockets; empty for one that is gone. */
export async function listeningPorts(pid: number): Promise<Set<number>> {
  const folder = `/proc/${String(pid)}`;
  const names = await readdir(`${folder}/fd`).catch((): string[] => []);
  const sockets = new Set(await Promise.all(names.map((name) => readlink(`${folder}/fd/${name}`).catch(() => ''))));
  const ports = new Set<number>();
  for (const table of ['tcp', 'tcp6']) {
    for (const line of (await readFile(`${folder}/net/${table}`, 'utf8').catch(() => '')).split('\n')) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === LISTEN && sockets.has(`socket:[${inode}]`)) ports.add(Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16));
    }
  }
  return ports;
}
