/*
 * What lines of Apache's error log mean when a site with a key in a token does not serve (field notes 1.9). Levels are
 * not looked at: mod_nss logs bad ciphers as info and fatal things as error, without module name or AH number.
 */

/** A log line that explains itself. */
export interface LogFinding {
  /** The line's text without time, level and process, bounded. */
  text: string;
  cause: string;
  advice: string;
}

interface LogRule {
  pattern: RegExp;
  cause: string | ((match: RegExpExecArray) => string);
  advice: string;
}

const READABLE = 'the server\'s user must be able to read cert9.db, key4.db, pkcs11.txt and the PIN file, and to enter their folders';

const RULES: readonly LogRule[] = [
  { pattern: /Certificate not found: '(.*)'/, cause: (m) => `mod_nss finds no certificate "${m[1] ?? ''}": the nickname is wrong, the token is absent, its module did not load, or pkcs11.txt is unreadable`, advice: `compare token and certificate label in the inventory; ${READABLE}` },
  { pattern: /Password for slot (.*?) is incorrect/, cause: (m) => `the PIN for token "${m[1] ?? ''}" is wrong or missing in the PIN file`, advice: 'do not start the server again before the PIN is proven: one start costs up to six tries' },
  { pattern: /Malformed password entry for token (.*?)\./, cause: (m) => `the PIN file's line for token "${m[1] ?? ''}" has no colon`, advice: 'write token:pin' },
  { pattern: /Unable to open password file/, cause: 'the PIN file cannot be opened by a child of the server', advice: 'make it readable by the group of the server\'s user (mode 0640)' },
  { pattern: /NSSPassPhraseDialog: file '(.*)' does not exist/, cause: (m) => `the PIN file ${m[1] ?? ''} does not exist`, advice: 'write it with pin_file before the site' },
  { pattern: /Key not found for: '(.*)'/, cause: (m) => `there is no private key for "${m[1] ?? ''}", or the token is not logged in`, advice: 'check that the key has the ID of its certificate and that the PIN file has a line for the token' },
  { pattern: /lacks read access to NSS (key|cert\w*) database/, cause: (m) => `the server's user cannot read NSS's ${m[1] ?? ''} database, or it is not there`, advice: READABLE },
  { pattern: /Unable to change directory to (\S+)/, cause: (m) => `a child of the server cannot enter ${m[1] ?? ''}`, advice: READABLE },
  { pattern: /NSS_Initialize failed\.|Does the NSS database exist|-8038/, cause: 'the NSS database is missing or damaged', advice: 'check path and "sql:"; create it anew with nss_database' },
  { pattern: /NSS initialization failed/, cause: 'NSS could not be initialised', advice: 'see the lines around it: PIN, database or module' },
  { pattern: /Unable to verify certificate '(.*?)'/, cause: (m) => `NSS does not accept certificate "${m[1] ?? ''}" and NSSEnforceValidCerts is on`, advice: 'add the issuer to the database as trusted, renew the certificate, or set enforce_valid_certs: false' },
  { pattern: /Server certificate is expired|-8181|Certificate has expired/, cause: 'the certificate in the token has expired', advice: 'renew it on the station' },
  { pattern: /-8172|-8179/, cause: 'the issuer of the certificate is unknown or not trusted', advice: 'add it to the database with trust CT,,' },
  { pattern: /-8177|security password entered is incorrect/, cause: 'the token refused the PIN', advice: 'prove the PIN before the next start' },
  { pattern: /-8023\b/, cause: 'the token lost its login or was reset, most likely by another program that used it', advice: 'stop and start the server; do not run certutil, modutil or pkcs11-tool while it serves' },
  { pattern: /-12222|-8152/, cause: 'signing with the token failed: another program reset it', advice: 'stop and start the server' },
  { pattern: /-8173/, cause: 'the token refused an operation on the key (SoftHSM does this with RSA keys)', advice: 'use an EC key with SoftHSM' },
  { pattern: /required value NSSCipherSuite not set/, cause: 'NSSCipherSuite is missing', advice: 'set it in the virtual host' },
  { pattern: /no certificate nickname provided/, cause: 'NSSNickname is missing', advice: 'set it in the virtual host' },
  { pattern: /NSSPassPhraseHelper is not set|NSSPassPhraseHelper.*(?:not exist|executable|invalid)/i, cause: "mod_nss's helper nss_pcache is not set or cannot be run", advice: 'set helper to the nss_pcache of the same build as the module' },
  { pattern: /TLS is enabled but no TLS ciphers are enabled/, cause: 'none of the ciphers asked for exists in this mod_nss', advice: 'use names of the catalogue for this version' },
  { pattern: /Unknown cipher (\S+)/, cause: (m) => `this mod_nss does not have cipher ${m[1] ?? ''} and skipped it`, advice: 'remove it, or use a build that has it' },
  { pattern: /invalid cipher string/, cause: 'the cipher list is not in the form +name,-name', advice: 'write every name with + or -, separated by commas' },
  { pattern: /Unknown protocol '(.*?)' not supported/, cause: (m) => `this mod_nss does not know protocol ${m[1] ?? ''}; it may serve TLS 1.0 instead`, advice: 'ask for TLSv1.2 alone' },
  { pattern: /The token (.*?) has not been initialized/, cause: (m) => `token "${m[1] ?? ''}" is not initialised`, advice: 'prepare it on the station' },
  { pattern: /nss_pcache.*usage|usage:.*nss_pcache/i, cause: 'module and nss_pcache are of different builds', advice: 'point helper at the nss_pcache that came with the module' },
  { pattern: /SSL error configuring server: '(.*)'/, cause: (m) => `NSS cannot use the key of "${m[1] ?? ''}"`, advice: 'see the SSL Library Error in the next line' },
  { pattern: /AH00052|Segmentation fault/, cause: 'children of the server die as soon as they start', advice: READABLE },
  { pattern: /CKR_PIN_LOCKED|PIN locked/i, cause: 'the PIN of the token is locked', advice: 'unblock it with the SO-PIN on the station' },
  { pattern: /PIN incorrect|CKR_PIN_INCORRECT/, cause: 'the token refused the PIN', advice: 'prove the PIN before the next start; older engines also take a line end in the PIN file for a part of it' },
  { pattern: /AH10496|no method for loading keypair/, cause: 'mod_ssl cannot load a pkcs11: key', advice: 'install the PKCS#11 engine and set SSLCryptoDevice pkcs11' },
  { pattern: /SSLCryptoDevice: Invalid argument/, cause: "OpenSSL has no engine called pkcs11", advice: 'install libengine-pkcs11-openssl (Debian) or openssl-pkcs11 (RedHat)' },
  { pattern: /AH10133|Unable to get the private key|AH02577/, cause: 'mod_ssl did not get the private key from the token', advice: 'check token label and key ID in the URI, the module\'s environment, and the PIN file' },
  { pattern: /object not found|private key was not found/, cause: 'the token has no private key with that label or ID, or the token was not found', advice: 'compare with the inventory' },
  { pattern: /No matching initialized token|AH10134/, cause: 'no token with that label', advice: 'compare with the inventory; check that Apache\'s environment reaches the module' },
  { pattern: /AH02565|do not match/, cause: 'certificate and private key do not belong together', advice: 'the key\'s ID must be that of its certificate' },
  { pattern: /Could not (?:load|open) (?:PKCS.?11 )?module|unable to load module|Unable to load PKCS.?11 module/i, cause: 'the PKCS#11 module could not be loaded', advice: 'check MODULE_PATH and that the server\'s user can read it' },
  { pattern: /Device removed|CKR_DEVICE_REMOVED|CKR_DEVICE_ERROR|Session handle invalid/i, cause: 'the token went away or lost its session', advice: 'stop and start the server' },
  { pattern: /AH00072|Address already in use/, cause: 'something else listens on the port already', advice: 'look for a second Listen line, or a left-over process' },
  { pattern: /AH00526|Syntax error on line (\d+) of (\S+?):?$/, cause: 'a line of the configuration is wrong', advice: 'see the line after it' },
  { pattern: /Invalid command '(.*?)'/, cause: (m) => `no loaded module knows the directive ${m[1] ?? ''}`, advice: 'enable the module with apache_module first' },
  { pattern: /-12279/, cause: 'a client offers only protocols that are switched off', advice: 'nothing to do, unless it should be served' },
];

const NOISE = /AH00489|AH00094|AH00558|AH01873|AH00163|AH00491|AH00493|AH00494|AH02312|AH00016|AH00020/;

/** Explains the lines it knows, each cause once, in the order of the log. */
export function translateErrorLog(text: string): LogFinding[] {
  const found: LogFinding[] = [];
  for (const raw of text.split('\n')) {
    if (NOISE.test(raw)) continue;
    const rule = RULES.find(({ pattern }) => pattern.test(raw));
    const match = rule?.pattern.exec(raw);
    if (rule === undefined || match === null || match === undefined) continue;
    const cause = typeof rule.cause === 'string' ? rule.cause : rule.cause(match);
    if (!found.some((finding) => finding.cause === cause)) found.push({ text: stripPrefix(raw), cause, advice: rule.advice });
  }
  return found;
}

/** The last lines that say something, without time and process, for people: what no rule explains included. */
export function tellingLines(text: string, most = 6): string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !NOISE.test(line)).map(stripPrefix).slice(-most);
}

function stripPrefix(line: string): string {
   
  const clean = line.replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '?').trim();
  return clean.replace(/^\[[^\]]*\d{4}\] /, '').replace(/\[pid [^\]]*\] /, '').slice(0, 400);
}
