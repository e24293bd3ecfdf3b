import { HsmfleetError, type Secret } from '@hsmfleet/contract';
import {
  checkCiphers, checkProtocols, defaultCiphers, defaultProtocols, renderKeyUri, renderNssSite, renderOpensslConfig, renderPinFile, renderSslSite, sslProtocol,
  type SiteFrame, type SitePaths,
} from '@hsmfleet/httpd';
import type { ChosenKey } from './choose-key.ts';
import type { Facts } from './facts.ts';
import type { TlsSiteParams } from './schema.ts';

/** What the host should hold for the site. */
export interface WantedSite {
  /** Text by path, 0644 root. */
  files: Record<string, string>;
  /** Variables of the server's process. */
  environment: Record<string, string>;
  /** PIN file to be written; undefined when it holds the PIN already. */
  pinFile: Secret | undefined;
  /** The PIN that the server will use. */
  pin: Secret | undefined;
  warnings: string[];
}

/** @throws HsmfleetError PARAMS_INVALID, TASK_FAILED */
export function wantedSite(params: TlsSiteParams, facts: Facts, key: ChosenKey, paths: SitePaths): WantedSite {
  const port = params.port ?? 443;
  const frame: SiteFrame = {
    serverName: params.server_name ?? '',
    address: params.address ?? '*',
    port,
    writeListen: !facts.listens.some((listen) => listen.port === port && (listen.address === undefined || listen.address === params.address)),
    ...(params.aliases === undefined ? {} : { aliases: params.aliases }),
    ...(params.document_root === undefined ? {} : { documentRoot: params.document_root }),
    ...(params.extra === undefined ? {} : { extra: params.extra }),
  };
  return facts.engine === 'mod_nss' ? nssSite(params, facts, key, paths, frame) : sslSite(params, facts, key, paths, frame);
}

function sslSite(params: TlsSiteParams, facts: Facts, key: ChosenKey, paths: SitePaths, frame: SiteFrame): WantedSite {
  const { bridge } = facts;
  const module = params.module?.path ?? '';
  if (bridge === null) {
    throw new HsmfleetError('TASK_FAILED', 'OpenSSL has no way to a PKCS#11 module on this host', {
      hint: 'install libengine-pkcs11-openssl (Debian), openssl-pkcs11 (RedHat) or libp11 (Arch) with a package task first',
    });
  }
  const { der } = key.certificate;
  if (der === undefined) throw new HsmfleetError('INTERNAL', `the observation of token "${key.token.label}" carries no certificate bytes`);
  const login = key.token.loginRequired;
  const uri = renderKeyUri({ token: key.token.label, id: key.id, ...(login ? { pinFile: facts.pin.file } : {}) });
  const cryptoPolicy = facts.apache.flavor === 'redhat' ? '/etc/crypto-policies/back-ends/opensslcnf.config' : undefined;
  const chain = params.chain === undefined ? '' : facts.chain;
  if (chain === null) throw new HsmfleetError('TASK_FAILED', `the chain ${params.chain ?? ''} does not exist on the host`, { hint: 'copy it there first' });
  return {
    files: {
      [paths.config]: renderSslSite({
        ...frame,
        cryptoDevice: bridge.cryptoDevice,
        certificate: paths.certificate,
        keyUri: uri,
        protocol: sslProtocol(params.protocols ?? ['TLSv1.2', 'TLSv1.3']),
        ...(params.ciphers === undefined ? {} : { cipherSuite: params.ciphers.join(':') }),
      }),
      [paths.certificate]: `${pemOf(der)}${chain}`,
      [paths.openssl]: renderOpensslConfig({
        bridge: bridge.kind,
        module,
        ...(bridge.provider === null ? {} : { provider: bridge.provider }),
        ...(bridge.kind === 'provider' && login ? { pinFile: facts.pin.file } : {}),
        ...(cryptoPolicy === undefined ? {} : { cryptoPolicy }),
      }),
    },
    environment: { ...params.module?.env, OPENSSL_CONF: paths.openssl },
    ...pinOf(params, facts, key, (pin) => {
      renderPinFile([{ token: key.token.label, pin }]); // refuses what no PIN file can hold
      return pin;
    }),
    warnings: [],
  };
}

