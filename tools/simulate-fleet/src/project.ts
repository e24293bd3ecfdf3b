import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ssh2 from 'ssh2';

const INVENTORY = fileURLToPath(new URL('../../../playbooks/inventory.yml', import.meta.url));

/** Keys of the server and of the control host, made anew. */
export interface Keys {
  hostKey: string;
  clientPublic: string;
}

/** Makes the keys of the server and of the control host, and writes them down. */
export function makeKeys(folder: string): Keys {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [host, client] = [generate(), generate()];
  writeFileSync(join(folder, 'host-key'), host.private, { mode: 0o600 });
  writeFileSync(join(folder, 'host-key.pub'), `${host.public}\n`);
  writeFileSync(join(folder, 'client-key'), client.private, { mode: 0o600 });
  writeFileSync(join(folder, 'client-key.pub'), `${client.public}\n`);
  return { hostKey: host.private, clientPublic: client.public };
}

/** One key in some hundred that the library makes is one that it cannot read: then another one. */
function generate(): { private: string; public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (![pair.private, pair.public].some((text) => ssh2.utils.parseKey(text) instanceof Error)) return pair;
  }
}

/** Names of simulated hosts: sim00001, sim00002, … */
export function hostNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `sim${String(index + 1).padStart(6, '0')}`);
}

/**
 * Writes a project folder as an operator has one: hosts, known_hosts, and the playbook that collects inventory.
 * @param ports one per server; hosts are spread over them
 */
export function writeProject(folder: string, keys: { folder: string; hostPublic: string }, ports: readonly number[], count: number): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  writeFileSync(join(keys.folder, 'known_hosts'), ports.map((port) => `[127.0.0.1]:${String(port)} ${keys.hostPublic}`).join(''));
  const args = `-F /dev/null -o UserKnownHostsFile=${join(keys.folder, 'known_hosts')}`;
  writeFileSync(join(folder, 'hosts.yml'), [
    'all:', '  vars:', '    ansible_user: root', `    ansible_ssh_private_key_file: ${join(keys.folder, 'client-key')}`, `    ansible_ssh_common_args: ${JSON.stringify(args)}`,
    // on a machine that does all at once a handshake waits longer than it would on a network
    '    ansible_host: 127.0.0.1', '    ansible_timeout: 60', '  hosts:',
    ...hostNames(count).map((name, index) => `    ${name}: { ansible_port: ${String(ports[index % ports.length])} }`), '',
  ].join('\n'));
  copyFileSync(INVENTORY, join(folder, 'inventory.yml'));
}
