import type { ModuleEvidence } from '@hsmfleet/contract';
import { librariesInUse, librariesOf, moduleFiles, moduleRow, needsToken, tokenSites, type Chain } from './chain.ts';
import { broken, notApplicable, notTold, ok, worst, type Finding } from './finding.ts';

const NO_TOKEN = 'no site takes its key from a token';
/** Where a command has to be run while the web server is stopped, since it powers the token down. */
const BY_PLAYBOOK = 'hsmfleet apply PLAYBOOK -i HOSTS -l HOST';

/** USB token, virtual reader, or none needed. */
export function judgeReader(chain: Chain): Finding {
  if (!needsToken(chain)) return notApplicable(NO_TOKEN);
  const { usb, report } = chain.seen;
  return worst(moduleFiles(chain).map((module): Finding => {
    const { place, placeThere, path } = module;
    switch (module.speaksTo) {
      case 'softhsm': return notApplicable(`${path} keeps its tokens in files (${place ?? 'SoftHSM'}): there is no reader`);
      case 'p11-kit':
        if (placeThere === false) {
          return broken(`nobody listens on ${place ?? 'the socket'}, through which ${path} reaches the token`, 'start the p11-kit server that shares the token, and keep it running as a service', `p11-kit server -f -n ${place ?? 'SOCKET'} --provider LIBRARY "pkcs11:token=LABEL?write-protected=yes"`);
        }
        return notApplicable(`${path} reaches the token through ${place === null ? 'p11-kit' : `the p11-kit server on ${place}`}: there is no USB reader`);
      case 'pcscd': {
        if (usb.length > 0) return ok(`on USB: ${usb.join(', ')}`);
        const row = moduleRow(chain, path);
        if ((row?.tokens.length ?? 0) > 0) return ok('no token that is known on USB, but one answers: a virtual or an unknown reader');
        if (report.cardService?.listening === false || report.cardService?.installed === false) return notTold('no token that is known is on USB, and pcscd, which would know of others, does not answer');
        if (report.evidence === 'passive') return notTold('no token that is known is on USB, and the library was not asked');
        // a library that cannot be loaded tells nothing of readers
        if (row === undefined || row.error !== null) return notTold('no token that is known is on USB');
        return broken(`no token or reader that is known is on USB, and ${path} sees none`, 'plug the token in; if it is, try another port, and look whether the system sees it', 'lsusb');
      }
      case 'unknown': return notTold(`what ${path} reaches the token through is not known`);
    }
  })) ?? notApplicable('no PKCS#11 library is in use');
}

/** The service that cards are reached through. */
export function judgePcscd(chain: Chain): Finding {
  const files = moduleFiles(chain).filter(({ speaksTo }) => speaksTo === 'pcscd');
  if (files.length === 0) return notApplicable('no PKCS#11 library in use speaks to pcscd');
  const service = chain.seen.report.cardService ?? null;
  if (service === null) return notTold('pcscd could not be looked at');
  const who = files.map(({ path }) => path).join(', ');
  if (!service.installed) return broken(`pcscd is not installed, and ${who} needs it`, 'install pcscd and the driver for the reader', 'apt-get install pcscd libccid');
  if (service.listening === false) return broken(`nobody listens on /run/pcscd/pcscd.comm, and ${who} needs it`, 'start pcscd, now and at every start of the system', 'systemctl enable --now pcscd.socket');
  return ok(service.running === true ? 'pcscd runs and listens' : 'pcscd is started when somebody asks for it');
}

/** May the web server's own user reach the token? */
export function judgePermission(chain: Chain): Finding {
  if (!needsToken(chain)) return notApplicable(NO_TOKEN);
  const { serverUser: user, report } = chain.seen;
  if (user === null) return notApplicable('there is no web server yet, and so no user of it');
  return worst(moduleFiles(chain).map((module) => permissionOf(module, user, report.cardService ?? null))) ?? notApplicable('no PKCS#11 library is in use');
}

