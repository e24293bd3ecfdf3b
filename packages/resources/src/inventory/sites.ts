import type { ServedCertificate, SiteRow } from '@hsmfleet/contract';
import type { DiscoveredSite } from '@hsmfleet/httpd';
import type { Handshake, HandshakeTarget, ReadHost } from '@hsmfleet/resource';
import { directoryOf } from './nss-databases.ts';
import { resolveKey, tokensIn, type TokensRead } from './resolve-key.ts';
import type { SiteSettings } from './site-settings.ts';

/** Handshakes with each site after tokens were read: every process of the server should have its turn. */
const PROOFS_AFTER = 3;
/** A server that refuses old protocols says so at once; one that keeps silent does not accept them either. */
const OLD_TIMEOUT_MS = 2_000;
/** Sites proven; a host with more has no more tokens for it. */
const MAX_SITES = 32;

/** A site with what its handshake showed; null when the server does not run. */
export interface SiteProof {
  site: DiscoveredSite;
  handshake: Handshake | null;
}

/** Real handshakes with every site. */
export async function proveSites(host: ReadHost, sites: readonly DiscoveredSite[]): Promise<SiteProof[]> {
  const serving = sites.length > 0 && (await host.serverProcess(host.facts.apache.pidFile)) !== undefined;
  return Promise.all(
    sites.slice(0, MAX_SITES).map(async (site) => ({ site, handshake: serving ? await host.handshake(targetOf(site)) : null })),
  );
}

/**
 * Offers TLS 1.1 and older to the sites that serve, by site: does one accept? A server that refuses does so before it
 * signs, so this costs the token nothing where all is well.
 */
export async function tryOldProtocols(host: ReadHost, proofs: readonly SiteProof[]): Promise<ReadonlyMap<DiscoveredSite, boolean>> {
  const served = proofs.filter(({ handshake }) => handshake?.ok === true);
  return new Map(await Promise.all(
    served.map(async ({ site }) => [site, (await host.handshake({ ...targetOf(site), oldProtocols: true, timeoutMs: OLD_TIMEOUT_MS })).ok] as const),
  ));
}

/**
 * Did reading tokens disturb a site that served before? Null when none did.
 * @param before what {@link proveSites} showed before the tokens were read
 */
export async function wasDisturbed(host: ReadHost, before: readonly SiteProof[]): Promise<boolean | null> {
  const served = before.filter(({ handshake }) => handshake?.ok === true);
  if (served.length === 0) return null;
  const after = await Promise.all(
    served.map(async ({ site, handshake }) => {
      for (let proof = 0; proof < PROOFS_AFTER; proof += 1) {
        const now = await host.handshake(targetOf(site));
        if (!now.ok || now.keyFingerprint !== handshake?.keyFingerprint) return true;
      }
      return false;
    }),
  );
  return after.includes(true);
}

/** Rows of the report: does each site serve, with a key of a token that was read, and as it is configured? */
export function siteRows(proofs: readonly SiteProof[], read: TokensRead, settings: ReadonlyMap<DiscoveredSite, SiteSettings>, acceptsOld: ReadonlyMap<DiscoveredSite, boolean>): SiteRow[] {
  const tokens = tokensIn(read.modules);
  const onTokens = new Set(tokens.flatMap(({ keys, certificates }) => [...keys.map((key) => key.fingerprint), ...certificates.map((certificate) => certificate.keyFingerprint)]));
  return proofs.map(({ site, handshake }) => {
    const fingerprint = handshake?.keyFingerprint ?? null;
    return {
      name: site.name,
      port: site.port,
      engine: site.engine,
      config: site.config,
      key: site.key,
      serving: handshake === null ? null : handshake.ok,
      servedKeyFingerprint: fingerprint,
      servedCertificateSha256: handshake?.certificateSha256 ?? null,
      servedFromToken: fingerprint === null || tokens.length === 0 ? null : onTokens.has(fingerprint),
      ...resolveKey(site, read),
      pinFile: site.pinFile ?? null,
      database: site.database === undefined ? null : directoryOf(site.database),
      ...settings.get(site),
      acceptsOldProtocol: acceptsOld.get(site) ?? null,
      negotiatedProtocol: handshake?.protocol ?? null,
      negotiatedCipher: handshake?.cipher ?? null,
      servedKeyType: handshake?.key?.type ?? null,
      servedKeyBits: handshake?.key?.bits ?? null,
      certificate: servedCertificate(site, handshake),
      error: handshake === null || handshake.ok ? null : { code: 'WEB_DOWN', message: `${site.name || 'the site'} on port ${site.port} does not serve: ${handshake.problem ?? 'no reason given'}` },
    };
  });
}

function servedCertificate(site: DiscoveredSite, handshake: Handshake | null): ServedCertificate | null {
  if (handshake?.certificate === undefined) return null;
  const { namesServer, ...certificate } = handshake.certificate;
  return { ...certificate, namesSite: site.name === '' ? null : namesServer };
}

/** How a site is reached from its own host. */
export function targetOf(site: DiscoveredSite): HandshakeTarget {
  const address = site.address.replace(/^\[(.*)\]$/, '$1');
  return { port: site.port, serverName: site.name || 'localhost', ...(address === '*' ? {} : { address }) };
}
