import { HsmfleetError, type Value } from '@hsmfleet/contract';
import { createColors, formatTable, printable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { addToKnownHosts } from '@hsmfleet/ssh-config';
import { renderValue, scopeOf } from '@hsmfleet/template';
import type { HostTarget } from '@hsmfleet/transport';
import { askHostKey } from '@hsmfleet/transport-openssh';
import { createHostKeySurvey, type ShownHostKey } from '@hsmfleet/transport-ssh';
import { canAsk } from './ask-secret.ts';
import { askYes } from './ask-yes.ts';
import { countOption } from './count-option.ts';
import { openHosts } from './open-hosts.ts';
import { parseFingerprints, type Fingerprints } from './fingerprints.ts';
import { hostTarget } from './host-target.ts';
import { openSshConfiguration, personPrompts } from './host-transports.ts';
import { readInput } from './output-file.ts';
import type { VaultOptions } from './vault-options.ts';

/** What the command line says. */
export interface AcceptOptions extends VaultOptions {
  hosts: string[];
  forks: string;
  user?: string;
  privateKey?: string;
  fingerprints?: string;
  yes?: true;
  trustOnFirstUse?: true;
  json?: true;
}

/** A key and the hosts of the hosts file that it was seen for: its own, or those behind it. */
interface SeenKey extends ShownHostKey {
  hosts: string[];
}

/**
 * Collects the host keys of all hosts, shows those that are not known, asks once, and writes known_hosts.
 * @returns 0; 2 when a key has changed, is revoked, or is not one of the fingerprints; 4 when a host could not be asked; 6 both
 * @throws HsmfleetError USAGE, FILE_WRITE, HOSTS_INVALID
 */
export async function acceptHosts(pattern: string | undefined, options: AcceptOptions): Promise<number> {
  checkOptions(options);
  const expected = options.fingerprints === undefined ? undefined : parseFingerprints((await readInput(options.fingerprints)).toString('utf8'), options.fingerprints);
  const targets = await readTargets(pattern, options);
  const { keys, failed } = await survey(targets, countOption('--forks', options.forks));
  const bad = keys.filter(({ status }) => status === 'changed' || status === 'revoked');
  const unknown = keys.filter(({ status }) => status === 'unknown');
  const differing = expected === undefined ? [] : unknown.filter((key) => judge(key, expected) === 'other');
  const unlisted = expected === undefined ? [] : unknown.filter((key) => judge(key, expected) === 'unlisted');
  const wanted = unknown.filter((key) => !differing.includes(key) && !unlisted.includes(key));

  if (options.json !== true) show({ keys, wanted, differing, unlisted, bad, failed });
  if (wanted.length > 0) {
    if (options.yes !== true) await askYes(`Take ${wanted.length === 1 ? 'this key' : `these ${String(wanted.length)} keys`} into known_hosts? The fingerprints have to be those that the owners of the hosts tell.`);
    for (const file of new Set(wanted.map((key) => key.file))) {
      const own = wanted.filter((key) => key.file === file);
      await addToKnownHosts(file, own);
      if (options.json !== true) process.stdout.write(`${file}: ${String(own.length)} added\n`);
    }
  }
  if (options.json === true) {
    const rows = keys.map((key) => ({ hosts: key.hosts, place: key.place, type: key.type, fingerprint: key.fingerprint, status: key.status, accepted: wanted.includes(key), against: key.against }));
    process.stdout.write(`${printableJson({ keys: rows, failed: failed.map(({ host, error }) => ({ host, error: error.toShape() })) })}\n`);
  }
  return (bad.length > 0 || differing.length > 0 || unlisted.length > 0 ? 2 : 0) + (failed.length > 0 ? 4 : 0);
}

/** Whether keys may be taken without a person is decided before any host is asked. */
function checkOptions({ yes, fingerprints, trustOnFirstUse }: AcceptOptions): void {
  if (yes === true && fingerprints === undefined && trustOnFirstUse !== true && !canAsk()) {
    throw new HsmfleetError('USAGE', '--yes alone accepts no host key where nobody sees the fingerprints', { hint: 'give those that came another way with --fingerprints FILE, or say --trust-on-first-use' });
  }
  if (yes !== true && !canAsk()) {
    throw new HsmfleetError('USAGE', 'nobody is at a terminal who could compare fingerprints', { hint: 'add --yes --fingerprints FILE' });
  }
}

async function readTargets(pattern: string | undefined, options: AcceptOptions): Promise<HostTarget[]> {
  const model = await openHosts(options.hosts, options);
  return model.select(pattern ?? 'all')
    .flatMap((name) => model.find(name) ?? [])
    .map(({ name, vars }) => hostTarget(name, connectionVars(name, vars), { user: options.user, identityFile: options.privateKey, become: false, becomeUser: 'root' }))
    .filter(({ connection }) => connection !== 'local');
}

/** The variables that say how a host is reached, rendered; nothing else of a host has to be resolvable. */
function connectionVars(name: string, vars: Record<string, Value>): Record<string, Value> {
  const scope = scopeOf(vars, { inventory_hostname: name });
  const own = Object.entries(vars).filter(([key]) => /^ansible_(host|port|user|connection|timeout|private_key_file|ssh_\w+)$/.test(key) && !/pass/.test(key));
  return Object.fromEntries(own.map(([key, value]) => [key, renderValue(value, scope)]));
}

async function survey(targets: readonly HostTarget[], forks: number): Promise<{ keys: SeenKey[]; failed: { host: string; error: HsmfleetError }[] }> {
  const resolver = openSshConfiguration();
  const prompts = personPrompts();
  const { look } = createHostKeySurvey({ resolver, ...(prompts === undefined ? {} : { prompts }) }, (target, options) => askHostKey(resolver, target, options));
  const seen = new Map<string, SeenKey>();
  const failed: { host: string; error: HsmfleetError }[] = [];
  const waiting = [...targets];
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      try {
        for (const key of await look(target)) {
          const id = `${key.file} ${key.place} ${key.fingerprint}`;
          const known = seen.get(id);
          if (known === undefined) seen.set(id, { ...key, hosts: [target.name] });
          else known.hosts.push(target.name);
        }
      } catch (error) {
        if (!(error instanceof HsmfleetError)) throw error;
        failed.push({ host: target.name, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(forks, targets.length) }, work));
  const order = new Map(targets.map(({ name }, index) => [name, index]));
  const first = ({ hosts }: SeenKey): number => Math.min(...hosts.map((host) => order.get(host) ?? 0));
  return { keys: [...seen.values()].sort((a, b) => first(a) - first(b)), failed: failed.sort((a, b) => (order.get(a.host) ?? 0) - (order.get(b.host) ?? 0)) };
}

/** By the name in known_hosts, the name without its port, or the name in the hosts file. */
function judge(key: SeenKey, expected: Fingerprints): 'same' | 'other' | 'unlisted' {
  const names = [key.place, key.place.replace(/^\[(.*)\]:\d+$/, '$1'), ...(key.hosts.length === 1 ? key.hosts : [])];
  const listed = names.flatMap((name) => [...(expected.get(name.toLowerCase()) ?? [])]);
  if (listed.length === 0) return 'unlisted';
  return listed.includes(key.fingerprint) ? 'same' : 'other';
}

interface Findings {
  keys: SeenKey[];
  wanted: SeenKey[];
  differing: SeenKey[];
  unlisted: SeenKey[];
  bad: SeenKey[];
  failed: { host: string; error: HsmfleetError }[];
}

function show({ keys, wanted, differing, unlisted, bad, failed }: Findings): void {
  const colors = createColors(wantsColor(process.stdout));
  const table = (title: string, of: SeenKey[], more?: (key: SeenKey) => string): void => {
    if (of.length === 0) return;
    const rows = of.map((key) => [hostsOf(key), key.place, key.type, key.fingerprint, ...(more === undefined ? [] : [more(key)])]);
    process.stdout.write(`${title}\n${formatTable(['host', 'in known_hosts as', 'type', 'fingerprint', ...(more === undefined ? [] : ['known_hosts has'])], rows, colors)}\n`);
  };
  table('Not known yet:', wanted);
  table('REFUSED, the fingerprint is another one than in the file:', differing);
  table('Refused, the file has no fingerprint for it:', unlisted);
  table('REFUSED, another key than in known_hosts, or a revoked one (ask the owner; ssh-keygen -R removes the old line):', bad, ({ against = '', status }) => `${against} (${status})`);
  for (const { host, error } of failed) process.stdout.write(`${printable(host)}: ${printable(error.message)}${error.hint === undefined ? '' : ` (${printable(error.hint)})`}\n`);
  const known = keys.filter(({ status }) => status === 'known').length;
  const vouched = keys.filter(({ status }) => status === 'authority').length;
  process.stdout.write(`${String(known)} known, ${String(wanted.length)} new, ${String(bad.length + differing.length + unlisted.length)} refused${vouched === 0 ? '' : `, ${String(vouched)} vouched for by a certificate`}${failed.length === 0 ? '' : `, ${String(failed.length)} not reached`}\n`);
}

function hostsOf({ hosts }: SeenKey): string {
  return hosts.length > 3 ? `${hosts.slice(0, 3).join(' ')} and ${String(hosts.length - 3)} more` : hosts.join(' ');
}
