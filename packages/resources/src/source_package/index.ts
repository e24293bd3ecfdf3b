import { HsmfleetError, type ArtifactFormat, type Rendered } from '@hsmfleet/contract';
import { defineResource, type AnyResource, type BuildPackage, type Inputs, type PackageSource } from '@hsmfleet/resource';
import { readInstalled, readListsAge, type PackageManager, type Versions } from '../package/inspect-packages.ts';
import { installStep, refreshSteps } from '../package/package-steps.ts';
import { DEFAULTS, hashFolder, hashInputs } from './inputs-hash.ts';
import { readKept, type Kept } from './kept.ts';
import { SourcePackageParams } from './schema.ts';
import { buildPackagesOf, formatOf, managerOf } from './tools.ts';

interface Facts {
  manager: PackageManager;
  format: ArtifactFormat;
  /** Versions of all that the build needs, by package; null when it is missing. */
  tools: Versions;
  /** Seconds; null when the host has no package lists. */
  listsAge: number | null;
  processors: number;
  /** Of the archive, or of the folder's contents. */
  sourceSha256: string;
  inputsSha256: string;
  /** Of an earlier build with the same inputs. */
  kept: Kept | null;
}

/** Where a builder keeps what it built, and where it builds. */
export interface Places {
  packages: string;
  /** The build's user must be able to enter it, which hsmfleet's own folder does not allow. Emptied by every build. */
  work: string;
}

const LOG_LINES = 20;

/** The resource, for other places than usual. */
export function sourcePackageIn(places: Places): AnyResource {
  return defineResource<SourcePackageParams, Facts>({
    name: 'source_package',
    summary: "Builds a package for the host's package manager from sources with autotools, once; it is installed by package, on any host.",
    params: SourcePackageParams,
    files: { source: 'blob' },
    examples: [
      {
        title: 'From an archive of the control host',
        yaml: 'source_package:\n  name: libsc-hsm-pkcs11\n  version: "2.9"\n  source: files/sc-hsm-embedded-2.9.tar.gz\n'
          + '  sha256: "{{ module_sha256 }}"\n  build_depends: [libpcsclite-dev, libssl-dev]\nregister: module_package\n',
      },
      {
        title: 'From an address, with options',
        yaml: 'source_package:\n  name: softhsm-lab\n  version: "2.6.1"\n  revision: "2"\n  url: https://dist.opendnssec.org/source/softhsm-2.6.1.tar.gz\n'
          + '  sha256: "{{ softhsm_sha256 }}"\n  build_depends: [libssl-dev]\n'
          + '  configure: [--disable-gost, --disable-p11-kit]\n',
      },
      { title: 'From a folder of the builder', yaml: 'source_package:\n  name: hello-hsm\n  version: "1.0"\n  directory: /usr/src/hello-hsm\n' },
    ],

    async inspect(host, params, inputs) {
      const manager = managerOf(host.facts.pkg_mgr);
      const format = params.format === undefined || params.format === 'auto' ? formatOf(manager) : params.format;
      const sourceSha256 = params.directory === undefined ? sha256Of(params, inputs) : await hashFolder(host, params.directory);
      const inputsSha256 = hashInputs(params, sourceSha256, format, host.facts);
      const kept = (await readKept(host, folderOf(places, inputsSha256), inputsSha256)) ?? null;
      if (kept !== null) host.announceArtifact(kept.artifact, kept.path);
      return {
        manager,
        format,
        tools: await readInstalled(host, manager, buildPackagesOf(manager, format, params.build_depends ?? [])),
        listsAge: await readListsAge(host, manager),
        processors: host.facts.processor_vcpus,
        sourceSha256,
        inputsSha256,
        kept,
      };
    },

    plan(params, facts, inputs) {
      const { kept } = facts;
      if (kept !== null) return { steps: [], result: resultOf(kept, facts, false) };
      const missing = Object.entries(facts.tools).filter(([, version]) => version === null).map(([name]) => name);
      return {
        steps: [
          ...(missing.length > 0 && facts.listsAge === null ? refreshSteps(facts.manager) : []),
          ...(missing.length > 0 ? [installStep(facts.manager, missing, { installRecommends: false })] : []),
          buildStep(places, params, facts, inputs),
        ],
      };
    },

    // what was built is told by the inspection after it
    result: (_params, facts) => (facts.kept === null ? {} : resultOf(facts.kept, facts, true)),
  });
}

/** The resource as playbooks know it. */
export const resource = sourcePackageIn({ packages: '/var/lib/hsmfleet/packages', work: '/var/cache/hsmfleet-build' });

function sha256Of(params: SourcePackageParams, inputs: Inputs): string {
  const wanted = (params.sha256 ?? '').toLowerCase();
  const file = inputs.source;
  if (file !== undefined && file.sha256 !== wanted) {
    throw new HsmfleetError('PARAMS_INVALID', `${file.name} has the SHA-256 ${file.sha256}, not ${wanted}`, {
      hint: 'the archive was changed or damaged, or is of another release: compare with what the project publishes before you change sha256',
    });
  }
  return wanted;
}

function buildStep(places: Places, params: SourcePackageParams, facts: Facts, inputs: Inputs): BuildPackage {
  return {
    kind: 'build_package',
    name: params.name,
    version: params.version,
    revision: params.revision ?? DEFAULTS.revision,
    format: facts.format,
    summary: params.summary ?? `${params.name}, built from source`,
    maintainer: params.maintainer ?? DEFAULTS.maintainer,
    source: sourceOf(params, facts, inputs),
    regenerate: params.regenerate ?? DEFAULTS.regenerate,
    prefix: params.prefix ?? DEFAULTS.prefix,
    configure: params.configure ?? [],
    conffiles: params.conffiles ?? [],
    depends: params.depends ?? [],
    user: params.build_user ?? 'nobody',
    jobs: facts.processors,
    inputsSha256: facts.inputsSha256,
    workDir: `${places.work}/${facts.inputsSha256.slice(0, 16)}`,
    outputDir: folderOf(places, facts.inputsSha256),
    timeoutMs: (params.timeout ?? 1800) * 1000,
  };
}

function sourceOf(params: SourcePackageParams, facts: Facts, inputs: Inputs): PackageSource {
  if (params.directory !== undefined) return { from: 'directory', path: params.directory };
  if (params.url !== undefined) return { from: 'url', url: params.url, sha256: facts.sourceSha256 };
  return { from: 'blob', sha256: facts.sourceSha256, name: inputs.source?.name ?? params.source ?? '' };
}

function folderOf({ packages }: Places, inputsSha256: string): string {
  return `${packages}/${inputsSha256}`;
}

function resultOf({ artifact, depends, path }: Kept, facts: Facts, built: boolean): Record<string, Rendered> {
  return {
    built,
    name: artifact.name,
    version: artifact.version,
    architecture: artifact.architecture,
    format: artifact.format,
    path,
    file: artifact.file,
    sha256: artifact.sha256,
    size: artifact.size,
    inputs_sha256: artifact.inputsSha256,
    depends: [...depends],
    build_depends: Object.keys(facts.tools),
    log_tail: artifact.log.trimEnd().split('\n').slice(-LOG_LINES).join('\n'),
  };
}
