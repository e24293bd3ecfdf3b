import { HsmfleetError } from '@hsmfleet/contract';

/** Fingerprints by host name, in lower case. */
export type Fingerprints = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Reads fingerprints that came another way than over the network: lines `NAME SHA256:…`, or what `ssh-keygen -lf` prints
 * for a known_hosts file (`256 SHA256:… NAME (ED25519)`). Several names may be joined by commas, `#` starts a comment.
 * @throws HsmfleetError USAGE naming the line that is neither
 */
export function parseFingerprints(text: string, file: string): Fingerprints {
  const found = new Map<string, Set<string>>();
  text.split('\n').forEach((content, index) => {
    const line = content.trim();
    if (line === '' || line.startsWith('#')) return;
    const match = /^\d+ (SHA256:[A-Za-z0-9+/]{43}) (\S+) \([\w-]+\)$/.exec(line) ?? swap(/^(\S+)\s+(?:\S+\s+)?(SHA256:[A-Za-z0-9+/]{43})=?$/.exec(line));
    if (match === null) {
      throw new HsmfleetError('USAGE', `${file} line ${String(index + 1)} holds no fingerprint`, { hint: 'write NAME SHA256:…, as ssh-keygen -lf shows it on the host', position: { file, line: index + 1, column: 1 } });
    }
    for (const name of (match[2] ?? '').toLowerCase().split(',')) {
      const own = found.get(name) ?? new Set();
      found.set(name, own.add(match[1] ?? ''));
    }
  });
  return found;
}

function swap(match: RegExpExecArray | null): [string, string, string] | null {
  return match === null ? null : [match[0], match[2] ?? '', match[1] ?? ''];
}
