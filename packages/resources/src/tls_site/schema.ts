import { AbsolutePath, SecretParam } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

const text = (description: string, pattern?: string) => Type.Optional(Type.String({ minLength: 1, description, ...(pattern === undefined ? {} : { pattern }) }));

/** Parameters of `tls_site`. */
export const TlsSiteParams = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$', description: 'name of the site\'s files, without .conf' }),
    state: Type.Optional(Type.Union([Type.Literal('present'), Type.Literal('absent')], { description: 'Default: present' })),
    server_name: text('ServerName of the virtual host; needed unless the site is to be absent', '^[A-Za-z0-9._-]+$'),
    aliases: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9.*?_-]+$' }), { description: 'further names: ServerAlias' })),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'TCP port. Default: 443' })),
    address: text('address to listen on. Default: all addresses', '^(\\*|[0-9.]+|[0-9a-fA-F:]+)$'),
    engine: Type.Optional(
      Type.Union([Type.Literal('mod_nss'), Type.Literal('mod_ssl'), Type.Literal('auto')], {
        description: '`auto` takes mod_nss where its module is installed, else mod_ssl. Default: auto',
      }),
    ),
    module: Type.Optional(
      Type.Object(
        {
          path: AbsolutePath('the PKCS#11 library'),
          env: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String({ pattern: '^[^\\n\\r]*$' }), { description: 'variables the library needs, also in the server\'s environment' })),
        },
        { additionalProperties: false, description: 'PKCS#11 module that reaches the token; needed unless the site is to be absent' },
      ),
    ),
    token: text('label of the token. Default: the only one that the module shows'),
    key_id: Type.Optional(Type.String({ pattern: '^([0-9a-fA-F]{2})+$', description: 'CKA_ID of the key in hex. Default: the only EC key or RSA key of 2048 bits or more that has a certificate' })),
    key_label: text('label of key or certificate, instead of key_id'),
    pin: Type.Optional(SecretParam('user PIN of the token: written to pin_file unless the file holds it. Default: the PIN that pin_file holds')),
    pin_file: Type.Optional(AbsolutePath('PIN file, of `pin_file` or written by this task. Default: a file of the site\'s own')),
    allow_low_count: Type.Optional(
      Type.Boolean({ description: 'log in although wrong PINs were tried on the token before (COUNT_LOW, FINAL_TRY): one more wrong one may lock it for good. A locked token, and a PIN that the token called wrong, are refused all the same. Default: false' }),
    ),
    document_root: Type.Optional(AbsolutePath('DocumentRoot')),
    chain: Type.Optional(AbsolutePath('mod_ssl: PEM file on the host with the issuers of the certificate, sent along with it')),
    nss_database: Type.Optional(AbsolutePath('mod_nss: directory of the NSS database (made by `nss_database`), in which the module is registered')),
    helper: Type.Optional(AbsolutePath('mod_nss: the nss_pcache of the same build as the module. Default: where the distribution puts it')),
    enforce_valid_certs: Type.Optional(
      Type.Boolean({ description: 'mod_nss: refuse to start with a certificate that is expired or whose issuer the database does not trust. Default: false, so that a restart at night does not end the site' }),
    ),
    protocols: Type.Optional(Type.Array(Type.String(), { minItems: 1, description: 'TLSv1.2 and so on. Default: TLSv1.2, and TLSv1.3 where the engine is known to have it' })),
    ciphers: Type.Optional(Type.Array(Type.String({ pattern: '^[!+-]?[A-Za-z0-9_@=+-]+$' }), { minItems: 1, description: 'names of mod_nss\'s catalogue, or of OpenSSL for mod_ssl. Default: good ones that the engine has' })),
    extra: Type.Optional(Type.Array(Type.String(), { description: 'lines put into the virtual host as they are' })),
  },
  { additionalProperties: false },
);
export type TlsSiteParams = Static<typeof TlsSiteParams>;
