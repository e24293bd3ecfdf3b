import type { ErrorShape, InventoryReport, ModuleRow, TokenRow } from '@hsmfleet/contract';
import type { Row } from './database.ts';

/** The rows that one inventory report puts into each `latest_*` table; the keys are the tables' names. */
export function rowsOf(report: InventoryReport): Record<string, Row[]> {
  const of = { host: report.host, collected_at: report.at };
  return {
    latest_module: report.modules.map((module) => ({ ...moduleRow(module), ...of })),
    latest_token: report.modules.flatMap((module) => module.tokens.map((token) => ({ ...tokenRow(module, token), ...of }))),
    latest_key: report.modules.flatMap((module) =>
      module.tokens.flatMap((token) =>
        token.keys.map((key) => ({
          ...tokenColumns(module, token),
          read_only: module.readOnly.verdict,
          id: key.id, label: key.label, class: key.class, type: key.type, bits: key.bits, curve: key.curve,
          fingerprint: key.fingerprint, sensitive: flag(key.sensitive), extractable: flag(key.extractable),
          ...of,
        })),
      ),
    ),
    latest_certificate: report.modules.flatMap((module) =>
      module.tokens.flatMap((token) =>
        token.certificates.map((certificate) => ({
          ...tokenColumns(module, token),
          id: certificate.id, label: certificate.label, subject: certificate.subject, issuer: certificate.issuer,
          serial: certificate.serial, not_before: certificate.notBefore, not_after: certificate.notAfter,
          sha256: certificate.sha256, key_fingerprint: certificate.keyFingerprint, matches_key: flag(certificate.matchesKey),
          ...of,
        })),
      ),
    ),
    latest_nss_module: report.nssDatabases.flatMap((database) =>
      database.modules.map((module) => ({
        database: database.path, database_kind: database.kind, database_mode: database.mode,
        database_owner: database.owner, database_group: database.group,
        name: module.name, library: module.library, enabled: Number(module.enabled),
        ...of,
      })),
    ),
    latest_site: report.sites.map((site) => ({
      name: site.name, port: site.port, engine: site.engine, config: site.config, key: site.key,
      serving: flag(site.serving), served_key_fingerprint: site.servedKeyFingerprint,
      served_certificate_sha256: site.servedCertificateSha256, served_from_token: flag(site.servedFromToken),
      error: errorText(site.error),
      ...of,
    })),
  };
}

/** Errors of a report: its own, those of modules and those of sites. A report with any is an incomplete answer. */
export function errorsOf(report: InventoryReport): ErrorShape[] {
  const parts = [...report.modules, ...report.sites].map(({ error }) => error);
  return [...report.errors, ...parts.filter((error) => error !== null)];
}

/** An error in one line, for a column. */
export function errorText(error: ErrorShape | null | undefined): string | null {
  return error === null || error === undefined ? null : `${error.message} (${error.code})`;
}

function moduleRow(module: ModuleRow): Row {
  return {
    path: module.path, real_path: module.realPath, sha256: module.sha256, manufacturer: module.manufacturer,
    description: module.description, version: module.version, cryptoki_version: module.cryptokiVersion,
    read_only: module.readOnly.verdict, read_only_reason: module.readOnly.reason, read_only_at: module.readOnly.at,
    tokens: module.tokens.length, error: errorText(module.error),
  };
}

function tokenRow(module: ModuleRow, token: TokenRow): Row {
  return {
    module: module.path, read_only: module.readOnly.verdict, label: token.label, serial: token.serial,
    manufacturer: token.manufacturer, model: token.model, slot_id: token.slotId, slot_description: token.slotDescription,
    flags: token.flags.join(' '), pin_state: token.pinState, login_required: Number(token.loginRequired),
    identity: token.identity, keys: token.keys.length, certificates: token.certificates.length,
  };
}

function tokenColumns(module: ModuleRow, token: TokenRow): Row {
  return { module: module.path, token: token.label, token_serial: token.serial, token_identity: token.identity };
}

function flag(value: boolean | null): number | null {
  return value === null ? null : Number(value);
}
