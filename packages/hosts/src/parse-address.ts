const RANGES = {
  label: String.raw`\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`,
  ipv4: String.raw`\[[0-9]+:[0-9]+(?::[0-9]+)?\]`,
  ipv6: String.raw`\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]`,
};
const LABEL = String.raw`(?:[\p{L}\p{N}_]|${RANGES.label})(?:[\p{L}\p{N}_-]|${RANGES.label})*(?<![_-])`;
const HOST_NAME = new RegExp(String.raw`^${LABEL}(?:\.${LABEL})*$`, 'iu');
const IPV4_PART = `(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]|${RANGES.ipv4})`;
const IPV4 = new RegExp(String.raw`^(?:${IPV4_PART}\.){3}${IPV4_PART}$`);
const IPV6_CHARACTERS = new RegExp(`^(?:[0-9a-f:.]|${RANGES.ipv6})+$`, 'i');

/** A host as hosts files name it, apart from its port. */
export interface HostAddress {
  /** May still hold ranges. */
  name: string;
  port: number | undefined;
}

/**
 * Takes the port off `host:22`, `[::1]:22` or `web[01:20]:22`. As in Ansible, a text whose name is neither a host name nor an
 * address is left alone as a whole.
 * @param ranges whether the name may hold ranges; if not, a text with one is left alone
 */
export function parseAddress(text: string, ranges = true): HostAddress {
  const found = /^\[(.+)\]:([0-9]+)$/.exec(text) ?? /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/.exec(text);
  const name = found?.[1] ?? text;
  if (!isAddress(name) || (!ranges && name.includes('['))) return { name: text, port: undefined };
  return { name, port: found === null ? undefined : Number(found[2]) };
}

/** Whether a text is a host name or an address, with ranges or without. */
export function isAddress(text: string): boolean {
  return HOST_NAME.test(text) || IPV4.test(text) || isIpv6(text);
}

/** Enough to tell an address from a name with a port: two colons at least, four digits between them at most. */
function isIpv6(text: string): boolean {
  if (!IPV6_CHARACTERS.test(text)) return false;
  const parts = text.replace(new RegExp(RANGES.ipv6, 'gi'), '0').split(':');
  if (parts.length < 3 || parts.length > 9) return false;
  const last = parts.at(-1) ?? '';
  return parts.slice(0, -1).every((part) => /^[0-9a-f]{0,4}$/i.test(part)) && (/^[0-9a-f]{0,4}$/i.test(last) || IPV4.test(last));
}
