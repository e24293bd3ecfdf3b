import { errorText } from '../error-text.ts';
import { column } from '../view.ts';
import { flag, type InventoryKind } from './kind.ts';

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
  ],
  indexes: [['served_key_fingerprint', 'host'], ['serving', 'host']],
  rows: (report) => report.sites.map((site) => ({
    name: site.name, port: site.port, engine: site.engine, config: site.config, key: site.key,
    serving: flag(site.serving), served_key_fingerprint: site.servedKeyFingerprint,
    served_certificate_sha256: site.servedCertificateSha256, served_from_token: flag(site.servedFromToken),
    error: errorText(site.error),
  })),
};
