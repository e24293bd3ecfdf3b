import { HsmfleetError } from '@hsmfleet/contract';
import type { SshOptions } from '@hsmfleet/ssh-config';
import { notHeard } from '@hsmfleet/ssh-config';
import { quoteShellWord, type HostTarget } from '@hsmfleet/transport';

/** Longest part of ssh's own words in a message. */
const WORDS_LIMIT = 600;

/** The error for an ssh that ended before it was logged in, from what it said. OpenSSH speaks English alone. */
export function explainFailure(said: string, target: HostTarget, options: SshOptions): HsmfleetError {
  const host = target.name;
  const place = `${options.user}@${options.hostname}:${String(options.port)}`;
  const words = ownWords(said);
  const details = { transport: 'openssh', ...shownKey(said) };
  const shown = 'fingerprint' in details ? `: ${details.type} ${details.fingerprint}` : '';
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said)) {
    const where = /^Offending (.*) key in (.*)$/m.exec(said);
    return new HsmfleetError('HOST_KEY_CHANGED', `${unverified(said, options)} shows another host key${shown} than known_hosts has${where === null ? '' : ` (${where[2] ?? ''}, ${where[1] ?? ''})`}`, {
      host, details, hint: 'if the host was reinstalled, ask its owner for the fingerprint, remove the old line with ssh-keygen -R, then: hsmfleet hosts accept; otherwise somebody may be listening in',
    });
  }
  if (/marked as revoked|revoked by file|REVOKED HOST KEY|is revoked/i.test(said)) {
    return new HsmfleetError('HOST_KEY_REVOKED', `${unverified(said, options)} shows a host key that is marked as revoked${shown}`, {
      host, details, hint: 'do not connect: the key is known to be in wrong hands; give the host a new key',
    });
  }
  const certificate = /(Certificate invalid: .*|.*host certificate.*(?:not|invalid|unsupported).*|No matching CA found.*)$/im.exec(said)?.[1]?.replace(/^debug\d: /, '');
  if (/Host key verification failed|key is known for .* and you have requested strict checking/.test(said)) {
    return new HsmfleetError('HOST_KEY_UNKNOWN', `the host key of ${unverified(said, options)} is not known${shown}${certificate === undefined ? '' : `; its certificate is not good: ${certificate.trim()}`}${notHeard(options)}`, {
      host, details, hint: `compare the fingerprint with the one the host's owner tells, then: hsmfleet hosts accept ${quoteShellWord(host)}`,
    });
  }
  const denied = /Permission denied \(([^)]*)\)|Too many authentication failures/.exec(said);
  if (denied !== null) {
    return new HsmfleetError('AUTHENTICATION', `${place} refused the login (${offered(said)}; it takes ${denied[1] ?? 'fewer tries'})`, {
      host, details: { ...details, user: options.user }, hint: 'check ansible_user, the key, and that its certificate is valid for this user and not expired (ssh-keygen -Lf)',
    });
  }
  const unmatched = /Unable to negotiate with .*?: (no matching [^.]*)\. Their offer: (.*)$/m.exec(said);
  const why = unmatched === null ? (words === '' ? 'ssh ended without a word' : words) : `${unmatched[1] ?? ''}; it offers ${unmatched[2] ?? ''}`;
  return new HsmfleetError('UNREACHABLE', `${options.hostname}:${String(options.port)} is not reachable through ssh: ${why}`, {
    host, details, hint: `try: ssh -p ${String(options.port)} ${quoteShellWord(`${options.user}@${options.hostname}`)}`,
  });
}

/** What ssh said beside its debugging, in one line. */
function ownWords(said: string): string {
  return said.split('\n')
    .map((line) => line.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim())
    .filter((line) => line !== '' && !/^(debug\d:|OpenSSH_|@@@|Authenticated to|Transferred:|Bytes per)/.test(line))
    .join('; ').slice(-WORDS_LIMIT);
}

/** The name under which known_hosts does not have a key: the host's, or a hop's. */
function unverified(said: string, options: SshOptions): string {
  return /host key is known for (\S+) and you have/.exec(said)?.[1] ?? /Host key for (\S+) has changed/.exec(said)?.[1] ?? `${options.hostname}:${String(options.port)}`;
}

/** The last key that a host showed: the one that was not liked. */
function shownKey(said: string): { type: string; fingerprint: string } | Record<never, never> {
  const match = [...said.matchAll(/Server host (?:key|certificate): (\S+) (SHA256:\S+)/g)].at(-1);
  return match === undefined ? {} : { type: match[1] ?? '', fingerprint: match[2]?.replace(/,$/, '') ?? '' };
}

function offered(said: string): string {
  const keys = [...new Set([...said.matchAll(/Offering public key: (.*)$/gm)].map((match) => (match[1] ?? '').replace(/ (explicit|agent)$/, '')))];
  return keys.length === 0 ? 'no key was offered' : `offered ${keys.join(', ')}`;
}
