import { readFileSync } from 'node:fs';
import { HsmfleetError } from '@hsmfleet/contract';
import { suggestion } from '@hsmfleet/yaml-source';

/** Names that mean the control host even when no hosts file names them. */
export const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1'];

/** What a pattern is matched against. */
export interface PatternWorld {
  hosts: readonly string[];
  groups: ReadonlyMap<string, readonly string[]>;
}

/**
 * Hosts that a pattern names, in the order of the hosts files; an implicit local name comes last.
 * @throws HsmfleetError HOST_PATTERN for a part that matches nothing, FILE_MISSING for an unreadable `@FILE`
 */
export function selectHosts(pattern: string, world: PatternWorld): string[] {
  const parts = splitPattern(pattern);
  if (parts.length === 0) throw new HsmfleetError('HOST_PATTERN', 'the host pattern is empty', { hint: 'use "all" for every host' });
  const plain = parts.filter((part) => !/^[!&]/.test(part));
  let found = new Set(plain.length === 0 ? world.hosts : plain.flatMap((part) => matchPart(part, world)));
  for (const part of parts.filter((each) => each.startsWith('&'))) {
    const wanted = new Set(matchPart(part.slice(1), world));
    found = new Set([...found].filter((host) => wanted.has(host)));
  }
  for (const part of parts.filter((each) => each.startsWith('!'))) {
    for (const host of matchPart(part.slice(1), world)) found.delete(host);
  }
  const known = world.hosts.filter((host) => found.has(host));
  return [...known, ...[...found].filter((host) => !world.hosts.includes(host))];
}

/** Parts of a pattern: separated by commas or colons outside of brackets; `@FILE` gives the file's lines. */
function splitPattern(pattern: string): string[] {
  const list = pattern.split(/,(?![^[]*\])/).map((part) => part.trim()).filter((part) => part !== '');
  return list.flatMap((part) => {
    if (part.startsWith('@')) return readLimitFile(part.slice(1)).flatMap(splitPattern);
    if (part.startsWith('~') || LOCAL_NAMES.includes(part)) return [part];
    // an IPv6 address is no list
    if ((part.match(/:/g)?.length ?? 0) > 1 && /^[!&]?[0-9a-f:.]+$/i.test(part)) return [part];
    return (part.match(/(?:[^:[]|\[[^\]]*\])+/g) ?? []).map((each) => each.trim()).filter((each) => each !== '');
  });
}

function readLimitFile(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch (thrown) {
    throw new HsmfleetError('FILE_MISSING', `the limit file ${path} cannot be read`, { cause: thrown });
  }
}

function matchPart(part: string, world: PatternWorld): string[] {
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
  if (exact !== undefined) return [...exact];
  if (world.hosts.includes(name)) return [name];
  if (name === '*') return [...world.hosts];
  const test = nameTest(name);
  if (test !== undefined) {
    const found = new Set([...world.groups].filter(([group]) => test(group)).flatMap(([, hosts]) => hosts));
    for (const host of world.hosts) if (test(host)) found.add(host);
    if (found.size > 0 || world.hosts.length === 0) return [...found];
    throw new HsmfleetError('HOST_PATTERN', `the host pattern "${name}" matches no host and no group`);
  }
  if (LOCAL_NAMES.includes(name)) return [name];
  const hint = suggestion(name, [...world.groups.keys(), ...world.hosts]) ?? 'list what there is: hsmfleet hosts -i HOSTS';
  throw new HsmfleetError('HOST_PATTERN', `"${name}" is neither a host nor a group`, { hint });
}

/** A test for `~regex` and shell wildcards; undefined for a plain name. */
function nameTest(name: string): ((candidate: string) => boolean) | undefined {
  if (name.startsWith('~')) {
    try {
      const regex = new RegExp(`^(?:${name.slice(1)})`);
      return (candidate) => regex.test(candidate);
    } catch {
      throw new HsmfleetError('HOST_PATTERN', `the host pattern "${name}" is not a valid regular expression`);
    }
  }
  if (!/[*?[]/.test(name)) return undefined;
  const source = name.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.').replaceAll('[!', '[^');
  try {
    const regex = new RegExp(`^${source}$`);
    return (candidate) => regex.test(candidate);
  } catch {
    throw new HsmfleetError('HOST_PATTERN', `the host pattern "${name}" is not valid`);
  }
}