function nssSite(params: TlsSiteParams, facts: Facts, key: ChosenKey, paths: SitePaths, frame: SiteFrame): WantedSite {
  const { nss } = facts;
  const { nss_database: database } = params;
  if (nss === null || database === undefined) throw new HsmfleetError('PARAMS_INVALID', 'tls_site with mod_nss needs nss_database', { hint: 'make one with nss_database and nss_module first' });
  if (!nss.databaseFound) throw new HsmfleetError('TASK_FAILED', `${database} holds no sql NSS database`, { hint: 'make it first, with an nss_database task' });
  if (nss.helper === null) {
    throw new HsmfleetError('TASK_FAILED', `nss_pcache is not found${params.helper === undefined ? '' : ` at ${params.helper}`}`, { hint: 'give its path with helper: it must be of the same build as the module' });
  }
  const { protocols = defaultProtocols(nss.module), ciphers = defaultCiphers(nss.module) } = params;
  const suite = checkCiphers(nss.module, ciphers, key.type);
  const site = renderNssSite({
    ...frame,
    module: nss.module,
    nickname: nicknameOf(key),
    database,
    pinFile: facts.pin.file,
    helper: nss.helper,
    protocol: checkProtocols(nss.module, protocols),
    cipherSuite: suite.suite,
    enforceValidCerts: params.enforce_valid_certs ?? false,
  });
  return {
    files: { [paths.config]: site },
    environment: { ...params.module?.env },
    ...pinOf(params, facts, key, (pin) => renderPinFile([{ token: key.token.label, pin }])),
    warnings: [...suite.warnings, ...facts.pin.problems, ...nss.unreadable.map((path) => `the server's user ${facts.apache.user} cannot read ${path}: its children would die`)],
  };
}

/**
 * NSS's name of the certificate, compared to the letter.
 * @throws HsmfleetError TASK_FAILED for labels that NSS or mod_nss would take for something else (field notes 1.8)
 */
function nicknameOf({ token, certificate }: ChosenKey): string {
  const nickname = `${token.label}:${certificate.label}`;
  if (token.label.includes(':')) throw new HsmfleetError('TASK_FAILED', `token label "${token.label}" holds a colon, at which mod_nss splits`, { hint: 'label the token anew on the station' });
  if (certificate.label.trim() === '') throw new HsmfleetError('TASK_FAILED', `the certificate with ID ${certificate.id} on token "${token.label}" has no label, so NSS has no name for it`, { hint: 'label it on the station' });
  const twin = token.certificates.find((other) => other.label === certificate.label && other.keyFingerprint !== certificate.keyFingerprint);
  if (twin !== undefined) {
    throw new HsmfleetError('TASK_FAILED', `certificates ${certificate.id} and ${twin.id} on token "${token.label}" have the same label "${certificate.label}"`, { hint: 'NSS cannot tell them apart: label one of them anew on the station' });
  }
  return nickname;
}

function pinOf(params: TlsSiteParams, facts: Facts, key: ChosenKey, render: (pin: Secret) => Secret): Pick<WantedSite, 'pin' | 'pinFile'> {
  if (!key.token.loginRequired) return { pin: undefined, pinFile: undefined };
  const { found, file } = facts.pin;
  const pin = params.pin ?? found;
  if (pin === null) {
    throw new HsmfleetError('TASK_FAILED', `there is no PIN for token "${key.token.label}": ${file} does not hold one`, { hint: 'give pin, or write the file with pin_file first' });
  }
  return { pin, pinFile: isSameSecret(pin, found) ? undefined : render(pin) };
}

/** Compares values without showing them. */
function isSameSecret(a: Secret, b: Secret | null): boolean {
  return b !== null && a.reveal() === b.reveal();
}

function pemOf(der: string): string {
  return `-----BEGIN CERTIFICATE-----\n${(der.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}
