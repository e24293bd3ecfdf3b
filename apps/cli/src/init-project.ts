import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HsmfleetError, Secret, type Secret as SecretValue } from '@hsmfleet/contract';
import { formatInlineValue, sealText, type VaultKey } from '@hsmfleet/vault';
import { canAsk } from './ask-secret.ts';
import { askText } from './ask-text.ts';
import { readPin } from './read-pin.ts';
import { skeletonFiles, type SkeletonAnswers } from './skeleton.ts';
import { loadKeyring, type VaultOptions } from './vault-options.ts';

/** What the command line answers already; the rest is asked. */
export interface InitOptions extends VaultOptions {
  webservers?: string;
  user?: string;
  token?: string;
  keyId?: string;
  pinFile?: string;
  pinFd?: string;
  module: string;
}

/** Playbook and template that a new project begins with: the shipped ones. */
const SHIPPED = fileURLToPath(new URL('../../../playbooks', import.meta.url));
const COPIED = { 'site.yml': 'site.yml', 'templates/index.html.j2': 'templates/index.html.j2' };
const PASSWORD_FILE = '.vault-password';
/** For its owner alone. */
const PRIVATE = 0o600;
const PUBLIC = 0o644;

/**
 * Makes a project folder: hosts file, variables with the encrypted PIN, playbook. Nothing that is there is overwritten, and
 * nothing is left behind when it cannot be finished.
 * @throws HsmfleetError USAGE, FILE_WRITE, FILE_MISSING, VAULT_PASSWORD
 */
export async function initProject(given: string, options: InitOptions): Promise<number> {
  const folder = resolve(given);
  const ownPassword = await givenPassword(options);
  refuseExisting(folder, ownPassword === undefined);
  const answers = await ask(options);
  const pin = await readPin({
    name: 'PIN', option: '--pin', question: `PIN of the tokens "${answers.token}"`, label: answers.token, confirm: true, file: options.pinFile, fd: options.pinFd,
  });
  const key = ownPassword ?? { label: 'default', password: new Secret(randomBytes(32).toString('base64url'), PASSWORD_FILE) };
  const made = skeletonFiles({
    ...answers,
    sealedPin: await sealPin(pin, key),
    passwordFile: ownPassword === undefined ? PASSWORD_FILE : undefined,
    passwordOption: ownPassword === undefined ? `--vault-password-file ${PASSWORD_FILE}` : passwordOption(options),
  });
  const copied: Record<string, string> = {};
  for (const [to, from] of Object.entries(COPIED)) copied[to] = await readFile(join(SHIPPED, from), 'utf8');
  await writeAll(folder, { ...made, ...copied }, ownPassword === undefined ? { [PASSWORD_FILE]: key.password } : {});
  tell(folder, [...Object.keys({ ...made, ...copied }), ...(ownPassword === undefined ? [PASSWORD_FILE] : [])]);
  return 0;
}

/** The vault password that the command line or the environment names; undefined when one has to be made. */
async function givenPassword(options: VaultOptions): Promise<VaultKey | undefined> {
  const keyring = await loadKeyring(options);
  return keyring.keys.length === 0 ? undefined : keyring.pick();
}

function refuseExisting(folder: string, withPassword: boolean): void {
  const names = ['hosts.yml', 'group_vars/webservers/main.yml', 'group_vars/webservers/secrets.yml', '.gitignore', 'README.md', ...Object.keys(COPIED), ...(withPassword ? [PASSWORD_FILE] : [])];
  const existing = names.filter((name) => existsSync(join(folder, name)));
  if (existing.length === 0) return;
  throw new HsmfleetError('USAGE', `${folder} has ${existing.join(', ')} already: nothing was changed`, { hint: 'give the name of a new folder' });
}

