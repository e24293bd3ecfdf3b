import { HsmfleetError } from '@hsmfleet/contract';
import { formatKeyType, isWeak, parseKeyId, parseKeyType, type TokenObject, type TokenSession } from '@hsmfleet/station';
import { askYes } from './ask-yes.ts';
import {
  filterOf, moduleOf, openStation, readNewPin, readSoPin, readUserPin, selectorOf, withTokenSession,
  type FilterOptions, type NewPinOptions, type PinOptions, type SoPinOptions, type TokenOptions,
} from './token-options.ts';

export interface InitOptions extends TokenOptions, SoPinOptions, NewPinOptions {
  label?: string;
  allowLowPinCount?: true;
  force?: true;
  yes?: true;
}
export interface ChangePinOptions extends TokenOptions, PinOptions, NewPinOptions {}
export interface UnblockOptions extends TokenOptions, SoPinOptions, NewPinOptions {
  allowLowPinCount?: true;
}
export interface KeygenOptions extends TokenOptions, PinOptions {
  type?: string;
  id?: string;
  label?: string;
}
export interface DeleteOptions extends TokenOptions, PinOptions, FilterOptions {
  yes?: true;
}

/** `token init` @throws HsmfleetError */
export async function initializeToken(options: InitOptions): Promise<number> {
  const label = wanted(options.label, '--label', 'the label that the token gets');
  const station = await openStation();
  const [module, selector] = [moduleOf(options), selectorOf(options)];
  const isNamed = Object.keys(selector).length > 0;
  const { slots } = await station.list(module);
  const before = isNamed ? slots.flatMap(({ token }) => token ?? []).filter((token) =>
    token.initialized && (selector.label ?? token.label) === token.label && (selector.serial ?? token.serial) === token.serial && (selector.slotId ?? token.slotId) === token.slotId) : [];
  for (const { slotId } of before) await refuseFull(await station.open({ module, token: { ...selector, slotId } }), options.force === true);
  const [old] = before;
  if (options.yes !== true && old !== undefined) await askYes(`Everything on the token ${old.label} (serial ${old.serial || 'none'}) will be lost.`, old.label === '' ? 'yes' : old.label);
  const soPin = await readSoPin(options, label, old === undefined);
  const userPin = await readNewPin(options, label);
  const token = await station.initialize({ module, token: selector, label, soPin, userPin, allowLowPinCount: options.allowLowPinCount === true });
  report(options, token, `initialized the token ${token.label} (serial ${token.serial || 'none'}); its PIN and SO PIN are set\n`);
  return 0;
}

/** `token pin change` @throws HsmfleetError */
export async function changePin(options: ChangePinOptions): Promise<number> {
  return withTokenSession(options, 'none', async (session) => {
    const { label } = session.token;
    process.stderr.write(`PIN of ${label}: ${session.pinTries().text}\n`);
    const oldPin = await readUserPin(options, label);
    const newPin = await readNewPin(options, label);
    await session.changePin(oldPin, newPin, { allowLowPinCount: options.allowLowPinCount === true });
    report(options, { token: label, changed: 'PIN' }, `changed the PIN of ${label}\n`);
    return 0;
  });
}

/** `token pin unblock` @throws HsmfleetError */
export async function unblockPin(options: UnblockOptions): Promise<number> {
  return withTokenSession(options, 'none', async (session) => {
    const { label, soPinState } = session.token;
    const { describeTries } = await import('@hsmfleet/pkcs11/station');
    process.stderr.write(`SO PIN of ${label}: ${describeTries(soPinState).text}\n`);
    const soPin = await readSoPin(options, label);
    const newPin = await readNewPin(options, label);
    await session.unblockPin(soPin, newPin, { allowLowPinCount: options.allowLowPinCount === true });
    report(options, { token: label, changed: 'PIN' }, `set the PIN of ${label}\n`);
    return 0;
  });
}

