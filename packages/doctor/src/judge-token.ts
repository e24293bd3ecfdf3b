import type { CertificateEvidence, SiteRow } from '@hsmfleet/contract';
import { librariesOf, listed, needsToken, siteName, tokenSites, tokensOf, type Chain } from './chain.ts';
import { broken, notApplicable, notTold, ok, worst, type Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** A certificate that ends sooner is worth a note. */
const SOON_DAYS = 30;

/** The token of each site, and the key in it. */
export function judgeToken(chain: Chain): Finding {
  if (!needsToken(chain)) return notApplicable('no site takes its key from a token');
  if (chain.sites.length === 0) {
    const tokens = chain.seen.report.modules.flatMap((module) => module.tokens.map(({ label }) => label));
    const missing = chain.wanted.find(({ token }) => token !== undefined && !tokens.includes(token));
    if (missing !== undefined && chain.seen.report.evidence === 'live') return noToken(missing.token ?? '', tokens, 'the playbook wants it');
    return tokens.length === 0 ? notTold('no token was found, and no site asks for one') : ok(`found: ${listed(tokens)}`);
  }
  return worst(tokenSites(chain).map((site): Finding => {
    const { tokens, whole } = tokensOf(chain, site);
    const label = site.keyToken ?? null;
    const labels = tokens.map((token) => token.label);
    if (librariesOf(chain, site).length === 0) return notTold(`no library is known for ${siteName(site)}`);
    const found = tokens.filter((token) => label === null || token.label === label);
    if (found.length === 0) {
      if (whole) return noToken(label ?? '', labels, `${siteName(site)} is served from it`);
      return site.serving === true ? ok(`tokens were not asked; ${siteName(site)} was just served with the key of ${listed(label === null ? [] : [label])}`) : notTold(`whether the token ${listed(label === null ? [] : [label])} is there could not be asked`);
    }
    if (site.engine === 'mod_ssl' && site.keyResolves === false) {
      const keys = found.flatMap((token) => token.keys.map(({ id, label: name }) => `${id} (${name})`));
      return broken(`the token "${found[0]?.label ?? ''}" has no key for ${site.key}, with which ${siteName(site)} is configured; it has ${keys.length === 0 ? 'none' : keys.join(', ')}`, 'correct key_id in the playbook and roll out again, or put the key on the token at the station', 'hsmfleet inventory -i HOSTS HOST', 'OBJECT_NOT_FOUND');
    }
    const many = found.length > 1 ? [`${String(found.length)} tokens are called "${label ?? ''}": which of them serves is left to chance`] : [];
    return ok(`the token "${found[0]?.label ?? ''}" is there${site.keyResolves === true ? ', with the key' : ''}`, many);
  })) ?? notApplicable('no site takes its key from a token');
}

function noToken(label: string, there: readonly string[], why: string): Finding {
  return broken(`there is no token "${label}", and ${why}; there are ${listed(there)}`, 'plug the right token in, or roll out to the one that took its place', 'hsmfleet inventory -i HOSTS HOST', 'TOKEN_NOT_FOUND');
}

/** The certificate of each site: there, valid today, and of the key. */
export function judgeCertificate(chain: Chain): Finding {
  return worst(chain.sites.map((site) => (site.engine === 'mod_nss' ? nssCertificate(chain, site) : fileCertificate(chain, site)))) ?? notApplicable('no TLS site is configured');
}

function fileCertificate(chain: Chain, site: SiteRow): Finding {
  const row = chain.seen.certificates.find((certificate) => certificate.site === siteName(site));
  const again = 'roll out again: tls_site writes the certificate that the token has beside the key';
  const apply = 'hsmfleet apply PLAYBOOK -i HOSTS -l HOST';
  if (row === undefined) return broken(`${siteName(site)} names no certificate (SSLCertificateFile)`, again, apply);
  if (row.exists === false) return broken(`${row.path}, the certificate of ${siteName(site)}, does not exist`, again, apply, 'FILE_MISSING');
  if (row.problem !== null) return broken(`${row.path}, the certificate of ${siteName(site)}, cannot be read: ${row.problem}`, again, apply, 'CERTIFICATE_INVALID');
  if (row.exists === null && row.notAfter === null) return notTold(`${row.path} is on the token, and was not read`);
  const time = validity(row, row.path, chain.now);
  if (time.status === 'broken') return time;
  const key = site.keyFingerprint ?? null;
  if (key !== null && row.keyFingerprint !== null && row.keyFingerprint !== key) {
    return broken(`${row.path} is for the key ${short(row.keyFingerprint)}, but ${site.key} is ${short(key)}`, again, apply, 'KEY_MISMATCH');
  }
  return time;
}

function nssCertificate(chain: Chain, site: SiteRow): Finding {
  const nickname = site.key.slice(site.key.indexOf(':') + 1);
  const rows = tokensOf(chain, site).tokens.filter(({ label }) => label === site.keyToken).flatMap(({ certificates }) => certificates.filter(({ label }) => label === nickname));
  if (rows.length === 0) return site.serving === true && site.certificate !== undefined && site.certificate !== null ? validity(site.certificate, `the certificate that ${siteName(site)} serves`, chain.now) : notTold(`the certificate "${site.key}" was not read`);
  const wrong = rows.find(({ matchesKey }) => matchesKey === false);
  if (wrong !== undefined) return broken(`the certificate "${site.key}" is not for the key with its ID (${wrong.id})`, 'load the right certificate at the station', `hsmfleet token load-cert FILE --id ${wrong.id}`, 'KEY_MISMATCH');
  return worst(rows.map((row) => validity(row, `the certificate "${site.key}"`, chain.now))) ?? notTold('no certificate was read');
}

function validity({ notBefore, notAfter, subject }: Pick<CertificateEvidence, 'notBefore' | 'notAfter' | 'subject'>, what: string, now: Date): Finding {
  const [from, to] = [Date.parse(notBefore ?? ''), Date.parse(notAfter ?? '')];
  const renew = 'renew it at the station (docs/guide/preparing-tokens.md), then roll out again';
  if (to < now.getTime()) return broken(`${what} expired on ${(notAfter ?? '').slice(0, 10)} (${subject ?? ''})`, renew, 'hsmfleet token csr --id ID --subject SUBJECT --out FILE', 'CERTIFICATE_INVALID');
  if (from > now.getTime()) return broken(`${what} is valid from ${notBefore ?? ''} on only (${subject ?? ''})`, `set the host's clock, if that is wrong; else wait, or have another one issued`, 'date', 'CERTIFICATE_INVALID');
  const days = Math.floor((to - now.getTime()) / DAY_MS);
  return ok(`${what} is valid until ${(notAfter ?? '').slice(0, 10)} (${subject ?? ''})`, days < SOON_DAYS ? [`${what} ends in ${String(days)} days`] : []);
}

/** The beginning of a fingerprint, enough to tell two apart. */
export function short(fingerprint: string): string {
  return fingerprint.slice(0, 12);
}
