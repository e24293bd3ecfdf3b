import { column } from '../view.ts';
import { flag, secondsOf, type InventoryKind } from './kind.ts';
import { ON_TOKEN, onTokens, tokenCells } from './tokens.ts';

/** Certificates on tokens. */
export const certificates: InventoryKind = {
  view: 'certificates',
  description: 'certificates on the tokens',
  identity: ['module', 'token', 'token_serial', 'id', 'serial'],
  fromTokens: true,
  columns: [
    ...ON_TOKEN,
    column('id', 'text', 'CKA_ID in lower-case hex'),
    column('label', 'text', 'label of the certificate'),
    column('subject', 'text', 'distinguished name'),
    column('issuer', 'text', 'distinguished name'),
    column('serial', 'text', 'serial number, hex'),
    column('not_before', 'time', 'start of validity'),
    column('not_after', 'time', 'end of validity'),
    column('days_left', 'integer', 'whole days until the end of validity, negative when it is over',
      ({ dialect, now }) => `cast(floor((i.not_after_s - ${dialect.seconds(now)}) / 86400.0) as integer)`),
    // reading the time in each of half a million rows would take longer than the query
    { ...column('not_after_s', 'integer', 'end of validity, seconds since 1970'), hidden: true },
    column('sha256', 'text', 'of the certificate, hex'),
    column('key_fingerprint', 'text', "SHA-256 of the certificate's public key, hex; joins keys.fingerprint and sites.served_key_fingerprint"),
    column('matches_key', 'boolean', 'does it match the key with the same id; null when there is none'),
  ],
  indexes: [['not_after_s', 'not_after', 'host', 'token', 'label', 'subject'], ['matches_key', 'host', 'token', 'label'], ['host', 'key_fingerprint', 'token_identity', 'id']],
  rows: (report) => onTokens(report, (module, token) => token.certificates.map((certificate) => ({
    ...tokenCells(module, token),
    id: certificate.id, label: certificate.label, subject: certificate.subject, issuer: certificate.issuer,
    serial: certificate.serial, not_before: certificate.notBefore, not_after: certificate.notAfter, not_after_s: secondsOf(certificate.notAfter),
    sha256: certificate.sha256, key_fingerprint: certificate.keyFingerprint, matches_key: flag(certificate.matchesKey),
  }))),
};
