import { Type, type Static } from '@sinclair/typebox';

const names = Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], {
  description: 'one package, a list, or several with commas; with apt, NAME=VERSION asks for just that version',
});

/** Parameters of `package`. */
export const PackageParams = Type.Object(
  {
    name: Type.Optional(names),
    pkg: Type.Optional(names),
    state: Type.Optional(Type.Union(
      [Type.Literal('present'), Type.Literal('installed'), Type.Literal('latest'), Type.Literal('absent'), Type.Literal('removed')],
      { description: 'present (installed), latest: the newest the package lists know, absent (removed); present by default' },
    )),
    src: Type.Optional(Type.String({
      minLength: 1,
      description: 'a package file of the control host, sent along and installed: NAME_VERSION_ARCH.deb, NAME-VERSION-RELEASE.ARCH.rpm or '
        + 'NAME-VERSION-RELEASE-ARCH.pkg.tar.zst, as the build tools name them',
    })),
    deb: Type.Optional(Type.String({ minLength: 1, description: 'another name of src' })),
    artifact: Type.Optional(Type.String({
      minLength: 1,
      description: 'name of a package that source_package built on some host (hsmfleet artifacts lists them): the one for the architecture and the package '
        + 'manager of this host is sent along and installed',
    })),
    version: Type.Optional(Type.String({
      minLength: 1, description: 'version of the artefact, quoted, with the revision ("2.12-1") or without ("2.12"); by default the one that was built, or found built, last',
    })),
    sha256: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: 'SHA-256 that the package file must have, hex' })),
    update_cache: Type.Optional(Type.Boolean({
      description: 'refresh the package lists first when they are older than cache_valid_time and something is to install; '
        + 'by default only where the host has no lists at all',
    })),
    cache_valid_time: Type.Optional(Type.Integer({ minimum: 0, description: 'seconds that package lists stay good with update_cache; 3600 by default' })),
    install_recommends: Type.Optional(Type.Boolean({ description: "apt: install what packages recommend; the host's own setting by default" })),
    purge: Type.Optional(Type.Boolean({ description: 'apt, state absent: remove configuration files too; false by default' })),
    use: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('apt'), Type.Literal('dnf'), Type.Literal('pacman')], {
      description: "package manager; auto, the host's own, by default",
    })),
  },
  { additionalProperties: false, oneOf: [{ required: ['name'] }, { required: ['pkg'] }, { required: ['src'] }, { required: ['deb'] }, { required: ['artifact'] }], dependencies: { version: ['artifact'] } },
);
export type PackageParams = Static<typeof PackageParams>;
