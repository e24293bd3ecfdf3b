import { HsmfleetError, type ArtifactCandidate, type ArtifactInput, type HostFacts } from '@hsmfleet/contract';

/** Which packages each package manager takes. */
const FORMATS: Readonly<Record<string, ArtifactCandidate['format']>> = { apt: 'deb', dnf: 'rpm', pacman: 'arch' };

/** What Debian calls a machine; rpm and pacman go by the kernel's words. */
const DEBIAN: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'armhf', i386: 'i386', riscv64: 'riscv64', ppc64le: 'ppc64el', s390x: 's390x' };

/** Packages without machine code. */
const ANY: Readonly<Record<ArtifactCandidate['format'], string>> = { deb: 'all', rpm: 'noarch', arch: 'any' };

/** The package among the candidates that this host can install; undefined when there is none. */
export function fittingArtifact({ candidates }: ArtifactInput, facts: HostFacts): ArtifactCandidate | undefined {
  const format = FORMATS[facts.pkg_mgr];
  if (format === undefined) return undefined;
  const machine = format === 'deb' ? DEBIAN[facts.architecture] : facts.architecture;
  const fitting = (architecture: string | undefined): ArtifactCandidate | undefined =>
    candidates.find((candidate) => candidate.format === format && candidate.architecture === architecture);
  return fitting(machine) ?? fitting(ANY[format]);
}

/**
 * Likewise, for a task that cannot do without.
 * @throws HsmfleetError ARTIFACT_MISSING at the place in the playbook that names it
 */
export function chooseArtifact(input: ArtifactInput, facts: HostFacts): ArtifactCandidate {
  const chosen = fittingArtifact(input, facts);
  if (chosen !== undefined) return chosen;
  const { name, problem, position, candidates } = input;
  if (problem !== undefined) throw new HsmfleetError('ARTIFACT_MISSING', problem.message, { hint: problem.hint, position });
  const there = candidates.map(({ format, architecture, version }) => `${version} as ${format} for ${architecture}`).join(', ');
  throw new HsmfleetError('ARTIFACT_MISSING', `no artefact "${name}" fits this host (${facts.pkg_mgr}, ${facts.architecture})`, {
    position,
    hint: `there is ${there}: build it on a host like this one`,
  });
}
