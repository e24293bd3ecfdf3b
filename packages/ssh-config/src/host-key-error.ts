import { HsmfleetError } from '@hsmfleet/contract';
import { quoteShellWord } from '@hsmfleet/transport';
import { fingerprintOf, keyTypeOf, knownHostsName, type HostKeyVerdict } from './known-hosts.ts';
import type { SshOptions } from './ssh-options.ts';

/** The host a key was shown by. `viaJump`: not directly reachable from here. */
export interface HostKeyPlace {
  /** Inventory name of the host that was to be reached. */
  host: string;
  options: SshOptions;
  viaJump: boolean;
}

/** The error for a host key that is not trusted, with what a person needs to judge it. */
export function hostKeyError(verdict: Exclude<HostKeyVerdict, { status: 'known' }>, key: Buffer, place: HostKeyPlace): HsmfleetError {
  const { host, options } = place;
  const name = options.hostKeyAlias ?? knownHostsName(options.hostname, options.port);
  const fingerprint = fingerprintOf(key);
  const shown = `${keyTypeOf(key)} ${fingerprint}`;
  const details = { fingerprint, type: keyTypeOf(key), knownHosts: options.knownHostsFiles };
  if (verdict.status === 'revoked') {
    return new HsmfleetError('HOST_KEY_REVOKED', `${name} shows a host key that is marked as revoked (${verdict.entry.file}:${String(verdict.entry.line)}): ${shown}`, {
      host, details, hint: 'do not connect: the key is known to be in wrong hands; give the host a new key',
    });
  }
  if (verdict.status === 'changed') {
    return new HsmfleetError('HOST_KEY_CHANGED', `${name} shows another host key (${shown}) than known_hosts has (${verdict.entry.file}:${String(verdict.entry.line)}, ${verdict.entry.type})`, {
      host,
      details,
      hint: `if the host was reinstalled, ask its owner for the fingerprint, then: ssh-keygen -R ${quoteShellWord(name)} -f ${quoteShellWord(verdict.entry.file)} && ${acceptCommand(place)}; otherwise somebody may be listening in`,
    });
  }
  return new HsmfleetError('HOST_KEY_UNKNOWN', `the host key of ${name} is not in known_hosts: ${shown}${notHeard(options)}`, {
    host,
    details,
    hint: `compare the fingerprint with the one the host's owner tells (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then accept it: hsmfleet hosts accept ${quoteShellWord(host)}, or ${acceptCommand(place)}`,
  });
}

/** Whoever set it to let new hosts in should know why it did not. */
export function notHeard({ strictHostKeyChecking: value }: SshOptions): string {
  return ['no', 'off', 'false', 'accept-new'].includes(value) ? ` (StrictHostKeyChecking=${value === 'false' ? 'no' : value} is not heard: a host key is never taken unseen)` : '';
}

/** ssh-keyscan cannot go through a jump host or write an alias: there, ssh itself asks the person. */
function acceptCommand({ options, viaJump }: HostKeyPlace): string {
  const file = quoteShellWord(options.knownHostsFiles[0] ?? '~/.ssh/known_hosts');
  const host = quoteShellWord(options.hostname);
  const port = String(options.port);
  if (!viaJump && options.hostKeyAlias === undefined) return `ssh-keyscan -p ${port} ${host} >> ${file}`;
  const jump = options.proxyJump.length > 0 ? ` -J ${quoteShellWord(options.proxyJump.join(','))}` : '';
  const alias = options.hostKeyAlias === undefined ? '' : ` -o HostKeyAlias=${quoteShellWord(options.hostKeyAlias)}`;
  return `ssh -o StrictHostKeyChecking=ask -o UserKnownHostsFile=${file}${alias}${jump} -p ${port} ${host} true`;
}
