import type { CertificateEvidence } from '@hsmfleet/contract';
import type { DiscoveredSite } from '@hsmfleet/httpd';
import type { ReadHost } from '@hsmfleet/resource';
import { parseCertificate } from '@hsmfleet/x509';

/** The first certificate of the file that each site of mod_ssl names. */
export async function readCertificates(host: ReadHost, sites: readonly DiscoveredSite[]): Promise<CertificateEvidence[]> {
  const rows: CertificateEvidence[] = [];
  for (const site of sites) {
    if (site.engine !== 'mod_ssl' || site.certificate === undefined) continue;
    rows.push({ site: `${site.name === '' ? '(no name)' : site.name}:${String(site.port)}`, path: site.certificate, ...(await readOne(host, site.certificate)) });
  }
  return rows;
}

async function readOne(host: ReadHost, path: string): Promise<Omit<CertificateEvidence, 'site' | 'path'>> {
  const nothing = { problem: null, subject: null, notBefore: null, notAfter: null, keyFingerprint: null };
  if (path.startsWith('pkcs11:')) return { ...nothing, exists: null };
  try {
    const bytes = await host.readFile(path);
    if (bytes === undefined) return { ...nothing, exists: false };
    const { subject, notBefore, notAfter, keyFingerprint } = parseCertificate(bytes);
    return { exists: true, problem: null, subject, notBefore, notAfter, keyFingerprint };
  } catch (thrown) {
    return { ...nothing, exists: true, problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}
