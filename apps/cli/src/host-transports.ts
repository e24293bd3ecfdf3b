import { HsmfleetError } from '@hsmfleet/contract';
import { createSshOptionsResolver, type SshOptionsResolver } from '@hsmfleet/ssh-config';
import type { HostTarget, Prompts, Transport } from '@hsmfleet/transport';
import { createLocalTransport } from '@hsmfleet/transport-local';
import { askSshConfig, createOpenSshTransport } from '@hsmfleet/transport-openssh';
import { createSshTransport } from '@hsmfleet/transport-ssh';
import { askSecret, canAsk } from './ask-secret.ts';

/** Asks the person at the terminal; undefined when there is none. */
export function personPrompts(): Prompts | undefined {
  return canAsk() ? { secret: (question) => askSecret(question) } : undefined;
}

/** What OpenSSH's configuration says of hosts, for all transports of a run. */
export function openSshConfiguration(): SshOptionsResolver {
  return createSshOptionsResolver(askSshConfig);
}

/** One transport of each kind per run, made when the first host needs it. */
export function createTransports(): (target: HostTarget) => Transport {
  const prompts = personPrompts();
  const settings = { resolver: openSshConfiguration(), ...(prompts === undefined ? {} : { prompts }) };
  const made: Partial<Record<'local' | 'ssh' | 'ssh2' | 'openssh', Transport>> = {};
  const openssh = (): Transport => (made.openssh ??= createOpenSshTransport(settings));
  const ssh2 = (): Transport => (made.ssh2 ??= createSshTransport(settings));
  return ({ connection }) => {
    switch (connection) {
      case 'local': return made.local ??= createLocalTransport();
      case 'openssh': return openssh();
      case 'ssh2': return ssh2();
      default: return made.ssh ??= withFallback(ssh2(), openssh);
    }
  };
}

/** The first transport, and the other one for hosts that need what the first cannot do. */
export function withFallback(first: Transport, other: () => Transport): Transport {
  return {
    async connect(target) {
      try {
        return await first.connect(target);
      } catch (error) {
        if (!(error instanceof HsmfleetError) || error.details?.fallback !== true) throw error;
        const connection = await other().connect(target);
        return { ...connection, notes: [...(connection.notes ?? []), `reached through the system's ssh: ${error.message}`] };
      }
    },
  };
}
