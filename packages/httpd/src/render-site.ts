import { HsmfleetError } from '@hsmfleet/contract';
import { quoteWord } from './config/lex.ts';
import { MANAGED_LINE } from './layout.ts';
import { knowsDirective, type ModNss } from './mod-nss/module.ts';

/** What every virtual host has, whatever its engine. */
export interface SiteFrame {
  serverName: string;
  aliases?: readonly string[];
  /** Address to listen on; `*` for all. */
  address: string;
  port: number;
  /** True when nothing else in the configuration listens on the port. */
  writeListen: boolean;
  documentRoot?: string;
  /** Lines put into the virtual host as they are. */
  extra?: readonly string[];
}

export interface NssSite extends SiteFrame {
  module: ModNss;
  /** NSS's name of the certificate: `token:label`. */
  nickname: string;
  /** Directory of the sql database, without `sql:`. */
  database: string;
  /** PIN file in mod_nss's own format, see pin-file.ts. */
  pinFile: string;
  /** nss_pcache of the same build as the module. */
  helper: string;
  /** Value of NSSProtocol: see checkProtocols. */
  protocol: string;
  /** Value of NSSCipherSuite: see checkCiphers. */
  cipherSuite: string;
  /** False: a certificate that is expired or whose issuer NSS does not trust is served all the same. */
  enforceValidCerts: boolean;
}

/**
 * A site of mod_nss: the settings of the process, which are the same for all its sites, and the virtual host. Settings
 * that a virtual host does not inherit are written into it (field notes 1.1), and those whose default is unsafe or left
 * uninitialised by mod_nss are always written.
 * @throws HsmfleetError PARAMS_INVALID for what cannot be written
 */
export function renderNssSite(site: NssSite): string {
  const has = (name: string): boolean => knowsDirective(site.module, name);
  const host = [
    'NSSEngine on',
    `NSSNickname ${word(site.nickname)}`,
    `NSSProtocol ${site.protocol}`,
    `NSSCipherSuite ${site.cipherSuite}`,
    'NSSVerifyClient none',
    `NSSEnforceValidCerts ${onOff(site.enforceValidCerts)}`,
    ...['NSSSNI on', 'NSSStrictSNIVHostCheck off', 'NSSSessionTickets off'].filter((line) => has(line.split(' ')[0] ?? '')),
  ];
  return page(site, [
    // one helper, one dialog and one database per process: mod_nss takes the last it reads
    `NSSPassPhraseDialog ${word(`file:${site.pinFile}`)}`,
    `NSSPassPhraseHelper ${word(site.helper)}`,
    `NSSCertificateDatabase ${word(`sql:${site.database}`)}`,
    'NSSRandomSeed startup builtin',
    'NSSSessionCacheSize 10000',
    'NSSSession3CacheTimeout 86400',
  ], host);
}

export interface SslSite extends SiteFrame {
  /**
   * Write `SSLCryptoDevice pkcs11`. OpenSSL 1.1 finds no method for a pkcs11: key without it; with OpenSSL 3 Apache crashes
   * at its start when the key is RSA, and with a provider there is no such device.
   */
  cryptoDevice: boolean;
  /** PEM file with the certificate, and the chain after it. */
  certificate: string;
  /** URI of the private key: see renderKeyUri. */
  keyUri: string;
  /** Value of SSLProtocol: see sslProtocol. */
  protocol: string;
  /** Value of SSLCipherSuite, OpenSSL's notation. */
  cipherSuite?: string;
}

/**
 * A site of mod_ssl with its key in a token.
 * @throws HsmfleetError PARAMS_INVALID for what cannot be written
 */
export function renderSslSite(site: SslSite): string {
  const server = site.cryptoDevice ? ['SSLCryptoDevice pkcs11'] : [];
  return page(site, server, [
    'SSLEngine on',
    `SSLCertificateFile ${word(site.certificate)}`,
    `SSLCertificateKeyFile "${site.keyUri}"`,
    `SSLProtocol ${site.protocol}`,
    ...(site.cipherSuite === undefined ? [] : [`SSLCipherSuite ${word(site.cipherSuite)}`]),
  ]);
}

/** Value of SSLProtocol. @throws HsmfleetError PARAMS_INVALID for names that are unknown or broken */
export function sslProtocol(protocols: readonly string[]): string {
  const known = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
  const names = protocols.map((name) => known.find((entry) => entry.toLowerCase() === name.toLowerCase() || (entry === 'TLSv1' && /^tlsv1\.0$/i.test(name))));
  const wrong = names.indexOf(undefined);
  if (wrong !== -1 || names.length === 0) {
    throw new HsmfleetError('PARAMS_INVALID', names.length === 0 ? 'no protocol is given' : `mod_ssl is not set to protocol "${protocols[wrong] ?? ''}"`, {
      hint: `use some of ${known.join(', ')}`,
    });
  }
  return ['-all', ...known.filter((name) => names.includes(name)).map((name) => `+${name}`)].join(' ');
}

function page(site: SiteFrame, server: readonly string[], host: readonly string[]): string {
  const address = site.address.includes(':') && !site.address.startsWith('[') ? `[${site.address}]` : site.address;
  const inside = [
    `ServerName ${word(site.serverName)}`,
    ...(site.aliases === undefined || site.aliases.length === 0 ? [] : [`ServerAlias ${site.aliases.map(word).join(' ')}`]),
    ...(site.documentRoot === undefined ? [] : [`DocumentRoot ${word(site.documentRoot)}`]),
    ...host,
    ...(site.extra ?? []).map(line),
  ];
  return [
    MANAGED_LINE,
    ...(site.writeListen ? [`Listen ${address === '*' ? '' : `${address}:`}${String(site.port)}`] : []),
    ...server,
    `<VirtualHost ${line(address)}:${String(site.port)}>`,
    ...inside.map((text) => `    ${text}`),
    '</VirtualHost>',
    '',
  ].join('\n');
}

function word(text: string): string {
  return quoteWord(line(text));
}

/** One line of configuration. `\` at its end would swallow the next one. */
function line(text: string): string {
   
  if (/[\x00-\x1f\x7f]/.test(text) || text.endsWith('\\')) {
    throw new HsmfleetError('PARAMS_INVALID', `cannot be written into Apache's configuration: ${JSON.stringify(text)}`, {
      hint: 'leave out line ends, control characters and a backslash at the end',
    });
  }
  return text;
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
