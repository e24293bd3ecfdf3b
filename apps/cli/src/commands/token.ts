import { defineCommand, type Command } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';
import { JSON_OPTION, MODULE_OPTIONS, NEW_PIN_OPTIONS, PIN_OPTIONS, SO_PIN_OPTIONS, TOKEN_OPTIONS } from '../token-options.ts';
import type { ModuleOptions, TokenOptions } from '../token-options.ts';
import type { ExportOptions, ObjectsOptions, ReadObjectOptions } from '../token-read.ts';
import type { ChangePinOptions, DeleteOptions, InitOptions, KeygenOptions, UnblockOptions } from '../token-write.ts';

const YES_OPTION = { flags: '-y, --yes', description: 'do it without asking' };
const FILTER_OPTIONS = [
  { flags: '--id <hex>', description: 'objects with this ID, as hex bytes' },
  { flags: '--label <text>', description: 'objects with this label' },
  { flags: '--class <class>', description: 'objects of this class', choices: ['private', 'public', 'certificate', 'secret', 'data'] },
];
const FORCE_FILE_OPTION = { flags: '--force', description: 'write over files that exist' };

const list = defineCommand<ModuleOptions>({
  name: 'token list',
  summary: 'list the slots and tokens of a module',
  description: 'Opens no session, and needs no PIN.',
  arguments: [],
  options: [...MODULE_OPTIONS, JSON_OPTION, DEBUG_OPTION],
  examples: ['hsmfleet token list --module /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so'],
  async run({ options }) {
    const { listTokens } = await import('../token-read.ts');
    return listTokens(options);
  },
});

const show = defineCommand<TokenOptions>({
  name: 'token show',
  summary: 'show what a module and a token can do, and the state of the PINs',
  description: 'Needs no PIN. How many tries are left is said as far as the token tells: PKCS#11 knows flags, no numbers.',
  arguments: [],
  options: TOKEN_OPTIONS,
  examples: ['hsmfleet token show --token web01'],
  async run({ options }) {
    const { showToken } = await import('../token-read.ts');
    return showToken(options);
  },
});

const objects = defineCommand<ObjectsOptions>({
  name: 'token objects',
  summary: 'list keys, certificates and data on a token',
  description: 'Most tokens show private keys after a login only: ask for one with --login, or say where the PIN is.',
  arguments: [],
  options: [...FILTER_OPTIONS, { flags: '-l, --login', description: 'log in first; asks for the PIN' }, ...TOKEN_OPTIONS, ...PIN_OPTIONS],
  examples: ['hsmfleet token objects --token web01', 'hsmfleet token objects --token web01 --login --id 03'],
  async run({ options }) {
    const { listObjects } = await import('../token-read.ts');
    return listObjects(options);
  },
});

const init = defineCommand<InitOptions>({
  name: 'token init',
  summary: 'initialize a token: label, SO PIN and PIN; everything on it is lost',
  description: 'Without --token, --serial or --slot the one token that was never initialized is taken. A token that shows objects is refused without --force.',
  arguments: [],
  options: [
    { flags: '--label <text>', description: 'label that the token gets' },
    ...TOKEN_OPTIONS, ...SO_PIN_OPTIONS, ...NEW_PIN_OPTIONS,
    { flags: '--allow-low-pin-count', description: 'go on although wrong SO PINs were tried before; never on a locked token' },
    { flags: '--force', description: 'initialize a token that has objects: they are lost' },
    YES_OPTION,
  ],
  examples: ['hsmfleet token init --label web01', 'hsmfleet token init --label web01 --serial DENK0100123 --so-pin-fd 3 --new-pin-fd 3 --yes 3<pins'],
  async run({ options }) {
    const { initializeToken } = await import('../token-write.ts');
    return initializeToken(options);
  },
});

const changePin = defineCommand<ChangePinOptions>({
  name: 'token pin change',
  summary: 'change the PIN of a token',
  arguments: [],
  options: [...TOKEN_OPTIONS, ...PIN_OPTIONS, ...NEW_PIN_OPTIONS],
  examples: ['hsmfleet token pin change --token web01'],
  async run({ options }) {
    const { changePin: change } = await import('../token-write.ts');
    return change(options);
  },
});

