/** A package that dpkg has installed. */
export interface InstalledPackage {
  version: string;
  architecture: string;
  /** Of a package that source_package built: hash over what it was built from. */
  inputsSha256?: string;
}

/** Installed packages of dpkg's status file, by name, by NAME:ARCHITECTURE, and what they provide. */
export interface DpkgStatus {
  find(name: string): InstalledPackage | undefined;
}

/**
 * Reads /var/lib/dpkg/status (deb-control(5) paragraphs). The format is stable and reading it takes milliseconds, where
 * dpkg-query takes as long as the rest of a light run.
 */
export function parseDpkgStatus(text: string): DpkgStatus {
  const byName = new Map<string, InstalledPackage>();
  const provided = new Map<string, InstalledPackage>();
  for (const paragraph of text.split('\n\n')) {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1];
    const name = field('Package');
    // want, error flag, state: "install ok installed", "hold ok installed"
    if (name === undefined || field('Status')?.split(' ')[2] !== 'installed') continue;
    const inputsSha256 = field('Hsmfleet-Inputs');
    const found: InstalledPackage = { version: field('Version') ?? '', architecture: field('Architecture') ?? '', ...(inputsSha256 === undefined ? {} : { inputsSha256 }) };
    byName.set(`${name}:${found.architecture}`, found);
    if (!byName.has(name)) byName.set(name, found);
    for (const virtual of field('Provides')?.split(',') ?? []) provided.set(virtual.trim().split(' ')[0] ?? '', found);
  }
  return { find: (name) => byName.get(name) ?? provided.get(name) };
}
