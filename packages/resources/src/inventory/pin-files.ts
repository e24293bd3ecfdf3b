import type { PinFileRow, PinProof } from '@hsmfleet/contract';
import { INTERNAL_TOKEN, judgeNssPinFile, judgePlainPinFile, pinFor, type DiscoveredSite, type PinFileVerdict } from '@hsmfleet/httpd';
import { Secret } from '@hsmfleet/contract';
import { formatMode, type ReadHost } from '@hsmfleet/resource';
import type { Access } from './access.ts';
import { modulesOf, resolveKey, tokensIn, type TokensRead } from './resolve-key.ts';
import { changedSince } from './web-server.ts';

/** A PIN file has a line or two. */
const MAX_BYTES = 65_536;

/** Paths of the PIN files that sites name. */
export function pinFilesOf(sites: readonly DiscoveredSite[]): string[] {
  return [...new Set(sites.flatMap(({ pinFile }) => pinFile ?? []))];
}

/**
 * Judges every PIN file in use, as the engine that reads it would.
 * @param startedAtMs when the running server began: it reads PINs at its start only; undefined when none runs
 */
export async function describePinFiles(host: ReadHost, sites: readonly DiscoveredSite[], read: TokensRead, access: Access, startedAtMs: number | undefined): Promise<PinFileRow[]> {
  const rows: PinFileRow[] = [];
  for (const path of pinFilesOf(sites)) {
    const users = sites.filter(({ pinFile }) => pinFile === path);
    const format = users.some(({ engine }) => engine === 'mod_nss') ? 'mod_nss' : 'plain';
    const stat = await host.stat(path);
    const text = stat?.kind === 'file' ? await host.readText(path, MAX_BYTES).catch(() => undefined) : undefined;
    const inUse = tokensInUse(users, read);
    const verdict = text === undefined ? undefined : format === 'mod_nss' ? judgeNssPinFile(text, inUse, tokensIn(read.modules).map(({ label }) => label)) : judgePlainPinFile(text, inUse);
    rows.push({
      path,
      format,
      sites: users.map(({ name }) => name),
      exists: stat !== undefined,
      mode: stat === undefined ? null : formatMode(stat.mode),
      owner: stat?.owner ?? null,
      group: stat?.group ?? null,
      serverReadable: stat === undefined ? null : access(path),
      changedAt: stat === undefined ? null : new Date(stat.mtimeMs).toISOString(),
      newerThanServer: stat === undefined ? null : changedSince(stat.mtimeMs, startedAtMs),
      syntax: stat === undefined ? 'missing' : verdict === undefined ? 'unreadable' : verdict.problems.length > 0 ? 'bad' : 'ok',
      problems: verdict?.problems ?? [],
      entries: text === undefined || verdict === undefined ? [] : await entriesOf(host, text, format, verdict, inUse, read),
      missing: verdict?.missing ?? [],
      unknownEntries: verdict?.unknownEntries ?? 0,
    });
  }
  return rows;
}

/** mod_nss logs in to every token that is present and wants a PIN, used by a site or not (field notes 1.6). */
function tokensInUse(sites: readonly DiscoveredSite[], read: TokensRead): string[] {
  const named = sites.flatMap((site) => resolveKey(site, read).keyToken ?? []);
  const tried = sites
    .filter(({ engine }) => engine === 'mod_nss')
    .flatMap((site) => tokensIn(modulesOf(site, read)).filter(({ label, loginRequired }) => loginRequired && label !== '').map(({ label }) => label));
  return [...new Set([...named, ...tried])];
}

async function entriesOf(host: ReadHost, text: string, format: PinFileRow['format'], verdict: PinFileVerdict, inUse: readonly string[], read: TokensRead): Promise<PinFileRow['entries']> {
  const entries: PinFileRow['entries'] = [];
  for (const label of verdict.tokens) {
    const found = tokensIn(read.modules).filter((token) => token.label === label);
    const pin = format === 'mod_nss' ? pinFor(text, label) : new Secret(text, 'a PIN file');
    const standings = new Set<PinProof>();
    for (const { identity } of found) if (pin !== undefined) standings.add(await host.pkcs11.standingOf(identity, pin));
    entries.push({
      token: label,
      inUse: inUse.includes(label) || label === INTERNAL_TOKEN,
      present: read.live ? found.length > 0 || label === INTERNAL_TOKEN : null,
      // tokens of one label share the entry: it is as good as the worst
      proof: (['failed', 'unproven', 'proven'] as const).find((standing) => standings.has(standing)) ?? 'unknown',
    });
  }
  return entries;
}
