import type { TokenManifest } from '@hsmfleet/contract';
import { shortHash } from './prove-token.ts';

/** A manifest for people, one line each. */
export function describeManifest(manifest: TokenManifest): string[] {
  const { token, keys, certificates, prepared, module } = manifest;
  return [
    `token        "${token.label}", serial ${token.serial === '' ? 'not known' : token.serial} (${[token.manufacturer, token.model].filter(Boolean).join(', ')})`,
    `prepared     by ${prepared.by} at ${prepared.at} on ${prepared.host}, with ${prepared.program}${prepared.note === undefined ? '' : `: ${prepared.note}`}`,
    `module       ${module.path} (${module.description}, ${module.version}${module.sha256 === null ? '' : `, ${shortHash(module.sha256)}`})`,
    ...keys.map((key) => `key ${key.id.padEnd(8)} "${key.label}", ${key.type} ${key.curve ?? (key.bits === null ? '' : String(key.bits))}, ${key.fingerprint}${describeAccess(key.sensitive, key.extractable)}`),
    ...certificates.map(({ id, label, subject, issuer, notAfter, sha256 }) => `cert ${id.padEnd(7)} "${label}", ${subject}, ${issuer === subject ? 'self-signed' : `issued by ${issuer}`}, until ${notAfter}, ${sha256}`),
  ];
}

function describeAccess(sensitive: boolean | null, extractable: boolean | null): string {
  if (sensitive === null && extractable === null) return '';
  return `, ${sensitive === true ? 'sensitive' : 'NOT sensitive'}, ${extractable === false ? 'not extractable' : 'EXTRACTABLE'}`;
}
