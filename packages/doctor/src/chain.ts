import type { HostEvidence, ModuleEvidence, ModuleRow, SiteRow, TokenRow } from '@hsmfleet/contract';

/** A site that a playbook wants on the host; what it does not say is not compared. */
export interface WantedSite {
  name: string;
  port?: number;
  engine?: 'mod_nss' | 'mod_ssl';
  module?: string;
  moduleEnv?: Record<string, string>;
  token?: string;
  pinFile?: string;
  database?: string;
  /** False: the playbook allows a module that can write. */
  readOnly?: boolean;
}

/** What links are judged by. */
export interface Chain {
  seen: HostEvidence;
  /** Sites that are followed. */
  sites: readonly SiteRow[];
  /** The one site that was asked for by its name. */
  asked?: string | undefined;
  wanted: readonly WantedSite[];
  now: Date;
}

/** NAME:PORT, as reports name a site. */
export function siteName({ name, port }: Pick<SiteRow, 'name' | 'port'>): string {
  return `${name === '' ? '(no name)' : name}:${String(port)}`;
}

/** Sites whose key is in a token. */
export function tokenSites({ sites }: Chain): SiteRow[] {
  return sites.filter(({ keySource }) => keySource === 'token');
}

/** Does anything here need a token? Without any site that is not known, and tokens are looked at all the same. */
export function needsToken(chain: Chain): boolean {
  return chain.sites.length === 0 || tokenSites(chain).length > 0;
}

/** Libraries that a site's engine loads. */
export function librariesOf({ seen }: Chain, site: SiteRow): string[] {
  if (site.engine === 'mod_ssl') return [...seen.opensslModules];
  const database = seen.report.nssDatabases.find(({ path }) => path === site.database);
  return (database?.modules ?? []).filter(({ enabled, library, source }) => enabled && source !== 'policy' && library !== '').map(({ library }) => library);
}

/** Libraries in use: those of the sites that are followed, all that were read when there is no such site. */
export function librariesInUse(chain: Chain): string[] {
  const sites = tokenSites(chain);
  if (chain.sites.length === 0) return chain.seen.report.modules.map(({ path }) => path);
  return [...new Set(sites.flatMap((site) => librariesOf(chain, site)))];
}

/** The files behind {@link librariesInUse}. */
export function moduleFiles(chain: Chain): ModuleEvidence[] {
  const inUse = librariesInUse(chain);
  return chain.seen.modules.filter(({ path }) => inUse.includes(path));
}

/** What a library answered; two names of one file share the answer. */
export function moduleRow({ seen: { report } }: Chain, library: string): ModuleRow | undefined {
  return report.modules.find(({ path, realPath }) => path === library || realPath === library);
}

/** Tokens that a site's engine sees, and whether that is all: a library that could not be asked hides some. */
export function tokensOf(chain: Chain, site: SiteRow): { tokens: TokenRow[]; whole: boolean } {
  const libraries = librariesOf(chain, site);
  const rows = libraries.map((library) => moduleRow(chain, library));
  const whole = chain.seen.report.evidence === 'live' && rows.length > 0 && rows.every((row) => row !== undefined && row.error === null);
  return { tokens: rows.flatMap((row) => row?.tokens ?? []), whole };
}

/** Names in quotes, for people; "none" without any. */
export function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
