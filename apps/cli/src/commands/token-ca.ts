import { OUTPUT_OPTIONS, SIGNATURE_OPTIONS, USAGE_OPTIONS, validityOptions } from '../certificate-options.ts';
import { defineCommand, type Command, type OptionSpec } from '../command.ts';
import type { AuthorityOptions, IssueCommandOptions } from '../lab-authority.ts';
import { PIN_OPTIONS, TOKEN_OPTIONS } from '../token-options.ts';

const ID_OPTION: OptionSpec = { flags: '--id <hex>', description: 'key of the authority on a token; its key is a file when absent' };
const HASH_OPTIONS = SIGNATURE_OPTIONS.filter(({ flags }) => flags.startsWith('--hash'));

const init = defineCommand<AuthorityOptions>({
  name: 'token ca init',
  summary: 'make an authority for laboratories',
  description: 'FOLDER gets ca.pem, for clients to trust, and ca.key, readable by you alone. It is no authority for production.',
  arguments: [{ name: '<folder>', description: 'where the authority is to live' }],
  options: [
    { flags: '--subject <name>', description: 'its name', default: '/O=hsmfleet laboratory/CN=Laboratory CA' },
    { flags: '--type <type>', description: 'kind of key: EC:prime256v1, rsa:3072, …', default: 'EC:prime256v1' },
    ...validityOptions(3650), ...HASH_OPTIONS, ID_OPTION, ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token ca init lab', 'hsmfleet token ca init lab --type rsa:3072 --subject "/O=Example/CN=Example lab"'],
  async run({ args: [folder = ''], options }) {
    const { makeAuthority } = await import('../lab-authority.ts');
    return makeAuthority(folder, options);
  },
});

const sign = defineCommand<IssueCommandOptions>({
  name: 'token ca sign',
  summary: 'issue a certificate for a signing request',
  description: 'Copies the subject and the alternative names of the request, and sets everything else itself. PEM has the certificate of the authority behind it, ready for `token load-cert`.',
  arguments: [{ name: '<request>', description: 'signing request, PEM or DER' }],
  options: [
    { flags: '--ca <folder>', description: 'folder of the authority' },
    ...USAGE_OPTIONS, ...validityOptions(365), ...SIGNATURE_OPTIONS, ...OUTPUT_OPTIONS, ID_OPTION, ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token ca sign www.csr --ca lab --days 90 --out www.pem'],
  async run({ args: [file = ''], options }) {
    const { signRequestFile } = await import('../lab-authority.ts');
    return signRequestFile(file, options);
  },
});

/** `hsmfleet token ca …`. */
export const tokenCa: readonly Command[] = [init, sign];
