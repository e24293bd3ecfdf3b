import { errorText } from '../error-text.ts';
import { column } from '../view.ts';
import { flag, secondsOf, type InventoryKind } from './kind.ts';

/** TLS sites. */
export const sites: InventoryKind = {
  view: 'sites',
  description: 'TLS sites of the web servers and what they really served',
  identity: ['name', 'port'],
  columns: [
    column('name', 'text', 'server name'),
    column('port', 'integer', 'TCP port'),
    column('engine', 'text', 'mod_nss or mod_ssl'),
    column('config', 'text', 'file that defines it'),
    column('key', 'text', 'nickname or PKCS#11 URI, without a PIN'),
    column('serving', 'boolean', 'did a TLS handshake succeed; null when the server does not run'),
    column('served_key_fingerprint', 'text', 'SHA-256 of the served public key, hex'),
    column('served_certificate_sha256', 'text', 'of the served certificate, hex'),
    column('served_from_token', 'boolean', 'is the served public key on one of the tokens'),
    column('error', 'text', 'why it does not serve'),
    column('key_source', 'text', "where the configuration says that the key is: token, file, or nss_internal (NSS's own software token)"),
    column('key_token', 'text', 'label of the token that the nickname or URI names'),
    column('key_resolves', 'boolean', 'does the nickname or URI name an object on a token; null when tokens were not read, or it names none'),
    column('key_fingerprint', 'text', 'SHA-256 of the public key that it resolves to, hex; joins keys.fingerprint'),
    column('pin_file', 'text', 'file that the PIN comes from; joins pin_files.path'),
    column('database', 'text', 'directory of the NSS database; joins nss_databases.path'),
    column('configured_protocols', 'text', 'as written; null when nothing is'),
    column('protocols', 'text', 'what the server makes of it, oldest first, separated by blanks: SSLv3, TLSv1, TLSv1.1, TLSv1.2, TLSv1.3'),
    column('min_protocol', 'text', 'the oldest of them'),
    column('accepts_old_protocol', 'boolean', 'did a handshake with TLS 1.1 or older succeed; null when the site does not serve'),
    column('configured_ciphers', 'text', 'as written; null when nothing is'),
    column('weak_ciphers', 'text', 'ciphers switched on that are broken, separated by blanks; empty when there are none, null when that is not known'),
    column('plain_key_exchange', 'text', 'ciphers switched on without forward secrecy, separated by blanks; null when that is not known'),
    column('unknown_ciphers', 'text', 'names of ciphers that mod_nss does not know and skips without a word, separated by blanks; null when that is not known'),
    column('negotiated_protocol', 'text', 'of the handshake: TLSv1.2, TLSv1.3'),
    column('negotiated_cipher', 'text', 'of the handshake, IANA name'),
    column('served_key_type', 'text', 'rsa or ec'),
    column('served_key_bits', 'integer', 'size of the served public key'),
    column('certificate_subject', 'text', 'of the served certificate'),
    column('certificate_issuer', 'text', 'of the served certificate'),
    column('certificate_not_before', 'time', 'start of validity of the served certificate'),
    column('certificate_not_after', 'time', 'end of validity of the served certificate'),
    column('certificate_days_left', 'integer', 'whole days until then, negative when it is over',
      ({ dialect, now }) => `cast(floor((i.certificate_not_after_s - ${dialect.seconds(now)}) / 86400.0) as integer)`),
    { ...column('certificate_not_after_s', 'integer', 'end of validity, seconds since 1970'), hidden: true },
    column('certificate_names_site', 'boolean', 'is the served certificate for the server name; null for a site without a name'),
  ],
  indexes: [['served_key_fingerprint', 'host'], ['serving', 'host'], ['certificate_not_after_s', 'host', 'name', 'port'], ['accepts_old_protocol', 'host']],
  rows: (report) => report.sites.map((site) => ({
    name: site.name, port: site.port, engine: site.engine, config: site.config, key: site.key,
    serving: flag(site.serving), served_key_fingerprint: site.servedKeyFingerprint,
    served_certificate_sha256: site.servedCertificateSha256, served_from_token: flag(site.servedFromToken),
    error: errorText(site.error),
    key_source: site.keySource ?? null, key_token: site.keyToken ?? null, key_resolves: flag(site.keyResolves), key_fingerprint: site.keyFingerprint ?? null,
    pin_file: site.pinFile ?? null, database: site.database ?? null, configured_protocols: site.configuredProtocols ?? null,
    protocols: words(site.protocols), min_protocol: site.minProtocol ?? null, accepts_old_protocol: flag(site.acceptsOldProtocol),
    configured_ciphers: site.configuredCiphers ?? null, weak_ciphers: words(site.weakCiphers), plain_key_exchange: words(site.plainKeyExchange),
    unknown_ciphers: words(site.unknownCiphers), negotiated_protocol: site.negotiatedProtocol ?? null, negotiated_cipher: site.negotiatedCipher ?? null,
    served_key_type: site.servedKeyType ?? null, served_key_bits: site.servedKeyBits ?? null,
    certificate_subject: site.certificate?.subject ?? null, certificate_issuer: site.certificate?.issuer ?? null,
    certificate_not_before: site.certificate?.notBefore ?? null, certificate_not_after: site.certificate?.notAfter ?? null,
    certificate_not_after_s: site.certificate === undefined || site.certificate === null ? null : secondsOf(site.certificate.notAfter),
    certificate_names_site: flag(site.certificate?.namesSite),
  })),
};

function words(names: readonly string[] | null | undefined): string | null {
  return names === null || names === undefined ? null : names.join(' ');
}
