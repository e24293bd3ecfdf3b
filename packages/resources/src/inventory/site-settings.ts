import type { SiteRow } from '@hsmfleet/contract';
import { ASSUMED_MOD_NSS, judgeNssCiphers, judgeOpensslCiphers, nssProtocols, opensslCipherString, sslProtocols, type CipherVerdict, type DiscoveredSite } from '@hsmfleet/httpd';
import type { ReadHost } from '@hsmfleet/resource';

/** What a site's configuration makes of TLS. */
export type SiteSettings = Required<Pick<SiteRow, 'configuredProtocols' | 'protocols' | 'minProtocol' | 'configuredCiphers' | 'weakCiphers' | 'plainKeyExchange' | 'unknownCiphers'>>;

/** Different cipher strings that OpenSSL is asked about; sites of one host mostly share one. */
const MAX_STRINGS = 4;

/** Protocols and ciphers of every site, as its engine takes what is configured. */
export async function readSiteSettings(host: ReadHost, sites: readonly DiscoveredSite[], modNss: { tls13: boolean } | undefined): Promise<Map<DiscoveredSite, SiteSettings>> {
  const strings = [...new Set(sites.filter(({ engine }) => engine === 'mod_ssl').map(({ ciphers }) => opensslCipherString(ciphers)))].slice(0, MAX_STRINGS);
  const listed = new Map(await Promise.all(strings.map(async (text) => [text, await listCiphers(host, text)] as const)));
  return new Map(sites.map((site) => {
    const nss = site.engine === 'mod_nss';
    const protocols = nss ? nssProtocols(site.protocol?.join(' '), modNss ?? ASSUMED_MOD_NSS) : sslProtocols(site.protocol);
    const ciphers = nss ? judgeNssCiphers(site.ciphers) : listed.get(opensslCipherString(site.ciphers));
    return [site, {
      configuredProtocols: site.protocol?.join(' ') ?? null,
      protocols,
      minProtocol: protocols[0] ?? null,
      configuredCiphers: site.ciphers ?? null,
      weakCiphers: ciphers?.weak ?? null,
      plainKeyExchange: ciphers?.plainKeyExchange ?? null,
      unknownCiphers: nss ? (ciphers?.unknown ?? null) : null,
    }];
  }));
}

/** The host's own OpenSSL says what a string stands for there; undefined when it has no such program. */
async function listCiphers(host: ReadHost, text: string): Promise<CipherVerdict | undefined> {
  const answer = await host.query(['openssl', 'ciphers', '-s', '-v', text], { timeoutMs: 5_000, maxOutput: 65_536 });
  return answer.code === 0 ? judgeOpensslCiphers(answer.stdout) : undefined;
}
