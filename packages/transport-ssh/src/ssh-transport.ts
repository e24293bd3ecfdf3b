import type { Transport } from '@hsmfleet/transport';
import { wrapClient } from './ssh-connection.ts';
import { createSshRoutes, type SshTransportOptions } from './ssh-routes.ts';

/**
 * Reaches hosts over SSH. Keep one per run: it reads key files, known_hosts and OpenSSH's configuration once, asks
 * for a passphrase once, and connects to a jump host once for all hosts behind it.
 *
 * Host keys are always checked against known_hosts; StrictHostKeyChecking is not heard. What ssh2 cannot do is told by
 * an error with `details.fallback`.
 */
export function createSshTransport(settings: SshTransportOptions): Transport {
  const routes = createSshRoutes(settings);
  return {
    async connect(target) {
      const options = await settings.resolver.resolve(target);
      const { client, closed } = await routes.logIn(target, options);
      return wrapClient(client, target, options.user, closed);
    },
  };
}
