import type { PinFileRow, SiteRow } from '@hsmfleet/contract';
import { needsToken, siteName, tokenSites, tokensOf, type Chain } from './chain.ts';
import { broken, notApplicable, notTold, ok, worst, type Finding } from './finding.ts';

const APPLY = 'hsmfleet apply PLAYBOOK -i HOSTS -l HOST';
const CLOSED_MODES = new Set(['0600', '0640', '0400', '0440']);
const NO_START = 'do not start or reload the web server before';

/** The PIN file of each site: syntax, owner, mode, and what is known of the PIN without a login. */
export function judgePinFile(chain: Chain): Finding {
  if (!needsToken(chain)) return notApplicable('no site takes its key from a token');
  return worst(tokenSites(chain).map((site): Finding => {
    const path = site.pinFile ?? null;
    const row = chain.seen.report.pinFiles?.find((file) => file.path === path);
    if (path === null) {
      return notTold(site.engine === 'mod_nss' ? `${siteName(site)} does not take its PIN from a file` : `the URI of ${siteName(site)} names no PIN file (pin-source)`);
    }
    if (row === undefined) return notTold(`${path} was not looked at`);
    return fileProblem(row, chain.seen.serverUser) ?? tokenState(chain, site, path) ?? stateOf(row);
  })) ?? notApplicable('no TLS site is configured');
}

function fileProblem(row: PinFileRow, user: string | null): Finding | undefined {
  const { path, mode, owner, group } = row;
  const again = `write it again with pin_file, which proves the PIN before; ${NO_START}`;
  if (!row.exists) return broken(`${path} does not exist`, again, APPLY, 'FILE_MISSING');
  if (row.syntax === 'unreadable') return broken(`${path} cannot be read as text`, again, APPLY);
  if (row.syntax === 'bad') return broken(`${path}: ${row.problems.join('; ')}`, again, APPLY);
  if (row.missing.length > 0) return broken(`${path} has no line for the token ${row.missing.map((label) => `"${label}"`).join(', ')}, to which the server logs in`, again, APPLY);
  const readers = user === null ? 'root' : user;
  if (owner !== 'root' || mode === null || !CLOSED_MODES.has(mode)) {
    return broken(`${path} is ${mode ?? '?'} ${owner ?? '?'}:${group ?? '?'}: a PIN file belongs to root, and nobody but the web server's group may read it`, 'close it; if others could read it, change the PIN at the station', `chown root:${readers} ${path} && chmod 640 ${path}`);
  }
  // mod_ssl reads it before it gives up root; every child of mod_nss opens it anew
  if (row.format === 'mod_nss' && row.serverReadable === false) {
    return broken(`${readers} may not read ${path} (${mode} ${owner}:${group ?? '?'}): every child of the server would end at once`, "give it to the web server's group", `chgrp ${readers} ${path} && chmod 640 ${path}`);
  }
  return undefined;
}

/** What the token's flags say of its PIN. */
function tokenState(chain: Chain, site: SiteRow, path: string): Finding | undefined {
  const token = tokensOf(chain, site).tokens.find(({ label }) => label === site.keyToken);
  switch (token?.pinState) {
    case 'locked': return broken(`the PIN of the token "${token.label}" is locked: too many wrong ones were tried`, `find out what tried them (${path} first of all), then unblock it at the station with the SO-PIN`, 'hsmfleet token pin unblock', 'PIN_REFUSED');
    case 'final_try': return broken(`one more wrong PIN locks the token "${token.label}"`, `${NO_START} the PIN in ${path} is known to be right; a right login at the station resets the count`, 'hsmfleet token list', 'PIN_REFUSED');
    case 'uninitialized': return broken(`the token "${token.label}" has no user PIN yet`, 'prepare it at the station', 'hsmfleet token init', 'PIN_REFUSED');
    default: return undefined;
  }
}

/** What this host's ledger tells of the PIN: no login is made to learn it. */
function stateOf(row: PinFileRow): Finding {
  const used = row.entries.filter(({ inUse }) => inUse);
  const failed = used.find(({ proof }) => proof === 'failed');
  if (failed !== undefined) {
    return broken(`${row.path}: the token "${failed.token}" called the PIN in it wrong when it was tried last`, `${NO_START} the file holds the right one: put it into the vault and roll out again. If the PIN of the token was changed to this one since, remove /var/lib/hsmfleet/pins-wrong.json`, APPLY, 'PIN_INCORRECT');
  }
  const where = `${row.path} (${row.mode ?? '?'} ${row.owner ?? '?'}:${row.group ?? '?'})`;
  const notes = [
    ...(row.newerThanServer === true ? [`${row.path} was changed after the running server read it`] : []),
    ...(row.unknownEntries > 0 ? [`${row.path} has ${String(row.unknownEntries)} lines for tokens that are not here`] : []),
  ];
  if (used.some(({ proof }) => proof === 'unproven')) return ok(`${where} is well written`, [...notes, `the PIN in ${row.path} was never proven on this host: the next apply tries it once, before any start`]);
  const proven = used.length > 0 && used.every(({ proof }) => proof === 'proven');
  return ok(proven ? `${where} is well written, and its PIN was proven on the token` : `${where} is well written; nothing is known of the PIN itself`, notes);
}
