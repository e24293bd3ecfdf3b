import { defineCommand, type Command } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';

/** Which of several packages of a name is meant. */
export interface ArtifactSelection {
  version?: string;
  architecture?: string;
  format?: string;
}

const SELECTION = [
  { flags: '--version <version>', description: 'this version, with the revision or without; the one built last when absent' },
  { flags: '--architecture <name>', description: 'for this architecture: amd64, x86_64, …' },
  { flags: '--format <format>', description: 'of this kind', choices: ['deb', 'rpm', 'arch'] },
] as const;
const JSON_OPTION = { flags: '--json', description: 'print JSON' };
const NAME = { name: '<name>', description: 'name of the package' };

const list = defineCommand<{ json?: true }>({
  name: 'artifacts',
  summary: 'list the packages that hosts built',
  description: 'A task with source_package builds them, `package: {artifact: NAME}` installs them. The one marked "latest" of each kind is installed when no version is asked for.',
  arguments: [{ name: '[name]', description: 'only those of this name; * and ? stand for any letters' }],
  options: [JSON_OPTION, DEBUG_OPTION],
  examples: ['hsmfleet artifacts', 'hsmfleet artifacts "libsc-hsm*" --json'],
  async run({ args: [name], options }) {
    const { listArtifacts } = await import('../artifacts.ts');
    const text = await listArtifacts(name, options.json === true);
    if (text === '') process.stderr.write('no host has built a package yet: a task with source_package does\n');
    return print(text);
  },
});

const show = defineCommand<ArtifactSelection & { json?: true }>({
  name: 'artifacts show',
  summary: 'tell all of a package, with the end of its build log',
  arguments: [NAME],
  options: [...SELECTION, JSON_OPTION, DEBUG_OPTION],
  examples: ['hsmfleet artifacts show libsc-hsm-pkcs11'],
  async run({ args: [name = ''], options }) {
    const { showArtifact } = await import('../artifacts.ts');
    return print(await showArtifact(name, options, options.json === true));
  },
});

const exportCommand = defineCommand<ArtifactSelection & { force?: true }>({
  name: 'artifacts export',
  summary: 'write the package file of a package to a file or into a folder',
  arguments: [NAME, { name: '<file>', description: 'file to write, or a folder' }],
  options: [...SELECTION, { flags: '--force', description: 'write over a file that exists' }, DEBUG_OPTION],
  examples: ['hsmfleet artifacts export libsc-hsm-pkcs11 .'],
  async run({ args: [name = '', file = ''], options }) {
    const { exportArtifact } = await import('../artifacts.ts');
    return print(await exportArtifact(name, file, options, options.force === true));
  },
});

const forget = defineCommand<ArtifactSelection & { all?: true }>({
  name: 'artifacts forget',
  summary: 'forget packages of a name and delete their files here; hosts keep what they have',
  arguments: [NAME],
  options: [...SELECTION, { flags: '--all', description: 'every version of every kind' }, DEBUG_OPTION],
  examples: ['hsmfleet artifacts forget libsc-hsm-pkcs11 --version 2.11-1'],
  async run({ args: [name = ''], options }) {
    const { forgetArtifacts } = await import('../artifacts.ts');
    return print(await forgetArtifacts(name, options, options.all === true));
  },
});

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

/** `hsmfleet artifacts …`: the packages that hosts built. */
export const artifacts: readonly Command[] = [list, show, exportCommand, forget];
