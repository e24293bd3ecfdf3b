import { HsmfleetError } from '@hsmfleet/contract';
import type { ReadHost } from '@hsmfleet/resource';
import type { Facts } from './facts.ts';
import type { TlsSiteParams } from './schema.ts';

/** Libraries that can write to tokens and that engines and system policies load behind one's back. */
const WRITABLE = /\/(?:onepin-)?opensc-pkcs11\.so|\/libsofthsm2\.so/;

/**
 * Proof of the path: without its configuration OpenSSL's engine silently loads p11-kit's proxy, and with it every writable
 * module, and the site serves all the same. What the running server has mapped tells.
 * @throws HsmfleetError MODULE_WRITABLE
 */
export async function verifySite(host: ReadHost, params: TlsSiteParams, facts: Facts): Promise<void> {
  if (params.state === 'absent' || params.module === undefined || facts.engine !== 'mod_ssl') return;
  const process = await host.serverProcess(facts.apache.pidFile);
  if (process === undefined) return;
  const maps = (await host.readText(`/proc/${String(process.pid)}/maps`, 16 * 1024 * 1024)) ?? '';
  // compared by file name: a path may be shown from another root, or as deleted after an upgrade
  const name = ((await host.realPath(params.module.path)) ?? params.module.path).split('/').at(-1) ?? '';
  const mapped = [...new Set(maps.split('\n').flatMap((line) => /\s(\/\S+\.so\S*)/.exec(line)?.[1] ?? []))];
  const foreign = mapped.find((path) => WRITABLE.test(path) && !path.endsWith(`/${name}`));
  if (foreign !== undefined || (mapped.length > 0 && !mapped.some((path) => path.endsWith(`/${name}`)))) {
    throw new HsmfleetError('MODULE_WRITABLE', `the server does not reach the token through ${params.module.path} alone${foreign === undefined ? '' : `: it has loaded ${foreign}`}`, {
      hint: `check OPENSSL_CONF in the server's environment, and that no other part of its configuration loads PKCS#11 modules`,
    });
  }
}
