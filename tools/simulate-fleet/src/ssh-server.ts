import { timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import ssh2, { type Connection } from 'ssh2';
import { speakAsAgent, type Behaviour } from './simulated-agent.ts';

/** An SSH server behind which all simulated hosts are. */
export interface SimulatedHosts {
  port: number;
  stop(): Promise<void>;
}

/**
 * Lets in who has the key, and answers the command that starts an agent as an agent would. All else ends with 127.
 * @param hostKey private key of the server, @param authorized public key of the control host, both as OpenSSH writes them
 */
export async function startSshServer(options: { hostKey: string; authorized: string; port: number; behaviour: Behaviour }): Promise<SimulatedHosts> {
  const parsed = ssh2.utils.parseKey(options.authorized);
  if (parsed instanceof Error) throw parsed;
  const open = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [options.hostKey] }, (connection) => {
    open.add(connection);
    options.behaviour.tally.connections += 1;
    connection.on('authentication', (context) => {
      const right = context.method === 'publickey' && context.key.data.length === parsed.getPublicSSH().length && timingSafeEqual(context.key.data, parsed.getPublicSSH());
      if (!right || context.method !== 'publickey') context.reject(['publickey']);
      else if (context.signature === undefined || parsed.verify(context.blob as Buffer, context.signature, context.hashAlgo)) context.accept();
      else context.reject();
    });
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const end = (code: number): void => { channel.exit(code); channel.end(); };
        // a control host that is gone leaves a channel that cannot be written to
        channel.on('error', () => undefined);
        if (command.includes('serve --state')) speakAsAgent(channel, channel, () => { end(0); }, options.behaviour);
        else end(127);
      });
    });
    connection.on('error', () => undefined);
    connection.on('close', () => { open.delete(connection); });
  });
  await new Promise<void>((resolve) => { server.listen(options.port, '127.0.0.1', 4096, resolve); });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => new Promise((resolve) => {
      for (const connection of open) connection.end();
      server.close(() => { resolve(); });
    }),
  };
}
