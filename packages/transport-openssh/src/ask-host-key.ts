import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseKnownHosts, type SshOptions, type SshOptionsResolver } from '@hsmfleet/ssh-config';
import type { HostTarget } from '@hsmfleet/transport';
import { masterWords } from './command-line.ts';
import { explainFailure } from './explain-failure.ts';
import { startMaster } from './master.ts';

/**
 * The key that a host shows, seen through the system's ssh, which tries no login. Jump hosts before it have to be known.
 * @throws HsmfleetError UNREACHABLE, HOST_KEY_UNKNOWN (of a jump host), AUTHENTICATION (there)
 */
export async function askHostKey(resolver: SshOptionsResolver, target: HostTarget, options: SshOptions, ssh = 'ssh'): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'hsmfleet-ssh-'));
  const file = join(folder, 'known_hosts');
  try {
    const words = await masterWords(resolver, target, options, { canAsk: false, mayUsePassword: false }, { controlPath: 'none', ssh, hopName: 'hop', keepalive: { intervalMs: 15_000, countMax: 3 } });
    // what comes first wins: this file alone takes the key, and is read and removed
    const first = ['StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${file}`, 'GlobalKnownHostsFile=none', 'HashKnownHosts=no', 'PreferredAuthentications=none', 'PubkeyAuthentication=no', 'ControlMaster=no'];
    const asked = startMaster([ssh, ...first.flatMap((setting) => ['-o', setting]), ...words], process.env);
    const timer = setTimeout(() => { asked.stop(); }, options.connectTimeoutMs * (options.proxyJump.length + 1));
    await asked.closed;
    clearTimeout(timer);
    const [entry] = parseKnownHosts(await readFile(file, 'utf8').catch(() => ''), file);
    if (entry === undefined) throw explainFailure(asked.said(), target, options);
    return Buffer.from(entry.key, 'base64');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
