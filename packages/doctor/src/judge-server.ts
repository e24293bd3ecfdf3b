import type { SiteRow } from '@hsmfleet/contract';
import { listed, siteName, type Chain, type WantedSite } from './chain.ts';
import { broken, notApplicable, notTold, ok, worst, type Finding } from './finding.ts';
import { short } from './judge-token.ts';

const APPLY = 'hsmfleet apply PLAYBOOK -i HOSTS -l HOST';

/** Does Apache take its configuration, and is the site in it as it should be? */
export function judgeApacheConfig(chain: Chain): Finding {
  const { webServer } = chain.seen.report;
  if (webServer === undefined || webServer === null) return notTold('the web server could not be looked at');
  if (!webServer.installed) return broken('Apache is not installed', 'roll out: the playbook installs it', APPLY);
  const { configtest } = chain.seen;
  if (configtest !== null && !configtest.passed) {
    return broken(`configtest: ${configtest.said.join(' ')}`, 'correct the line that it names; nothing but a start reads it, so what runs goes on as it was', webServer.service === 'apache2' ? 'apache2ctl configtest' : 'httpd -t');
  }
  if (chain.sites.length === 0) {
    const others = chain.seen.report.sites.map(siteName);
    return chain.asked === undefined
      ? broken('no TLS site is configured: no virtual host has SSLEngine or NSSEngine on', 'roll out the site, or enable it', APPLY)
      : broken(`no site is called "${chain.asked}"; there are ${listed(others)}`, 'correct --site, or roll the site out', APPLY);
  }
  const different = chain.wanted.flatMap((wanted) => differences(wanted, chain.sites, chain.asked));
  if (different.length > 0) return broken(`it is not as the playbook wants it: ${different.join('; ')}`, 'roll out again', APPLY);
  return ok(`configtest passes; ${chain.sites.map((site) => `${siteName(site)} is in ${site.config}`).join(', ')}`, webServer.configNewerThanServer === true ? ['a file of the configuration changed after the server started'] : []);
}

function differences(wanted: WantedSite, sites: readonly SiteRow[], asked: string | undefined): string[] {
  if (asked !== undefined && wanted.name !== asked) return [];
  const site = sites.find(({ name, port }) => name === wanted.name && (wanted.port === undefined || port === wanted.port));
  if (site === undefined) return [`there is no site ${wanted.name}${wanted.port === undefined ? '' : `:${String(wanted.port)}`}`];
  const compare = (what: string, want: string | undefined, is: string | null | undefined): string[] => (want === undefined || is === undefined || is === null || want === is ? [] : [`${what} of ${siteName(site)} is ${is}, not ${want}`]);
  return [
    ...compare('the engine', wanted.engine, site.engine), ...compare('the token', wanted.token, site.keyToken),
    ...compare('the PIN file', wanted.pinFile, site.pinFile), ...(site.engine === 'mod_nss' ? compare('the NSS database', wanted.database, site.database) : []),
  ];
}

/** Does Apache run, and is it Apache that listens? */
export function judgePort(chain: Chain): Finding {
  const { webServer } = chain.seen.report;
  const { listeners } = chain.seen;
  const held = (port: number): string | undefined => {
    const other = listeners?.find((listener) => listener.port === port && !listener.server);
    return other === undefined ? undefined : `${other.program ?? 'another program'}${other.pid === null ? '' : ` (process ${String(other.pid)})`}`;
  };
  return worst(chain.sites.map((site): Finding => {
    const name = webServer?.service ?? 'apache2';
    const other = held(site.port);
    if (other !== undefined) return broken(`port ${String(site.port)}, on which ${siteName(site)} should be served, is held by ${other}`, 'stop that program, or give one of the two another port; then start the web server', `ss -ltnp 'sport = :${String(site.port)}'`);
    if (webServer?.running !== true) return broken(`${name} does not run`, startText(chain), startCommand(chain, name));
    if (listeners !== null && !listeners.some(({ port }) => port === site.port)) return broken(`${name} runs, but nobody listens on port ${String(site.port)}`, 'is there a Listen line for it, and was the server started after it was written? A full stop and start takes it up', `grep -rn '^ *Listen' ${name === 'apache2' ? '/etc/apache2' : '/etc/httpd'}`);
    return ok(`${name} listens on port ${String(site.port)}`);
  })) ?? notApplicable('no TLS site is configured');
}

/** A start on a PIN that nobody proved may cost every try that the token has left. */
function startText(chain: Chain): string {
  return isProven(chain) ? 'start it; the PIN in its file was proven on this host' : 'let an apply start it: it proves the PIN with one login first, where a start may cost up to six';
}

function startCommand(chain: Chain, service: string): string {
  return isProven(chain) ? `systemctl start ${service}` : APPLY;
}

function isProven({ seen, sites }: Chain): boolean {
  const files = (seen.report.pinFiles ?? []).filter(({ path }) => sites.some(({ pinFile }) => pinFile === path));
  return files.length > 0 && files.every(({ entries, syntax }) => syntax === 'ok' && entries.filter(({ inUse }) => inUse).every(({ proof }) => proof === 'proven'));
}

/** A real handshake, and whose key it showed. */
export function judgeTls(chain: Chain): Finding {
  const { disturbed } = chain.seen.report;
  return worst(chain.sites.map((site): Finding => {
    const name = siteName(site);
    const explained = chain.seen.log.map(({ cause }) => cause).slice(0, 2);
    if (site.serving !== true) {
      const advice = chain.seen.log[0]?.advice;
      return broken(`${site.error?.message ?? `${name} does not serve`}${explained.length === 0 ? '' : ` (the error log: ${explained.join('; ')})`}`, advice ?? 'look at the error log of the web server, then stop and start it', 'hsmfleet inventory -i HOSTS HOST', 'WEB_DOWN');
    }
    const served = site.servedKeyFingerprint ?? '';
    const wantedKey = site.keyFingerprint ?? chain.seen.certificates.find((certificate) => certificate.site === name)?.keyFingerprint ?? null;
    const whose = site.keySource === 'token' ? `the token "${site.keyToken ?? ''}"` : 'its certificate file';
    if (wantedKey !== null && served !== wantedKey) {
      return broken(`${name} serves the key ${short(served)}, but that of ${whose} is ${short(wantedKey)}`, 'the running server was started with another key, or another virtual host answers for this name: stop it and start it (a reload keeps keys), and look for a second virtual host on this port', isProven(chain) ? 'apachectl stop; apachectl start' : APPLY, 'KEY_MISMATCH');
    }
    if (disturbed === true) return broken(`${name} served before its token was read, and does not now`, 'stop and start the web server; from now on give --read-tokens never on this host', 'apachectl stop; apachectl start', 'WEB_DOWN');
    const how = `${name} serves ${site.negotiatedProtocol ?? 'TLS'} with the key ${short(served)}`;
    const notes = site.certificate?.namesSite === false ? [`the certificate of ${name} is for other names`] : [];
    return ok(wantedKey === null ? `${how}; whether that is the key of ${whose} was not asked` : `${how}, which is that of ${whose}`, notes);
  })) ?? notApplicable('no TLS site is configured');
}
