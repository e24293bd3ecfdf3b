import { setTimeout as sleep } from 'node:timers/promises';
import { HsmfleetError } from '@hsmfleet/contract';
import type { CommandResult, ReadHost } from '@hsmfleet/resource';

/** Starting and stopping the one web server of a host. */
export interface ServerControl {
  /** Parses the configuration. Says nothing about keys, PINs or databases, and does not touch a token. */
  configtest(): Promise<CommandResult>;
  start(): Promise<CommandResult>;
  /** Returns when the old process is gone. @throws HsmfleetError TIMEOUT when it stays */
  stop(): Promise<void>;
  /** Graceful: returns when the signal is sent. */
  reload(): Promise<CommandResult>;
}

/** Milliseconds; a start that logs in to a slow card takes a while. */
const START_TIMEOUT = 120_000;
const STOP_TIMEOUT = 60_000;
const POLL = 50;

/**
 * Control through systemd where it runs, else through the distribution's control program, which is what init scripts
 * call: unlike them it looks at the PID file only, never at processes of the same name.
 */
export function createServerControl(host: ReadHost): ServerControl {
  const { apache, service_mgr: manager } = host.facts;
  const debian = apache.flavor === 'debian';
  const env = debian && apache.configDir !== '/etc/apache2' ? { APACHE_CONFDIR: apache.configDir } : {};
  const direct = (action: string): Promise<CommandResult> => {
    const argv = debian ? ['apache2ctl', action] : action === 'configtest' ? [apache.binary, '-t'] : [apache.binary, '-k', action];
    return host.query(argv, { env, timeoutMs: START_TIMEOUT, maxOutput: 65_536 });
  };
  const systemd = manager === 'systemd' && Object.keys(env).length === 0;
  const systemctl = (...words: string[]): Promise<CommandResult> => host.query(['systemctl', ...words], { timeoutMs: START_TIMEOUT, maxOutput: 65_536 });
  const unit = `${apache.service}.service`;
  return {
    configtest: () => direct('configtest'),
    async start() {
      if (!systemd) return await direct('start');
      // a drop-in with the environment may have changed
      await systemctl('daemon-reload');
      return await systemctl('start', unit);
    },
    async stop() {
      if (systemd) await systemctl('stop', unit);
      // not started by systemd, or no systemd: ask the server itself
      const before = await host.serverProcess(apache.pidFile);
      if (before === undefined) return;
      await direct('stop');
      const deadline = Date.now() + STOP_TIMEOUT;
      while (isAlive(before.pid)) {
        if (Date.now() > deadline) {
          throw new HsmfleetError('TIMEOUT', `${apache.service} (pid ${String(before.pid)}) did not end within ${String(STOP_TIMEOUT / 1000)} s`, {
            hint: 'look for a process that waits for the token',
          });
        }
        await sleep(POLL);
      }
    },
    reload: () => (systemd ? systemctl('reload', unit) : direct('graceful')),
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}
