import type { ModuleRow, NssDatabaseRow, SiteRow, TokenRow } from '@hsmfleet/contract';
import { parseKeyUri, type DiscoveredSite } from '@hsmfleet/httpd';
import { directoryOf } from './nss-databases.ts';

/** What a site's nickname or URI names, and whether that is there. */
export type ResolvedKey = Required<Pick<SiteRow, 'keySource' | 'keyToken' | 'keyResolves' | 'keyFingerprint'>>;

/** What was read of tokens. */
export interface TokensRead {
  modules: readonly ModuleRow[];
  databases: readonly NssDatabaseRow[];
  /** False when tokens were left alone. */
  live: boolean;
}

/** Looks a site's key up in what was read of the tokens: no login, and no look at a token for this alone. */
export function resolveKey(site: DiscoveredSite, read: TokensRead): ResolvedKey {
  const nothing = { keyToken: null, keyResolves: null, keyFingerprint: null };
  if (site.engine === 'mod_nss') {
    const colon = site.key.indexOf(':');
    if (colon <= 0) return { ...nothing, keySource: 'nss_internal' };
    const [label, nickname] = [site.key.slice(0, colon), site.key.slice(colon + 1)];
    const modules = modulesOf(site, read);
    const found = tokensIn(modules).filter((token) => token.label === label)
      .flatMap(({ certificates }) => certificates.filter((certificate) => certificate.label === nickname).map(({ keyFingerprint }) => keyFingerprint));
    return { keySource: 'token', keyToken: label, ...verdict(found, modules, read.live) };
  }
  const uri = parseKeyUri(site.key);
  if (uri === undefined) return { ...nothing, keySource: 'file' };
  const { token, serial, manufacturer, model, id, object } = uri.path;
  const fits = (wanted: string | undefined, is: string): boolean => wanted === undefined || wanted === is;
  const found = tokensIn(read.modules)
    .filter((row) => fits(token, row.label) && fits(serial, row.serial) && fits(manufacturer, row.manufacturer) && fits(model, row.model))
    .flatMap(({ keys }) => keys.filter((key) => fits(id, key.id) && fits(object, key.label)).map(({ fingerprint }) => fingerprint));
  return { keySource: 'token', keyToken: token ?? null, ...verdict(found, read.modules, read.live) };
}

/** Modules that NSS loads for a site; those are other than mod_ssl's. */
export function modulesOf({ database }: Pick<DiscoveredSite, 'database'>, { modules, databases }: Pick<TokensRead, 'modules' | 'databases'>): ModuleRow[] {
  const row = databases.find(({ path }) => database !== undefined && path === directoryOf(database));
  const libraries = new Set(row?.modules.filter(({ enabled }) => enabled).map(({ library }) => library));
  return modules.filter(({ path, realPath }) => libraries.has(path) || (realPath !== null && libraries.has(realPath)));
}

/** Every token behind these modules. */
export function tokensIn(modules: readonly ModuleRow[]): TokenRow[] {
  return modules.flatMap(({ tokens }) => tokens);
}

/** Nothing found proves something only when all modules could be read. */
function verdict(found: readonly (string | null)[], modules: readonly ModuleRow[], live: boolean): Pick<ResolvedKey, 'keyResolves' | 'keyFingerprint'> {
  if (found.length === 0) {
    const readAll = live && modules.length > 0 && modules.every(({ error }) => error === null);
    return { keyResolves: readAll ? false : null, keyFingerprint: null };
  }
  const fingerprints = new Set(found);
  return { keyResolves: true, keyFingerprint: fingerprints.size === 1 ? (found[0] ?? null) : null };
}
