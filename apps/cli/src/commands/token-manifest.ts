import { defineCommand, type Command } from '../command.ts';
import { HsmfleetError } from '@hsmfleet/contract';
import { DEBUG_OPTION } from '../fleet-options.ts';
import { JSON_OPTION, PIN_OPTIONS, TOKEN_OPTIONS, type PinOptions, type TokenOptions } from '../token-options.ts';

interface CreateOptions extends TokenOptions, PinOptions {
  key?: string;
  note?: string;
  force?: true;
}

interface VerifyOptions extends TokenOptions {
  key?: string[];
}

const FILE = { name: '<file>', description: 'manifest file' };

const key = defineCommand({
  name: 'token manifest key',
  summary: 'make the key pair of an operator, who signs manifests with it',
  description: 'FILE is the private key (Ed25519, readable by you alone); FILE.pub is for those who are to trust it.',
  arguments: [{ name: '<file>', description: 'private key file to make' }],
  options: [DEBUG_OPTION],
  examples: ['hsmfleet token manifest key station.key'],
  async run({ args: [file = ''] }) {
    const { makeOperatorKey } = await import('../token-manifest.ts');
    process.stdout.write(await makeOperatorKey(file));
    return 0;
  },
});

const create = defineCommand<CreateOptions>({
  name: 'token manifest create',
  summary: 'state what is on a token, and sign it',
  description: 'Changes nothing on the token. With a PIN the keys of the token sign as well, which proves that they are there.',
  arguments: [FILE],
  options: [
    { flags: '-k, --key <file>', description: 'private key of the operator, made by `token manifest key`' },
    { flags: '--note <text>', description: 'words of your own, signed as well' },
    { flags: '--force', description: 'write over a manifest that exists' },
    ...TOKEN_OPTIONS, ...PIN_OPTIONS,
  ],
  examples: ['hsmfleet token manifest create manifests/web01.json --key station.key --token web01 --pin-file pin'],
  async run({ args: [file = ''], options }) {
    if (options.key === undefined) {
      throw new HsmfleetError('USAGE', 'a manifest needs the key of who prepared the token', { hint: 'give it with --key; `hsmfleet token manifest key FILE` makes one' });
    }
    const { createTokenManifest } = await import('../token-manifest.ts');
    return print(await createTokenManifest(file, options.key, options), options.json);
  },
});

const show = defineCommand<{ json?: true }>({
  name: 'token manifest show',
  summary: 'print what a manifest states, without asking who signed it',
  arguments: [FILE],
  options: [JSON_OPTION, DEBUG_OPTION],
  examples: ['hsmfleet token manifest show manifests/web01.json'],
  async run({ args: [file = ''], options }) {
    const { showManifest } = await import('../token-manifest.ts');
    return print(await showManifest(file), options.json);
  },
});

const verify = defineCommand<VerifyOptions>({
  name: 'token manifest verify',
  summary: 'verify the signature of a manifest, and hold a token against it',
  description: 'The token is looked at when a module is given with --module. Needs no PIN and changes nothing.',
  arguments: [FILE],
  options: [
    { flags: '-k, --key <file>', description: 'public key that is trusted to sign manifests; may be repeated', repeat: true },
    ...TOKEN_OPTIONS,
  ],
  examples: ['hsmfleet token manifest verify manifests/web01.json --key station.key.pub', 'hsmfleet token manifest verify manifests/web01.json --key station.key.pub --module /usr/lib/libsc-hsm-pkcs11.so'],
  async run({ args: [file = ''], options }) {
    if (options.key === undefined) {
      throw new HsmfleetError('USAGE', 'who is trusted to sign manifests?', { hint: 'give public keys with --key' });
    }
    const { verifyTokenManifest } = await import('../token-manifest.ts');
    return print(await verifyTokenManifest(file, options.key, options), options.json);
  },
});

/** `hsmfleet token manifest …`: the chain of custody begins here. */
export const tokenManifest: readonly Command[] = [key, create, show, verify];

function print({ text, json }: { text: string; json: unknown }, asJson: true | undefined): number {
  process.stdout.write(asJson === true ? `${JSON.stringify(json, null, 2)}\n` : text);
  return 0;
}
