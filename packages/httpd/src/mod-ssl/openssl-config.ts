/** How OpenSSL reaches PKCS#11 on a host: libp11's engine, or pkcs11-provider (OpenSSL 3). */
export type OpensslBridge = 'engine' | 'provider';

export interface OpensslConfig {
  bridge: OpensslBridge;
  /** PKCS#11 module, absolute path. */
  module: string;
  /** pkcs11-provider's own library, absolute path; for `provider` only. */
  provider?: string;
  /** File with the bare PIN, for `provider`: its children ask a terminal for the PIN without it. */
  pinFile?: string;
  /** System policy to keep: OPENSSL_CONF replaces the system's file. Without one, Debian's defaults are written out. */
  cryptoPolicy?: string;
}

/**
 * Text of the file that OPENSSL_CONF names for Apache. No PIN in it: the key's URI names the PIN file.
 * Tried on Debian 11 (OpenSSL 1.1.1), 12 and 13 (OpenSSL 3) with the engine, on 13 with the provider.
 */
export function renderOpensslConfig(config: OpensslConfig): string {
  const lines = ['# Managed by hsmfleet: changes by hand are overwritten.', 'openssl_conf = hsmfleet_init', '', '[hsmfleet_init]'];
  if (config.bridge === 'engine') lines.push('engines = hsmfleet_engines');
  else lines.push('providers = hsmfleet_providers');
  lines.push('ssl_conf = hsmfleet_ssl');
  if (config.bridge === 'engine') {
    // init = 0: the token is touched when the first key is asked for, not by every configtest
    lines.push('', '[hsmfleet_engines]', 'pkcs11 = hsmfleet_pkcs11', '', '[hsmfleet_pkcs11]', 'engine_id = pkcs11', `MODULE_PATH = ${config.module}`, 'init = 0');
  } else {
    lines.push('', '[hsmfleet_providers]', 'default = hsmfleet_default', 'pkcs11 = hsmfleet_pkcs11', '', '[hsmfleet_default]', 'activate = 1', '', '[hsmfleet_pkcs11]');
    if (config.provider !== undefined) lines.push(`module = ${config.provider}`);
    if (config.pinFile !== undefined) lines.push(`pkcs11-module-token-pin = file:${config.pinFile}`);
    lines.push(`pkcs11-module-path = ${config.module}`, 'activate = 1');
  }
  const policy = config.cryptoPolicy === undefined ? ['MinProtocol = TLSv1.2', 'CipherString = DEFAULT:@SECLEVEL=2'] : [`.include = ${config.cryptoPolicy}`];
  lines.push('', '[hsmfleet_ssl]', 'system_default = hsmfleet_policy', '', '[hsmfleet_policy]', ...policy);
  return `${lines.join('\n')}\n`;
}