/** `token keygen` @throws HsmfleetError */
export async function makeKeyPair(options: KeygenOptions): Promise<number> {
  const type = parseKeyType(wanted(options.type, '--type', 'the kind of key'));
  const id = parseKeyId(wanted(options.id, '--id', 'the ID of the key pair'));
  const label = wanted(options.label, '--label', 'the label of the key pair');
  if (isWeak(type)) process.stderr.write('warning: RSA keys of 1024 bits can be broken, and browsers refuse them: use one for old devices in a laboratory only\n');
  return withTokenSession(options, 'user', async (session) => {
    const isShown = process.stderr.isTTY;
    const tick = (seconds: number): void => { process.stderr.write(`\rmaking ${formatKeyType(type)} on ${session.token.label}: ${String(seconds)} s`); };
    if (isShown) tick(0);
    let key: Awaited<ReturnType<TokenSession['generateKeyPair']>>;
    try {
      key = await session.generateKeyPair({ type, id, label, ...(isShown ? { onProgress: tick } : {}) });
    } finally {
      if (isShown) process.stderr.write('\r\u001b[K');
    }
    for (const warning of key.warnings) process.stderr.write(`warning: ${warning}\n`);
    const { spki, ...rest } = key;
    report(options, { ...rest, type: formatKeyType(type), spki: spki.toString('base64') },
      `made key pair ${id} "${label}" (${formatKeyType(type)}) on ${session.token.label} in ${key.seconds.toFixed(1)} s\nfingerprint (SHA-256 of the public key)  ${key.fingerprint}\n`);
    return 0;
  });
}

/** `token delete` @throws HsmfleetError */
export async function deleteFromToken(options: DeleteOptions): Promise<number> {
  const filter = filterOf(options);
  if (filter.id === undefined && filter.label === undefined) {
    throw new HsmfleetError('USAGE', 'what is to be deleted?', { hint: 'say it with --id or --label; `hsmfleet token objects` lists what there is' });
  }
  return withTokenSession(options, 'user', async (session) => {
    const objects = await session.objects(filter);
    const { describeObject } = await import('@hsmfleet/pkcs11/station');
    if (objects.length === 0) throw new HsmfleetError('OBJECT_NOT_FOUND', `the token ${session.token.label} has nothing with ${describeFilter(filter)}`, { hint: '`hsmfleet token objects --login` lists what there is' });
    const names = objects.map(describeObject);
    const isLost = objects.some(({ class: kind }) => kind === 'private');
    process.stderr.write(`on ${session.token.label} will be deleted:\n${names.map((name) => `  ${name}\n`).join('')}${isLost ? 'a private key that is deleted is lost for good: there is no copy of it\n' : ''}`);
    if (options.yes !== true) await askYes('Delete?');
    const deleted = await session.deleteObjects(objects);
    report(options, { token: session.token.label, deleted: objects.map(({ class: kind, id, label }) => ({ class: kind, id, label })) }, `deleted ${String(deleted)} ${deleted === 1 ? 'object' : 'objects'} from ${session.token.label}\n`);
    return 0;
  });
}

async function refuseFull(session: TokenSession, force: boolean): Promise<void> {
  let objects: TokenObject[];
  try {
    objects = await session.objects();
  } finally {
    await session.close();
  }
  if (objects.length === 0 || force) return;
  throw new HsmfleetError('OBJECT_EXISTS', `the token ${session.token.label} is in use: it has ${String(objects.length)} objects, and initializing it would destroy them`, {
    hint: 'look at them with `hsmfleet token objects`; when they may go, add --force',
  });
}

function describeFilter({ id, label, class: kind }: { id?: string; label?: string; class?: string }): string {
  return [id === undefined ? [] : `ID ${id}`, label === undefined ? [] : `label "${label}"`, kind === undefined ? [] : `class ${kind}`].flat().join(', ');
}

function wanted(value: string | undefined, option: string, what: string): string {
  if (value === undefined || value.trim() === '') throw new HsmfleetError('USAGE', `${option} is missing: ${what}`);
  return value;
}

function report({ json }: { json?: true }, value: unknown, text: string): void {
  process.stdout.write(json === true ? `${JSON.stringify(value, null, 2)}\n` : text);
}
