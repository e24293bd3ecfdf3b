import { readFileSync } from 'node:fs';
import { HsmfleetError } from '@hsmfleet/contract';
import { suggestion } from '@hsmfleet/yaml-source';
import { isAddress } from './parse-address.ts';

/** Names that mean the control host even when no hosts file names them. */
export const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];

/** What a pattern is matched against. */
export interface PatternWorld {
  hosts: ReadonlySet<string>;
  groups: ReadonlyMap<string, readonly string[]>;
}

/**
 * Hosts that a pattern names, in the order in which it names them; those of a group in the group's order. Parts with `&` and
 * `!` count after all others, wherever they stand.
 * @throws HsmfleetError HOST_PATTERN for a part that matches nothing, FILE_MISSING for an unreadable `@FILE`
 */
export function selectHosts(pattern: string, world: PatternWorld): string[] {
  const parts = splitPattern(pattern);
  if (parts.length === 0) throw new HsmfleetError('HOST_PATTERN', 'the host pattern is empty', { hint: 'use "all" for every host' });
  const plain = parts.filter((part) => !/^[!&]/.test(part));
  let found = new Set((plain.length === 0 ? ['all'] : plain).flatMap((part) => matchPart(part, world)));
  for (const part of parts.filter((each) => each.startsWith('&'))) {
    const wanted = new Set(matchPart(part.slice(1), world));
    found = new Set([...found].filter((host) => wanted.has(host)));
  }
  for (const part of parts.filter((each) => each.startsWith('!'))) {
    for (const host of matchPart(part.slice(1), world)) found.delete(host);
  }
  return [...found];
}

/** Parts of a pattern: separated by commas or colons outside of brackets; `@FILE` gives the file's lines. */
function splitPattern(pattern: string): string[] {
  const list = pattern.split(/,(?![^[]*\])/).map((part) => part.trim()).filter((part) => part !== '');
  return list.flatMap((part) => {
    if (part.startsWith('@')) return readLimitFile(part.slice(1)).flatMap(splitPattern);
    if (part.startsWith('~') || LOCAL_NAMES.includes(part)) return [part];
    // an IPv6 address is no list
    const bare = part.replace(/^[!&]/, '');
    if (/:.*:/.test(bare) && !/[*?!&~]/.test(bare) && isAddress(bare)) return [part];
    return (part.match(/(?:[^:[]|\[[^\]]*\])+/g) ?? []).map((each) => each.trim()).filter((each) => each !== '');
  });
}

/** The lines of a file; those that Ansible writes after a failed run (`.retry`) are names of hosts. */
function readLimitFile(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch (thrown) {
    throw new HsmfleetError('FILE_MISSING', `the limit file ${path} cannot be read`, { cause: thrown, hint: '@ is followed by the path of a file with one host or pattern per line' });
  }
}

function matchPart(part: string, world: PatternWorld): string[] {
  if (world.hosts.has(part) && !world.groups.has(part)) return [part];
  const subscript = part.startsWith('~') ? null : /^(.+)\[(?:(-?\d+)|(\d+)[:-](\d*))\]$/.exec(part);
  if (subscript === null) return matchName(part, world);
  const [, name = '', index, from, to] = subscript;
  const hosts = matchName(name, world);
  if (index === undefined) return hosts.slice(Number(from), to === '' ? undefined : Number(to) + 1);
  const host = hosts.at(Number(index));
  if (host === undefined) throw new HsmfleetError('HOST_PATTERN', `"${part}" is beyond the ${String(hosts.length)} hosts of "${name}"`, { hint: 'indexes count from 0' });
  return [host];
}

function matchName(name: string, world: PatternWorld): string[] {
  const exact = world.groups.get(name);
  // a name with a dot may be a host's too; for others Ansible does not look
  if (exact !== undefined) return name.includes('.') && world.hosts.has(name) ? [...exact, name] : [...exact];
  if (world.hosts.has(name)) return [name];
  const test = nameTest(name);
  if (test !== undefined) {
    const found = [...[...world.groups].filter(([group]) => test(group)).flatMap(([, hosts]) => hosts), ...[...world.hosts].filter(test)];
    if (found.length > 0 || world.hosts.size === 0) return found;
    throw new HsmfleetError('HOST_PATTERN', `the host pattern "${name}" matches no host and no group`);
  }
  // another name of the control host means the one that the hosts files have
  if (LOCAL_NAMES.includes(name)) return [[...world.hosts].find((host) => LOCAL_NAMES.includes(host)) ?? name];
  const hint = suggestion(name, [...world.groups.keys(), ...world.hosts]) ?? 'list what there is: hsmfleet hosts -i HOSTS';
  throw new HsmfleetError('HOST_PATTERN', `"${name}" is neither a host nor a group`, { hint });
}

/** A test for `~regex` and shell wildcards; undefined for a plain name. */
function nameTest(name: string): ((candidate: string) => boolean) | undefined {
  if (name.startsWith('~')) {
    try {
      const regex = new RegExp(`^(?:${pythonRegex(name.slice(1))})`, 's');
      return (candidate) => regex.test(candidate);
    } catch {
      throw new HsmfleetError('HOST_PATTERN', `the host pattern "${name}" is not a valid regular expression`);
    }
  }
  if (!/[*?[]/.test(name)) return undefined;
  const source = name.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.').replaceAll('[!', '[^');
  try {
    const regex = new RegExp(`^${source}$`, 's');
    return (candidate) => regex.test(candidate);
  } catch {
    throw new HsmfleetError('HOST_PATTERN', `the host pattern "${name}" is not valid`);
  }
}

/** What Python writes otherwise: the names of groups, and the ends of a text. */
function pythonRegex(source: string): string {
  return source.replaceAll('(?P<', '(?<').replace(/\(\?P=(\w+)\)/g, '\\k<$1>').replaceAll('\\A', '^').replaceAll('\\Z', '$');
}
