import { HsmfleetError } from '@hsmfleet/contract';
import { defineResource, type PlanOutcome, type Step } from '@hsmfleet/resource';
import { bareName, readBuiltFrom, readCandidates, readInstalled, readListsAge, type PackageManager, type Versions } from './inspect-packages.ts';
import { parsePackageFile, withoutEpoch } from './package-file.ts';
import { installStep, refreshSteps, removeStep } from './package-steps.ts';
import { PackageParams } from './schema.ts';

interface Facts {
  manager: PackageManager;
  installed: Versions;
  /** State latest: the newest versions known. */
  candidates: Versions;
  /** Seconds; null when the host has no package lists. */
  listsAge: number | null;
  /** Of a package file that travelled along. */
  file: { name: string; sha256: string } | null;
  /** The file is a package that some host built. */
  artifact?: { version: string; inputsSha256: string; installedFrom: string | null };
}

/** Package files wait here while they are installed; apt's download user may read it. */
const FOLDER = '/var/cache/hsmfleet-packages';
const LISTS_GOOD_FOR = 3_600;

export const resource = defineResource<PackageParams, Facts>({
  name: 'package',
  summary: "Packages of the distribution, a package that some host built, or a package file sent along, with the host's own package manager.",
  params: PackageParams,
  files: { src: 'blob', deb: 'blob', artifact: 'artifact' },
  examples: [
    { title: 'By name', yaml: 'package:\n  name: [apache2, opensc]\n  state: present\n  update_cache: true\n' },
    { title: 'A package that source_package built', yaml: 'package:\n  artifact: libsc-hsm-pkcs11\n  version: "2.12"\n' },
    { title: 'A package file', yaml: 'package:\n  src: files/libsc-hsm-pkcs11_2.9-1_amd64.deb\n' },
  ],

  async inspect(host, params, inputs) {
    const manager = managerOf(params.use === undefined || params.use === 'auto' ? host.facts.pkg_mgr : params.use);
    const file = inputs.src ?? inputs.deb ?? inputs.artifact;
    const names = params.artifact !== undefined ? [params.artifact] : file === undefined ? namesOf(params) : [parsePackageFile(file.name).name];
    const installed = await readInstalled(host, manager, names);
    return {
      manager,
      installed,
      candidates: params.state === 'latest' ? await readCandidates(host, manager, names, installed) : {},
      listsAge: await readListsAge(host, manager),
      file: file === undefined ? null : { name: file.name, sha256: file.sha256 },
      ...(file?.artifact === undefined ? {} : { artifact: { ...file.artifact, installedFrom: await readBuiltFrom(host, manager, names[0] ?? '') } }),
    };
  },

  plan(params, facts) {
    const { manager, installed } = facts;
    if (facts.file !== null) return planFile(params, facts, facts.file);
    const names = namesOf(params);
    if (params.state === 'absent' || params.state === 'removed') {
      const there = names.map(bareName).filter((name) => (installed[name] ?? null) !== null);
      return { steps: there.length === 0 ? [] : [removeStep(manager, there, { purge: params.purge })] };
    }
    const stale = facts.listsAge === null ? params.update_cache !== false
      : params.update_cache === true && facts.listsAge > (params.cache_valid_time ?? LISTS_GOOD_FOR);
    const latest = params.state === 'latest';
    const wanted = names.filter((name) => !isAsWanted(name, facts, latest));
    if (latest && stale) return { steps: [...refreshSteps(manager), installStep(manager, names, { installRecommends: params.install_recommends })] };
    if (wanted.length === 0) return { steps: [] };
    return { steps: [...(stale ? refreshSteps(manager) : []), installStep(manager, wanted, { installRecommends: params.install_recommends })] };
  },
});

function isAsWanted(name: string, { installed, candidates }: Facts, latest: boolean): boolean {
  const version = installed[name] ?? null;
  if (version === null) return false;
  const asked = name.split('=')[1];
  if (asked !== undefined) return asked.endsWith('*') ? version.startsWith(asked.slice(0, -1)) : version === asked;
  return !latest || (candidates[name] ?? version) === version;
}

function planFile(params: PackageParams, facts: Facts, file: NonNullable<Facts['file']>): PlanOutcome {
  if (params.sha256 !== undefined && params.sha256.toLowerCase() !== file.sha256) {
    throw new HsmfleetError('PARAMS_INVALID', `${file.name} has the SHA-256 ${file.sha256}, not ${params.sha256}`, {
      hint: 'the file was changed or damaged: get it again from where it was built',
    });
  }
  const { artifact } = facts;
  const wanted = artifact === undefined ? parsePackageFile(file.name) : { name: params.artifact ?? '', version: withoutEpoch(artifact.version) };
  const now = facts.installed[wanted.name] ?? null;
  if (params.state === 'absent' || params.state === 'removed') {
    if (artifact !== undefined) {
      throw new HsmfleetError('PARAMS_INVALID', 'an artefact can be installed only', { hint: `to remove the package write name: ${wanted.name} in place of artifact` });
    }
    return { steps: now === null ? [] : [removeStep(facts.manager, [wanted.name], { purge: params.purge })] };
  }
  const same = now !== null && withoutEpoch(now) === wanted.version;
  // the same version built in another way is another package
  const rebuilt = same && artifact !== undefined && artifact.installedFrom !== null && artifact.installedFrom !== artifact.inputsSha256;
  if (same && !rebuilt) return { steps: [] };
  const path = `${FOLDER}/${file.name.slice(file.name.lastIndexOf('/') + 1)}`;
  const steps: Step[] = [
    { kind: 'make_directory', path: FOLDER, mode: 0o755 },
    { kind: 'write_file', path, content: { from: 'blob', sha256: file.sha256 }, mode: 0o644 },
    installStep(facts.manager, [path], { installRecommends: params.install_recommends, allowDowngrades: now !== null, reinstall: rebuilt }),
    { kind: 'remove', path },
  ];
  return { steps };
}

function namesOf(params: PackageParams): string[] {
  const names = params.name ?? params.pkg ?? [];
  return (Array.isArray(names) ? names : [names]).flatMap((name) => name.split(',')).map((name) => name.trim()).filter((name) => name !== '');
}

function managerOf(name: string): PackageManager {
  if (name === 'apt' || name === 'dnf' || name === 'pacman') return name;
  throw new HsmfleetError('TASK_FAILED', 'the host has none of apt, dnf and pacman', { hint: 'install the packages by hand and leave the task out with when' });
}