async function ask(options: InitOptions): Promise<Omit<SkeletonAnswers, 'sealedPin' | 'passwordFile' | 'passwordOption'>> {
  if (canAsk()) process.stderr.write('Five questions, and the rest is written for you. An empty answer takes what is in brackets.\n');
  const webservers = (await answer(options.webservers, 'Webservers, by name or range (web[01:03].example.net), with commas between', '--webservers', undefined, hostsProblem))
    .split(',').map((name) => name.trim()).filter((name) => name !== '');
  const user = await answer(options.user, 'Log in there as (others than root become root with sudo)', '--user', 'root', (text) => (/^[a-z_][\w.-]*\$?$/i.test(text) ? undefined : `"${text}" is no name of a user`));
  const token = await answer(options.token, 'Label of the tokens', '--token', 'SmartCard-HSM', (text) => (Buffer.byteLength(text) > 32 ? 'labels have at most 32 bytes' : undefined));
  const keyId = await answer(options.keyId, 'ID of the key to serve with, in hex', '--key-id', '01', (text) => (/^(?:[0-9a-f]{2})+$/i.test(text) ? undefined : 'an ID is an even number of hex digits, for example 01'));
  return { webservers, user, token, keyId, module: options.module };
}

/** @throws HsmfleetError USAGE, also for what the command line answers wrong */
async function answer(given: string | undefined, text: string, option: string, fallback: string | undefined, problem: (answer: string) => string | undefined): Promise<string> {
  if (given === undefined) return askText({ text, instead: `answer with ${option}`, problem, ...(fallback === undefined ? {} : { default: fallback }) });
  const wrong = problem(given);
  if (wrong !== undefined) throw new HsmfleetError('USAGE', `${option}: ${wrong}`);
  return given;
}

function hostsProblem(text: string): string | undefined {
  const names = text.split(',').map((name) => name.trim()).filter((name) => name !== '');
  if (names.length === 0) return 'name at least one';
  const wrong = names.find((name) => !/^[\w.:[\]-]+$/.test(name));
  return wrong === undefined ? undefined : `"${wrong}" is no name of a host`;
}

async function sealPin(pin: SecretValue, key: VaultKey): Promise<string> {
  return formatInlineValue(await sealText(Buffer.from(pin.reveal()), key), 'token_pin');
}

/** The words that name the password on later command lines. */
function passwordOption({ vaultId, vaultPasswordFile }: VaultOptions): string {
  const [id] = vaultId ?? [];
  if (id !== undefined) return `--vault-id ${id}`;
  const [file] = vaultPasswordFile ?? [];
  return file === undefined ? '--ask-vault-pass' : `--vault-password-file ${isAbsolute(file) ? file : resolve(file)}`;
}

/** Writes all files or none. */
async function writeAll(folder: string, texts: Record<string, string>, secrets: Record<string, SecretValue>): Promise<void> {
  const written: string[] = [];
  const folders: string[] = [];
  try {
    for (const [name, text] of [...Object.entries(texts), ...Object.entries(secrets)]) {
      const path = join(folder, name);
      const first = await mkdir(dirname(path), { recursive: true });
      if (first !== undefined) folders.push(...foldersBetween(first, dirname(path)));
      await writeFile(path, text instanceof Secret ? `${text.reveal()}\n` : text, { flag: 'wx', mode: text instanceof Secret ? PRIVATE : PUBLIC });
      written.push(path);
    }
  } catch (cause) {
    for (const path of written) await rm(path, { force: true });
    for (const path of folders.reverse()) await rmdir(path).catch(() => undefined);
    throw new HsmfleetError('FILE_WRITE', `the project cannot be written: ${(cause as Error).message}`, { hint: 'nothing was left behind', cause });
  }
}

/** The folders that were made, the outermost first. */
function foldersBetween(first: string, last: string): string[] {
  const found = [first];
  for (const name of relative(first, last).split('/').filter((each) => each !== '')) found.push(join(found.at(-1) ?? first, name));
  return found;
}

function tell(folder: string, names: readonly string[]): void {
  process.stdout.write(`made ${folder}:\n${names.map((name) => `  ${name}\n`).join('')}\nNext, in ${basename(folder)}: README.md has the commands in their order, from host keys to the first roll-out.\n`);
}