function permissionOf(module: ModuleEvidence, user: string, service: Chain['seen']['report']['cardService'] | null): Finding {
  const { path, place, speaksTo } = module;
  if (speaksTo === 'pcscd' && service?.reachable === false) {
    return broken(`${user} does not reach pcscd: ${service.reason}`, "let the resource pcsc_access allow the web server's user, then stop and start the web server", service.asksPolkit === true ? BY_PLAYBOOK : 'ls -l /run/pcscd/pcscd.comm');
  }
  if (module.placeThere === true && module.placeOpen === false) {
    return speaksTo === 'p11-kit'
      ? broken(`${user} may not connect to ${place ?? 'the socket'} of the p11-kit server`, "give the socket to the web server's group and let the group write", `chgrp ${user} ${place ?? 'SOCKET'} && chmod 660 ${place ?? 'SOCKET'}`)
      : broken(`${user} may not go into ${place ?? 'the folder of tokens'}, where SoftHSM keeps the token`, "give the folder and what is in it to the web server's user", `chown -R ${user} ${place ?? 'FOLDER'}`);
  }
  if (module.kind === 'file' && module.serverReadable === false) {
    return broken(`${user} may not read ${path} (mode ${module.mode ?? '?'}, owner ${module.owner ?? '?'})`, 'let everybody read the library and enter the folders above it', `chmod 755 ${path}`);
  }
  if (module.kind !== null && module.serverReadable === null) return notTold(`what ${user} may do could not be asked`);
  if (speaksTo === 'pcscd') return service?.reachable === true ? ok(`${user}: ${service.reason}`) : notTold(service?.reason ?? 'pcscd could not be looked at');
  return ok(place === null || module.placeOpen !== true ? `${user} may read ${path}` : `${user} may read ${path} and reach ${place}`);
}

/** The library: a file, for this machine, that answers. */
export function judgeModule(chain: Chain): Finding {
  if (!needsToken(chain)) return notApplicable(NO_TOKEN);
  const nameless = tokenSites(chain).filter((site) => librariesOf(chain, site).length === 0);
  if (nameless.some(({ engine }) => engine === 'mod_ssl')) {
    return broken('no PKCS#11 library is named for mod_ssl: the file of OPENSSL_CONF names none', 'name it as MODULE_PATH there, or let tls_site write that file', BY_PLAYBOOK);
  }
  const findings = librariesInUse(chain).map((path): Finding => {
    const file = chain.seen.modules.find((module) => module.path === path);
    if (file === undefined) return notTold(`${path} was not looked at`);
    return fileProblem(file, chain) ?? answerOf(chain, path);
  });
  return worst(findings) ?? (nameless.length > 0 ? notTold('the NSS database has to name it: see there') : notApplicable('no PKCS#11 library was found'));
}

function fileProblem(file: ModuleEvidence, chain: Chain): Finding | undefined {
  const { path, kind } = file;
  const again = 'install the package of the library again, or correct the path';
  if (kind === null) return broken(`${path} does not exist`, again, `ls -l ${path}`, 'PKCS11');
  if (kind !== 'file') return broken(`${path} is a ${kind === 'directory' ? 'directory' : 'device or the like'}, no library`, again, `ls -ld ${path}`, 'PKCS11');
  if (file.elf === false) return broken(`${path} is no shared library: it does not begin with ELF`, again, `file ${path}`, 'PKCS11');
  if (file.fitsMachine === false) return broken(`${path} is a library for another kind of machine`, 'install the build for this machine', `file ${path}`, 'PKCS11');
  const other = chain.wanted.find((wanted) => wanted.module !== undefined && chain.sites.length > 0 && chain.sites.some(({ name }) => name === wanted.name) && !librariesInUse(chain).includes(wanted.module));
  return other === undefined ? undefined : broken(`the playbook wants ${other.module ?? ''} for ${other.name}, the web server uses ${path}`, 'roll out again', BY_PLAYBOOK);
}

function answerOf(chain: Chain, path: string): Finding {
  const row = moduleRow(chain, path);
  if (row === undefined) return notTold(`${path} was not asked`);
  if (row.error !== null) return broken(row.error.message, row.error.hint ?? 'look at what the library needs', `ldd ${path}`, row.error.code);
  if (chain.seen.report.evidence === 'passive') return ok(`${path} is a library for this machine; it was not asked, since a site serves through it`);
  return ok(`${path} answers: ${[row.manufacturer, row.description, row.version].filter((part) => part !== '').join(', ')}`);
}

/** Proof that the library cannot write. */
export function judgeReadOnly(chain: Chain): Finding {
  if (!needsToken(chain)) return notApplicable(NO_TOKEN);
  const allowed = chain.wanted.some(({ readOnly }) => readOnly === false);
  return worst(librariesInUse(chain).flatMap((path): Finding[] => {
    const { verdict, reason } = moduleRow(chain, path)?.readOnly ?? { verdict: 'unproven', reason: `${path} was not asked` };
    if (verdict === 'read_only') return [ok(`${path}: ${reason}`)];
    if (verdict === 'unproven') return [notTold(`${path}: ${reason}`)];
    if (allowed) return [ok(`${path} can write, which the playbook allows`)];
    return [broken(`${path} can write: ${reason}`, 'install a build that cannot write (docs/guide/building-the-module.md) and roll out again, or allow it in the playbook with read_only: false', 'hsmfleet apply playbooks/build-module.yml -i HOSTS', 'MODULE_WRITABLE')];
  })) ?? notApplicable('no PKCS#11 library is in use');
}
