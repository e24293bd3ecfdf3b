import { HsmfleetError } from '@hsmfleet/contract';
import type { HostTarget } from '@hsmfleet/transport';
import { parseSshArgs } from './ssh-args.ts';
import type { SshOptions, SshOptionsResolver } from './ssh-options.ts';

/** Jump hosts behind jump hosts behind … */
export const MAX_HOPS = 8;

/** The last jump host before a host, and how it is reached; its own `proxyJump` names those before it. */
export interface Hop {
  /** `name` is that of the host to be reached at last, for messages. */
  target: HostTarget;
  options: SshOptions;
}

/**
 * Reads the last word of a host's jump list.
 * @param depth how many hops were followed already
 * @throws HsmfleetError UNREACHABLE when it cannot be read, or hops name each other
 */
export async function resolveHop(resolver: SshOptionsResolver, target: HostTarget, options: SshOptions, depth: number): Promise<Hop> {
  if (depth >= MAX_HOPS) {
    throw new HsmfleetError('UNREACHABLE', `${target.name} has more than ${String(MAX_HOPS)} jump hosts: do they name each other?`, { host: target.name });
  }
  const before = options.proxyJump.slice(0, -1);
  const jump = hopTarget(options.proxyJump.at(-1) ?? '', target);
  const own = await resolver.resolve(jump);
  const named = parseSshArgs(target.sshArgs ?? []).options.has('userknownhostsfile');
  return {
    target: { ...jump, name: target.name, address: jump.address ?? jump.name },
    options: {
      ...own,
      proxyJump: before.length > 0 ? before : own.proxyJump,
      // what the hosts file names for the host is heard for the hops to it as well
      optionalIdentityFiles: [...new Set([...own.optionalIdentityFiles, ...options.requiredIdentityFiles, ...(depth > 0 ? options.optionalIdentityFiles : [])])],
      knownHostsFiles: [...new Set(named ? [...options.knownHostsFiles, ...own.knownHostsFiles] : [...own.knownHostsFiles, ...options.knownHostsFiles])],
      connectTimeoutMs: options.connectTimeoutMs,
    },
  };
}

/** `user@host:port` or `ssh://…` of a jump list. As OpenSSH does, only -F is handed on to hops. */
function hopTarget(hop: string, target: HostTarget): HostTarget {
  const match = /^(?:ssh:\/\/)?(?:([^@]+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?\/?$/.exec(hop);
  const address = match?.[2]?.replaceAll(/^\[|\]$/g, '');
  if (match === null || address === undefined || address.startsWith('-')) {
    throw new HsmfleetError('UNREACHABLE', `the jump host "${hop}" of ${target.name} is not of the form user@host:port`, { host: target.name });
  }
  const { configFile } = parseSshArgs(target.sshArgs ?? []);
  return {
    name: address,
    ...(match[1] === undefined ? {} : { user: match[1] }),
    ...(match[3] === undefined ? {} : { port: Number(match[3]) }),
    ...(configFile === undefined ? {} : { sshArgs: ['-F', configFile] }),
  };
}
