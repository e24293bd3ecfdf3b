import { Type, type Static } from '@sinclair/typebox';
import { Sha256 } from './plan.ts';

const strict = { additionalProperties: false };

/** Largest package that a host may offer and a control host takes, in bytes. */
export const MAX_ARTIFACT_SIZE = 512 * 1024 * 1024;
/** Characters of a build log that travel with an artefact: its end, which tells how the build went. */
export const MAX_ARTIFACT_LOG = 64 * 1024;

/** What installs a package: dpkg, rpm or pacman. */
export const ArtifactFormat = Type.Union([Type.Literal('deb'), Type.Literal('rpm'), Type.Literal('arch')]);
export type ArtifactFormat = Static<typeof ArtifactFormat>;

/** A package that was built on a host, as the builder tells of it. The bytes are known by their SHA-256. */
export const Artifact = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9@._+-]{0,127}$', description: 'name of the package, as the package manager knows it' }),
    version: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9:.+~_-]{0,127}$', description: "the package manager's version, revision included: 2.12-1" }),
    architecture: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$', description: "in the package manager's own words: amd64, x86_64, all, noarch, any" }),
    format: ArtifactFormat,
    sha256: Sha256,
    size: Type.Integer({ minimum: 1, maximum: MAX_ARTIFACT_SIZE, description: 'bytes' }),
    buildHost: Type.String({ description: 'inventory name of the host that built it' }),
    builtAt: Type.String({ description: 'ISO 8601: when it was built, not when it was told of' }),
    inputsSha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'over all that decides what is built: sources, options, build dependencies' }),
    log: Type.String({ maxLength: MAX_ARTIFACT_LOG, description: 'end of the build log' }),
    file: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9@:.+~_-]{0,254}$', description: "the package file's name, without a folder" }),
  },
  strict,
);
export type Artifact = Static<typeof Artifact>;
