import { AbsolutePath } from '@hsmfleet/resource';
import { Type, type Static } from '@sinclair/typebox';

const words = (description: string) => Type.Array(Type.String({ minLength: 1, pattern: '^[^\\n\\r\\u0000]*$' }), { description });

/** Parameters of `source_package`. */
export const SourcePackageParams = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9+.-]+$', maxLength: 100, description: 'name of the package' }),
    version: Type.String({
      pattern: '^[0-9][0-9A-Za-z.+~]*$', maxLength: 60, description: 'version of the software, quoted: "2.12"',
    }),
    revision: Type.Optional(Type.String({
      pattern: '^[0-9][0-9A-Za-z.+~]*$', maxLength: 20, description: 'revision of the package, quoted; "1" by default; raise it when the same sources are built in another way',
    })),
    source: Type.Optional(Type.String({ minLength: 1, description: 'source archive (.tar.gz, .tar.xz, …) on the control host, sent along; sha256 is needed' })),
    url: Type.Optional(Type.String({
      pattern: '^https?://[^@\\s]+$', description: 'address from which the host fetches the source archive, without a password in it; sha256 is needed; proxies are not used',
    })),
    directory: Type.Optional(AbsolutePath('folder on the host that holds the sources; copied, never changed; .git in it is left out')),
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: 'SHA-256 that the source archive must have, hex' })),
    configure: Type.Optional(words(
      "options for configure, and variables such as CFLAGS=-O1, one a word; they come after the distribution's layout: --prefix, --libdir (with /usr the "
      + 'folder of the distribution, as /usr/lib/x86_64-linux-gnu), --sysconfdir=/etc, --localstatedir=/var',
    )),
    prefix: Type.Optional(AbsolutePath('where the software goes; /usr by default; elsewhere --libdir is PREFIX/lib')),
    regenerate: Type.Optional(Type.Union(
      [Type.Literal('auto'), Type.Literal('autoreconf'), Type.Literal('autogen'), Type.Literal('no')],
      { description: 'how configure is made: autoreconf -fi, autogen.sh, or no: it is there; auto, by default: autoreconf where there is a configure.ac, else autogen.sh where there is no configure' },
    )),
    build_depends: Type.Optional(words(
      'packages that the build needs besides compiler, make and autotools; what is missing is installed first and stays installed',
    )),
    depends: Type.Optional(words('packages that the built package needs besides those of the libraries it is linked with, which are found out')),
    conffiles: Type.Optional(Type.Array(AbsolutePath('path'), {
      description: 'configuration files outside /etc, as installed; all files in /etc are taken for such, so that changes made to them survive an update',
    })),
    format: Type.Optional(Type.Union(
      [Type.Literal('auto'), Type.Literal('deb'), Type.Literal('rpm'), Type.Literal('arch')],
      { description: "kind of package; auto, that of the host's own package manager, by default" },
    )),
    summary: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\n\\r]*$', description: 'one line on what it is; "NAME, built from source" by default' })),
    maintainer: Type.Optional(Type.String({
      pattern: '^[^<>\\n\\r]+<[^<>@\\s]+@[^<>@\\s]+>$', description: 'who answers for the package, as "Name <address>"; "hsmfleet <root@localhost>" by default',
    })),
    build_user: Type.Optional(Type.String({
      pattern: '^[a-z_][a-z0-9_-]*$', description: 'user of the host that the build runs as; nobody by default; root for makefiles that must set owners',
    })),
    timeout: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, description: 'seconds that each program of the build may take; 1800 by default' })),
  },
  {
    additionalProperties: false,
    oneOf: [{ required: ['source', 'sha256'] }, { required: ['url', 'sha256'] }, { required: ['directory'] }],
  },
);
export type SourcePackageParams = Static<typeof SourcePackageParams>;
