/** One stanza of an NSS `pkcs11.txt` (field notes 2.5). */
export interface NssModuleEntry {
  /** Absolute path, or a bare name such as p11-kit-proxy.so; empty for NSS's own software token. */
  library: string;
  name: string;
  parameters: string;
  /** The raw `NSS=` value: flags, orders, slotParams. */
  nss: string;
  /** NSS's internal module: flags hold `internal`. */
  internal: boolean;
  /** False when every slot listed in slotParams is disabled by the user (`slotFlags=Disable…`). */
  enabled: boolean;
}

/**
 * Reads `pkcs11.txt`: stanzas parted by blank lines, one `key=value` a line, values unquoted and possibly with blanks.
 * NSS skips what it does not understand, and so does this: an unreadable file yields no entries.
 */
export function parsePkcs11Txt(text: string): NssModuleEntry[] {
  const entries: NssModuleEntry[] = [];
  for (const stanza of text.split(/\r?\n[ \t]*\r?\n/)) {
    const values = new Map<string, string>();
    for (const line of stanza.split(/\r?\n/)) {
      const equals = line.indexOf('=');
      if (equals > 0 && !line.startsWith('#')) values.set(line.slice(0, equals).trim().toLowerCase(), line.slice(equals + 1).trim());
    }
    const library = values.get('library');
    if (library === undefined && !values.has('name')) continue;
    const nss = values.get('nss') ?? '';
    entries.push({
      library: library ?? '',
      name: values.get('name') ?? '',
      parameters: values.get('parameters') ?? '',
      nss,
      internal: /\bflags=[^ ]*\binternal\b/i.test(nss),
      enabled: slotsEnabled(nss),
    });
  }
  return entries;
}

/**
 * modutil disables slot by slot: `slotParams={0x00000001=[slotFlags=Disable…] …}`. A module counts as enabled unless
 * it lists slots and all of them are disabled.
 */
function slotsEnabled(nss: string): boolean {
  const slots = [...nss.matchAll(/0x[0-9a-f]+=\[([^\]]*)\]/gi)].map((match) => match[1] ?? '');
  return slots.length === 0 || slots.some((slot) => !/slotFlags=[^ ]*\bDisable\b/i.test(slot));
}

/** Modules that NSS may load without being asked, and that bring a writable way to the token (field notes 2.7). */
export function isWritableIntruder(entry: Pick<NssModuleEntry, 'library' | 'name'>): boolean {
  const text = `${entry.library} ${entry.name}`.toLowerCase();
  return text.includes('p11-kit-proxy') || /opensc|onepin-opensc/.test(text);
}
