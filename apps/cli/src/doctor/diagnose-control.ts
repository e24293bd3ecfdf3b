import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { HsmfleetError, HsmfleetErrors, type LinkReport } from '@hsmfleet/contract';
import { broken, CONTROL_LINKS, notApplicable, notTold, ok, type ControlLinkId, type Finding } from '@hsmfleet/doctor';
import { loadHosts } from '@hsmfleet/hosts';
import type { SshOptions } from '@hsmfleet/ssh-config';
import { openStore } from '@hsmfleet/store';
import { loadAgentBundle } from '../agent-bundle.ts';
import { askHidden, canAsk } from '../ask-secret.ts';
import type { DoctorOptions } from '../commands/doctor.ts';
import { openSshConfiguration } from '../host-transports.ts';
import { namedSources, vaultOpener } from '../vault-options.ts';

/** Least major version of Node that runs the program. */
const LEAST_NODE = 24;

/** Everything that this machine needs, each looked at for itself. */
export async function diagnoseControl(options: DoctorOptions): Promise<LinkReport[]> {
  const looks: Record<ControlLinkId, () => Promise<Finding>> = {
    node: lookAtNode,
    'ssh-client': lookAtSshClient,
    'ssh-keys': lookAtKeys,
    'known-hosts': lookAtKnownHosts,
    'agent-bundle': lookAtAgent,
    store: lookAtStore,
    'vault-passwords': () => lookAtVaultPasswords(options),
    'hosts-file': () => lookAtHosts(options),
  };
  const links: LinkReport[] = [];
  for (const { id } of CONTROL_LINKS) links.push({ link: id, ...(await looks[id]().catch(asBroken)) });
  return links;
}

function asBroken(thrown: unknown): Finding {
  const error = thrown instanceof HsmfleetErrors ? thrown.errors[0] : thrown;
  if (error instanceof HsmfleetError) {
    const place = error.position === undefined ? '' : ` (${error.position.file}:${String(error.position.line)})`;
    return broken(`${error.message}${place}`, error.hint ?? 'mend what it says', undefined, error.code);
  }
  throw thrown;
}

async function lookAtNode(): Promise<Finding> {
  const major = Number(process.versions.node.split('.')[0]);
  return Promise.resolve(major >= LEAST_NODE ? ok(`Node ${process.versions.node}`) : broken(`Node ${process.versions.node} is too old: ${String(LEAST_NODE)} is needed`, 'install a newer Node, or start the program by its own: bin/hsmfleet'));
}

async function lookAtSshClient(): Promise<Finding> {
  try {
    // OpenSSH prints its version on standard error
    const { stderr } = await promisify(execFile)('ssh', ['-V'], { timeout: 5_000 });
    return ok(stderr.trim());
  } catch (thrown) {
    return broken(`ssh cannot be run: ${(thrown as Error).message.split('\n')[0] ?? ''}`, 'install the OpenSSH client: its configuration is read through it, and it connects where the built-in library cannot', 'apt-get install openssh-client');
  }
}

/** Any host will do: what is asked for are the defaults. */
function defaults(): Promise<SshOptions> {
  return openSshConfiguration().resolve({ name: 'localhost' });
}

async function lookAtKeys(): Promise<Finding> {
  const { optionalIdentityFiles, identityAgent } = await defaults();
  const there: string[] = [];
  const closed: string[] = [];
  for (const file of optionalIdentityFiles.filter((name) => existsSync(name))) (await readable(file) ? there : closed).push(file);
  const agent = identityAgent !== undefined && existsSync(identityAgent);
  if (closed.length > 0 && there.length === 0 && !agent) return broken(`${closed.join(', ')} cannot be read by this user`, 'make it readable for this user alone', `chmod 600 ${closed[0] ?? ''}`, 'KEY_UNREADABLE');
  if (there.length === 0 && !agent) return notTold('there is no key in ~/.ssh and no ssh-agent: hosts have to name one (ansible_ssh_private_key_file), or --private-key has to');
  return ok([...there, ...(agent ? [`the agent at ${identityAgent}`] : [])].join(', '));
}

async function lookAtKnownHosts(): Promise<Finding> {
  const { knownHostsFiles } = await defaults();
  const there = knownHostsFiles.filter((file) => existsSync(file));
  if (there.length === 0) return notTold(`there is no ${knownHostsFiles[0] ?? 'known_hosts'} yet: no host key is known`, ['hsmfleet hosts accept PATTERN -i HOSTS collects host keys']);
  for (const file of there) if (!(await readable(file))) return broken(`${file} cannot be read by this user`, 'give the file to this user', `ls -l ${file}`);
  return ok(there.join(', '));
}

async function readable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(() => true, () => false);
}

async function lookAtAgent(): Promise<Finding> {
  let packed = false;
  const { version, hash, files, runtimes } = await loadAgentBundle(() => { packed = true; });
  const missing = files.filter(({ path }) => !existsSync(path));
  if (missing.length > 0) return broken(`files of the agent are missing: ${missing.map(({ name }) => name).join(', ')}`, 'build it again', 'npm run setup', 'FILE_MISSING');
  const sent = [...runtimes].map(([platform, runtime]) => `Node ${runtime.version} for ${platform}`);
  return ok(`the agent ${version} (${hash.slice(0, 12)}), and ${sent.join(', ')} for hosts without one`, packed ? ['the runtime was packed just now, once'] : []);
}

async function lookAtStore(): Promise<Finding> {
  const store = await openStore();
  try {
    return ok(`${store.location}: ${String(await store.runCount())} runs`);
  } finally {
    await store.close();
  }
}

/** Sources are looked at, not read: a script may ask a person, and a password is not needed to find out that a file is missing. */
async function lookAtVaultPasswords(options: DoctorOptions): Promise<Finding> {
  const { vaultPasswordFd, askVaultPass } = options;
  const sources = (await namedSources(options)).flatMap((source) => (source.kind === 'file' ? [source.path] : []));
  const others = [...(vaultPasswordFd === undefined ? [] : [`descriptor ${vaultPasswordFd}`]), ...(askVaultPass === true ? ['a prompt'] : [])];
  if (sources.length === 0 && others.length === 0) return notApplicable('no source of vault passwords is named: neither by an option nor in the environment');
  const notes: string[] = [];
  for (const path of sources) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return broken(`${path} does not exist`, 'correct the path, or make the file', `ls -l ${path}`, 'FILE_MISSING');
    if (!(await readable(path))) return broken(`${path} cannot be read by this user`, 'give the file to this user alone', `ls -l ${path}`, 'VAULT_PASSWORD');
    if ((found.mode & 0o077) !== 0 && (found.mode & 0o111) === 0) notes.push(`${path} can be read by others: chmod 600 ${path}`);
  }
  return ok([...sources, ...others].join(', '), notes);
}

async function lookAtHosts(options: DoctorOptions): Promise<Finding> {
  // commander leaves it out when it was not given
  const files = options.hosts as string[] | undefined;
  if (files === undefined || files.length === 0) return notApplicable('no hosts file is given: name one with -i');
  const model = await loadHosts(files, { ask: canAsk() ? askHidden : undefined, vault: await vaultOpener(options) });
  return ok(`${String(model.select('all').length)} hosts in ${files.join(', ')}`, model.warnings);
}