const unblockPin = defineCommand<UnblockOptions>({
  name: 'token pin unblock',
  summary: 'set the PIN of a token with the SO PIN, after it was locked or forgotten',
  arguments: [],
  options: [
    ...TOKEN_OPTIONS, ...SO_PIN_OPTIONS, ...NEW_PIN_OPTIONS,
    { flags: '--allow-low-pin-count', description: 'go on although wrong SO PINs were tried before; never when it is locked' },
  ],
  examples: ['hsmfleet token pin unblock --token web01'],
  async run({ options }) {
    const { unblockPin: unblock } = await import('../token-write.ts');
    return unblock(options);
  },
});

const keygen = defineCommand<KeygenOptions>({
  name: 'token keygen',
  summary: 'make a key pair on a token',
  description: 'The private key is made on the token and cannot leave it. An ID or label that is in use is refused.',
  arguments: [],
  options: [
    { flags: '--type <type>', description: 'rsa:1024, rsa:2048, rsa:3072, rsa:4096, EC:prime256v1, EC:secp384r1, EC:secp521r1, EC:secp256k1, EC:brainpoolP256r1, EC:brainpoolP384r1 or EC:brainpoolP512r1' },
    { flags: '--id <hex>', description: 'ID of the key pair, as hex bytes' },
    { flags: '--label <text>', description: 'label of the key pair' },
    ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token keygen --token web01 --type rsa:2048 --id 03 --label www', 'hsmfleet token keygen --token web01 --type EC:prime256v1 --id 04 --label www-ec --pin-file pin'],
  async run({ options }) {
    const { makeKeyPair } = await import('../token-write.ts');
    return makeKeyPair(options);
  },
});

const readObject = defineCommand<ReadObjectOptions>({
  name: 'token read-object',
  summary: 'read a certificate, public key or data object of a token',
  arguments: [],
  options: [
    ...FILTER_OPTIONS,
    { flags: '-o, --out <file>', description: 'write it to this file; standard output when absent' },
    { flags: '--format <format>', description: 'PEM or DER; data objects are written as they are', choices: ['pem', 'der'], default: 'pem' },
    FORCE_FILE_OPTION, ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token read-object --token web01 --class certificate --id 03 --out www.crt'],
  async run({ options }) {
    const { readTokenObject } = await import('../token-read.ts');
    return readTokenObject(options);
  },
});

const exportAll = defineCommand<ExportOptions>({
  name: 'token export',
  summary: 'write the certificates and public keys of a token as PEM',
  description: 'For each ID a certificate (ID.crt) and the public key (ID.pub); everything to standard output without --out. Needs no PIN.',
  arguments: [],
  options: [
    { flags: '--id <hex>', description: 'of this ID only' },
    { flags: '-o, --out <folder>', description: 'write files into this folder, which is made when it is not there' },
    FORCE_FILE_OPTION, ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token export --token web01 --out web01'],
  async run({ options }) {
    const { exportToken } = await import('../token-read.ts');
    return exportToken(options);
  },
});

const deleteObjects = defineCommand<DeleteOptions>({
  name: 'token delete',
  summary: 'delete keys, certificates and data from a token',
  description: 'Says what goes, and asks. With --id alone the private key, the public key and the certificates go.',
  arguments: [],
  options: [...FILTER_OPTIONS, YES_OPTION, ...TOKEN_OPTIONS, ...PIN_OPTIONS],
  examples: ['hsmfleet token delete --token web01 --id 03', 'hsmfleet token delete --token web01 --id 03 --class certificate --yes --pin-file pin'],
  async run({ options }) {
    const { deleteFromToken } = await import('../token-write.ts');
    return deleteFromToken(options);
  },
});

/** Commands that prepare tokens at a station. */
export const TOKEN_COMMANDS: readonly Command[] = [list, show, objects, init, changePin, unblockPin, keygen, readObject, exportAll, deleteObjects];
