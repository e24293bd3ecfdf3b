import { HsmfleetError } from '@hsmfleet/contract';

/** What the name of a package file says of it. */
export interface PackageFile {
  name: string;
  /** Without epoch: file names have none. */
  version: string;
}

const SHAPES = [
  /^(?<name>[a-z0-9][a-z0-9+.-]*)_(?<version>[^_]+)_(?<arch>[^_]+)\.deb$/,
  /^(?<name>.+)-(?<version>[^-]+-[^-]+)\.(?<arch>[^.]+)\.rpm$/,
  /^(?<name>.+)-(?<version>[^-]+-[^-]+)-(?<arch>[^-]+)\.pkg\.tar(?:\.(?:zst|xz|gz))?$/,
];

/**
 * Reads name and version from the file's name, which dpkg-deb, rpmbuild and makepkg make: so whether it is installed can be
 * told without unpacking it.
 * @throws HsmfleetError PARAMS_INVALID for another name
 */
export function parsePackageFile(path: string): PackageFile {
  const file = path.slice(path.lastIndexOf('/') + 1);
  for (const shape of SHAPES) {
    const groups = shape.exec(file)?.groups;
    if (groups?.name !== undefined && groups.version !== undefined) {
      return { name: groups.name, version: withoutEpoch(groups.version.replace(/%3a/gi, ':')) };
    }
  }
  throw new HsmfleetError('PARAMS_INVALID', `${file} is not named as a package file: name and version cannot be told`, {
    hint: 'name it NAME_VERSION_ARCH.deb, NAME-VERSION-RELEASE.ARCH.rpm or NAME-VERSION-RELEASE-ARCH.pkg.tar.zst',
  });
}

/** "1:2.3-4" without its epoch. */
export function withoutEpoch(version: string): string {
  return version.replace(/^\d+:/, '');
}
