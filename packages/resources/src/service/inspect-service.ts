import type { ReadHost } from '@hsmfleet/resource';

/** What is known of a service. */
export interface ServiceFacts {
  /** The host has a unit or an init script of that name. */
  known: boolean;
  running: boolean;
  enabled: boolean;
}

const UNIT_FOLDERS = ['/etc/systemd/system', '/run/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];
const INIT_FOLDERS = ['/etc/init.d', '/etc/rc.d/init.d'];
const RUN_LEVELS = [2, 3, 4, 5];

/**
 * Reads a service's state, from files where they tell: asking a program costs more than the rest of a light task.
 * @param readEnabled false when nobody asked for it
 */
export async function inspectService(host: ReadHost, name: string, readEnabled: boolean): Promise<ServiceFacts> {
  return host.facts.service_mgr === 'systemd' ? inspectUnit(host, name, readEnabled) : inspectInitScript(host, name, readEnabled);
}

async function inspectUnit(host: ReadHost, name: string, readEnabled: boolean): Promise<ServiceFacts> {
  const unit = /\.[a-z]+$/.test(name) ? name : `${name}.service`;
  // the control group of a running service has processes in it
  const processes = await host.readText(`/sys/fs/cgroup/system.slice/${unit}/cgroup.procs`);
  const running = (processes ?? '').trim() !== '';
  const linked = readEnabled && (await host.lstat(`/etc/systemd/system/multi-user.target.wants/${unit}`)) !== undefined;
  if (running && (linked || !readEnabled)) return { known: true, running, enabled: linked };
  const answer = await host.query(['systemctl', 'show', '--property=LoadState,ActiveState,UnitFileState', unit], { timeoutMs: 20_000 });
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(answer.stdout)?.[1] ?? '';
  return {
    known: value('LoadState') === 'loaded' || value('LoadState') === 'masked' || (answer.code !== 0 && (await hasUnitFile(host, unit))),
    running: ['active', 'reloading', 'activating'].includes(value('ActiveState')),
    enabled: ['enabled', 'enabled-runtime', 'alias'].includes(value('UnitFileState'))
      // an init script that systemd runs has no unit file
      || (value('UnitFileState') === '' && (await isEnabledByLinks(host, name))),
  };
}

async function hasUnitFile(host: ReadHost, unit: string): Promise<boolean> {
  for (const folder of UNIT_FOLDERS) if ((await host.stat(`${folder}/${unit}`)) !== undefined) return true;
  return false;
}

async function inspectInitScript(host: ReadHost, name: string, readEnabled: boolean): Promise<ServiceFacts> {
  const { apache } = host.facts;
  let script: string | undefined;
  for (const folder of INIT_FOLDERS) if (script === undefined && (await host.stat(`${folder}/${name}`)) !== undefined) script = `${folder}/${name}`;
  const enabled = readEnabled && (await isEnabledByLinks(host, name));
  // init scripts look for processes by name, and find those of other roots on the machine: the PID file does not
  if (name === apache.service) {
    return { known: script !== undefined || apache.installed, running: (await host.serverProcess(apache.pidFile)) !== undefined, enabled };
  }
  if (script === undefined) return { known: false, running: false, enabled };
  const { code } = await host.query([script, 'status'], { timeoutMs: 20_000 });
  return { known: true, running: code === 0, enabled };
}

async function isEnabledByLinks(host: ReadHost, name: string): Promise<boolean> {
  const pattern = new RegExp(`^S\\d\\d${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
  for (const level of RUN_LEVELS) {
    for (const folder of [`/etc/rc${String(level)}.d`, `/etc/rc.d/rc${String(level)}.d`]) {
      if (((await host.list(folder)) ?? []).some((entry) => pattern.test(entry))) return true;
    }
  }
  return false;
}
