import type { NssDatabaseRow, SiteRow } from '@hsmfleet/contract';
import { librariesOf, listed, siteName, tokensOf, type Chain } from './chain.ts';
import { broken, notApplicable, notTold, ok, worst, type Finding } from './finding.ts';

/** Files without which mod_nss starts no child. */
const FILES = { sql: ['cert9.db', 'key4.db', 'pkcs11.txt'], dbm: ['cert8.db', 'key3.db', 'secmod.db'] } as const;
const APPLY = 'hsmfleet apply PLAYBOOK -i HOSTS -l HOST';

function nssSites({ sites }: Chain): SiteRow[] {
  return sites.filter(({ engine }) => engine === 'mod_nss');
}

function otherEngine({ sites }: Chain): Finding {
  return notApplicable(sites.length === 0 ? 'no TLS site is configured' : `${sites.map(siteName).join(', ')}: served by mod_ssl, which has none`);
}

/** The database that mod_nss takes certificates and libraries from. */
export function judgeNssDatabase(chain: Chain): Finding {
  const sites = nssSites(chain);
  if (sites.length === 0) return otherEngine(chain);
  const user = chain.seen.serverUser ?? "the web server's user";
  return worst(sites.map((site): Finding => {
    const path = site.database ?? null;
    if (path === null) return broken(`${siteName(site)} names no NSS database (NSSCertificateDatabase)`, 'set it in the main configuration, or let tls_site do so', APPLY);
    const row = chain.seen.report.nssDatabases.find((database) => database.path === path);
    if (row === undefined) return broken(`${path} holds no NSS database, and ${siteName(site)} needs it`, 'let the resources nss_database and nss_module make it', APPLY);
    return fileProblems(row, user) ?? moduleProblems(chain, site, row) ?? ok(`${path} (${row.kind}) is whole; it loads ${listed(row.modules.filter(({ internal }) => internal !== true).map(({ name }) => name))}`, notesOf(row));
  })) ?? otherEngine(chain);
}

function fileProblems({ path, kind, files, serverReadable, mode, owner, group }: NssDatabaseRow, user: string): Finding | undefined {
  const missing = FILES[kind].filter((name) => files !== undefined && !files.some((file) => file.name === name));
  if (missing.length > 0) return broken(`${path} lacks ${missing.join(', ')}`, 'let nss_database make the database anew, after keeping what is there elsewhere', `ls -l ${path}`);
  if (serverReadable === false) return broken(`${user} may not enter ${path} (mode ${mode}, ${owner}:${group})`, "give the folder to the web server's group; children of the server die without it", `chgrp ${user} ${path} && chmod 750 ${path}`);
  const closed = files?.find((file) => file.serverReadable === false);
  if (closed === undefined) return undefined;
  const file = `${path}/${closed.name}`;
  return broken(`${user} may not read ${file} (mode ${closed.mode}, ${closed.owner}:${closed.group})`, "give the file to the web server's group; modutil leaves it with whoever called it", `chgrp ${user} ${file} && chmod 640 ${file}`);
}

function moduleProblems(chain: Chain, site: SiteRow, { path, modules }: NssDatabaseRow): Finding | undefined {
  if (site.keySource !== 'token' || librariesOf(chain, site).length > 0) return undefined;
  const off = modules.find(({ enabled, internal }) => !enabled && internal !== true);
  return broken(
    off === undefined ? `${path} registers no PKCS#11 library, and the key of ${siteName(site)} is in a token` : `the library "${off.name}" is disabled in ${path}`,
    'let nss_module register it: it stops the server first, restores owner and mode, and proves the site afterwards', APPLY,
  );
}

function notesOf({ path, modules }: NssDatabaseRow): string[] {
  return modules.filter(({ bypass }) => bypass === true).map(({ name, source }) => `${path}: "${name}" is a way to the token that can write${source === 'policy' ? ', added by the system policy' : ''}`);
}

/** NSSNickname. */
export function judgeNickname(chain: Chain): Finding {
  const sites = nssSites(chain);
  if (sites.length === 0) return chain.sites.length === 0 ? otherEngine(chain) : notApplicable(`${chain.sites.map(siteName).join(', ')}: mod_ssl names its key by a URI or a file`);
  return worst(sites.map((site): Finding => {
    if (site.key === '') return broken(`${siteName(site)} has no NSSNickname`, 'set it in the virtual host: TOKEN:LABEL of the certificate', APPLY);
    if (site.keySource === 'nss_internal') return notTold(`"${site.key}" is in NSS's own database, which only tools that disturb the server can read`);
    if (site.keyResolves === true) return ok(`"${site.key}" is the label of a certificate on the token`);
    if (site.keyResolves === null || site.keyResolves === undefined) return site.serving === true ? ok(`tokens were not asked; ${siteName(site)} serves with "${site.key}"`) : notTold(`whether "${site.key}" is there could not be asked`);
    const labels = tokensOf(chain, site).tokens.flatMap(({ label, certificates }) => certificates.map((certificate) => `${label}:${certificate.label}`));
    return broken(`no certificate is called "${site.key}"; there are ${listed(labels)}`, 'correct NSSNickname: it is compared letter by letter, and a reload hides the change, so stop and start', APPLY, 'OBJECT_NOT_FOUND');
  })) ?? otherEngine(chain);
}
