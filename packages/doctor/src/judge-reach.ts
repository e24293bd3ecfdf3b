import type { ErrorShape } from '@hsmfleet/contract';
import { broken, notApplicable, ok, type Finding } from './finding.ts';
import { judgeBootstrap, type BootstrapEvidence } from './judge-bootstrap.ts';
import type { Findings } from './walk.ts';

/** How a host is reached, and how far one came. */
export interface ReachEvidence {
  host: string;
  connection: 'ssh' | 'local';
  /** As the hosts file and OpenSSH's configuration have it, as far as that is known. */
  address: string;
  port?: number | undefined;
  user?: string | undefined;
  /** User to become; undefined when nobody is become. */
  becomes?: string | undefined;
  /** Whether the address stands for a machine; undefined when it was not asked, behind a jump host for example. */
  resolved?: { ok: true; addresses: string[] } | { ok: false; problem: string } | undefined;
  /** What ended the attempt; undefined when the agent answered. */
  error?: ErrorShape | undefined;
  /** Of the agent that answered. */
  agent?: { version: string; node: string; uploaded: readonly string[] } | undefined;
  /** What a look at the host without an agent showed; only where the agent did not start. */
  bootstrap?: BootstrapEvidence | undefined;
}

const ORDER = ['name', 'ssh-port', 'host-key', 'login', 'sudo'] as const;
type ReachLink = (typeof ORDER)[number];

/** Every link before the host's own, from how the attempt to reach it ended. */
export function judgeReach(seen: ReachEvidence): Findings {
  const { error } = seen;
  const at = error === undefined ? undefined : linkOf(error, seen);
  const findings: Findings = {};
  for (const link of ORDER) {
    if (link === at && error !== undefined) {
      findings[link] = breakOf(link, error, seen);
      return findings;
    }
    findings[link] = wholeOf(link, seen);
  }
  return { ...findings, ...judgeBootstrap(seen) };
}

/** The link that an error is about; undefined: those of reaching are whole. */
function linkOf({ code, message, details }: ErrorShape, { resolved }: ReachEvidence): ReachLink | undefined {
  switch (code) {
    case 'HOST_KEY_UNKNOWN': case 'HOST_KEY_CHANGED': case 'HOST_KEY_REVOKED': return 'host-key';
    case 'AUTHENTICATION': case 'KEY_UNREADABLE': return 'login';
    case 'SUDO': return 'sudo';
    case 'UNREACHABLE': {
      // the system's own words for a name: they stand in the message whichever transport was used
      const reason = typeof details?.reason === 'string' ? details.reason : message;
      return resolved?.ok === false || /ENOTFOUND|EAI_AGAIN|Could not resolve hostname/.test(reason) ? 'name' : 'ssh-port';
    }
    case 'CONNECTION_LOST': return 'ssh-port';
    default: return undefined;
  }
}

function wholeOf(link: ReachLink, { connection, address, port, user, becomes, resolved }: ReachEvidence): Finding {
  if (connection === 'local') return link === 'sudo' && becomes !== undefined ? ok(`sudo to ${becomes}`) : notApplicable('the host is this machine: no SSH is needed');
  const place = `${address}${port === undefined ? '' : `:${String(port)}`}`;
  switch (link) {
    case 'name': return resolved?.ok === true ? ok(resolved.addresses.includes(address) ? `${address} is an address` : `${address} is ${resolved.addresses.join(', ')}`) : ok(`${address} was reached`);
    case 'ssh-port': return ok(`sshd answers on ${place}`);
    case 'host-key': return ok(`the host key of ${place} is in known_hosts`);
    case 'login': return ok(`${user ?? 'the user'} may log in`);
    case 'sudo': return becomes === undefined || becomes === user ? notApplicable(`${user ?? 'the user'} works as itself`) : ok(`sudo lets ${user ?? 'the user'} become ${becomes}`);
  }
}

function breakOf(link: ReachLink, error: ErrorShape, seen: ReachEvidence): Finding {
  const { host, address, port = 22, user = 'USER', becomes = 'root' } = seen;
  const { message, hint, code } = error;
  const told = (fix: string, command?: string): Finding => broken(message, fix, command, code);
  switch (link) {
    case 'name': return told(`on this machine: set ansible_host to an address, or add ${address} to DNS or /etc/hosts`, `getent hosts ${address}`);
    case 'ssh-port': return told(`start sshd on the host, or correct ansible_host and ansible_port; a firewall in between answers nothing at all`, `systemctl enable --now ssh   # on the host; then from here: ssh -p ${String(port)} ${user}@${address} true`);
    case 'host-key':
      if (code === 'HOST_KEY_UNKNOWN') return told('on this machine: compare the fingerprint with the one that the owner of the host tells, then accept it', `hsmfleet hosts accept ${host} -i HOSTS`);
      return told(hint ?? 'find out why the key changed before you accept it');
    case 'login':
      if (code === 'KEY_UNREADABLE') return told(hint ?? 'make the key file readable, or name another one with --private-key');
      return told(`put the public key of this machine's user into ~${user}/.ssh/authorized_keys on the host, or name the right user and key (ansible_user, ansible_ssh_private_key_file)`, `ssh-copy-id -p ${String(port)} ${user}@${address}`);
    case 'sudo': return told(sudoText(error, user), `echo '${sudoersLine(user, becomes)}' > /etc/sudoers.d/hsmfleet && chmod 440 /etc/sudoers.d/hsmfleet && visudo -c`);
  }
}

function sudoText({ hint }: ErrorShape, user: string): string {
  return `${hint === undefined ? '' : `${hint}. `}On the host, as root, this line of sudoers would do. Lines that let ${user} start the agent and no other command are printed by: hsmfleet hosts sudoers ${user}`;
}

/**
 * The plain line of sudoers that is enough. Who may start the agent may have it do anything, so that a narrower one keeps
 * other commands out of the logs and makes the login no safer.
 */
export function sudoersLine(user: string, becomes: string): string {
  return `${user} ALL=(${becomes}) NOPASSWD: ALL`;
}
