import { OUTPUT_OPTIONS, SIGNATURE_OPTIONS, SUBJECT_OPTIONS, USAGE_OPTIONS, validityOptions } from '../certificate-options.ts';
import { defineCommand, type Command, type OptionSpec } from '../command.ts';
import type { LoadCertificateOptions, RenewOptions, RequestOptions, SelfSignedOptions } from '../token-certificates.ts';
import { PIN_OPTIONS, TOKEN_OPTIONS } from '../token-options.ts';

const ID_OPTION: OptionSpec = { flags: '--id <hex>', description: 'ID of the key on the token' };
const REPLACE_OPTION: OptionSpec = { flags: '--replace', description: 'take the place of the certificate that has this ID: the new one is written first, then the old one deleted' };

const csr = defineCommand<RequestOptions>({
  name: 'token csr',
  summary: 'make a signing request, signed inside the token',
  description: 'Writes nothing to the token.',
  arguments: [],
  options: [ID_OPTION, ...SUBJECT_OPTIONS, ...USAGE_OPTIONS, ...SIGNATURE_OPTIONS, ...OUTPUT_OPTIONS, ...TOKEN_OPTIONS, ...PIN_OPTIONS],
  examples: ['hsmfleet token csr --id 03 --subject "/O=Example/CN=www.example.org" --san DNS:www.example.org --san "DNS:*.example.org" --out www.csr'],
  async run({ options }) {
    const { makeRequest } = await import('../token-certificates.ts');
    return makeRequest(options);
  },
});

const cert = defineCommand<SelfSignedOptions>({
  name: 'token cert',
  summary: 'make a certificate that its own key signs, inside the token',
  description: 'Writes nothing to the token unless --load is given.',
  arguments: [],
  options: [
    { flags: '--self-signed', description: 'the key signs its own certificate (the only kind; an authority begins with a request)' },
    ID_OPTION, ...SUBJECT_OPTIONS, ...USAGE_OPTIONS, ...validityOptions(365), ...SIGNATURE_OPTIONS, ...OUTPUT_OPTIONS,
    { flags: '--load', description: 'write it to the token, too' }, REPLACE_OPTION, ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token cert --self-signed --id 03 --subject /CN=www.example.org --san DNS:www.example.org --load --out www.pem'],
  async run({ options }) {
    const { makeSelfSigned } = await import('../token-certificates.ts');
    return makeSelfSigned(options);
  },
});

const loadCert = defineCommand<LoadCertificateOptions>({
  name: 'token load-cert',
  summary: 'write a certificate to the token, beside its key',
  description: 'FILE is PEM or DER; of a chain, the issuers are written under their own names. A certificate for another key is refused.',
  arguments: [{ name: '<file>', description: 'certificate, perhaps with its issuers' }],
  options: [
    ID_OPTION, REPLACE_OPTION, { flags: '--with-root', description: 'write a self-signed issuer as well; clients have it, so it is left out otherwise' },
    ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token load-cert www.pem --id 03', 'hsmfleet token load-cert renewed.pem --id 03 --replace'],
  async run({ args: [file = ''], options }) {
    const { loadCertificateFile } = await import('../token-certificates.ts');
    return loadCertificateFile(file, options);
  },
});

const renew = defineCommand<RenewOptions>({
  name: 'token renew',
  summary: 'ask for the certificate that is to follow, with the same key or a new one',
  description: 'Subject, names and usage are those of the certificate with this ID, unless said otherwise. `token load-cert` brings what comes back, and `apply` switches the site.',
  arguments: [],
  options: [
    ID_OPTION,
    { flags: '--new-key [type]', description: 'make a new key pair beside the old one, of the same type or of this: rsa:2048, EC:prime256v1, …' },
    { flags: '--new-id <hex>', description: 'its ID' },
    { flags: '--new-label <text>', description: 'its label; the old one and the new ID when absent' },
    ...SUBJECT_OPTIONS, ...USAGE_OPTIONS, ...SIGNATURE_OPTIONS, ...OUTPUT_OPTIONS, ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token renew --id 03 --out renewed.csr', 'hsmfleet token renew --id 03 --new-key EC:prime256v1 --new-id 13 --out renewed.csr'],
  async run({ options }) {
    const { renewCertificate } = await import('../token-certificates.ts');
    return renewCertificate(options);
  },
});

/** Requests and certificates of a token's keys. */
export const tokenCertificates: readonly Command[] = [csr, cert, loadCert, renew];
