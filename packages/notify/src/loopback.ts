import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Is this this machine, by name or address ("localhost", "127.0.0.1", "[::1]")? A name that resolves to loopback elsewhere is not taken for it. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(bare);
  return family === 0 ? bare.toLowerCase() === 'localhost' : LOOPBACK.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}
