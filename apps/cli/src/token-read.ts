import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HsmfleetError } from '@hsmfleet/contract';
import { createColors, wantsColor } from '@hsmfleet/reporter';
import { parseKeyId, type ObjectFilter, type TokenObject } from '@hsmfleet/station';
import { encodePem } from '@hsmfleet/x509/issue';
import { writeOutput } from './output-file.ts';
import { facts, flagWords, mechanismTable, moduleLine, objectJson, objectTable, slotTable } from './token-tables.ts';
import { filterOf, moduleOf, openStation, selectorOf, withTokenSession, type FilterOptions, type ModuleOptions, type PinOptions, type TokenOptions } from './token-options.ts';

export interface ObjectsOptions extends TokenOptions, PinOptions, FilterOptions {
  login?: true;
}
export interface ReadObjectOptions extends TokenOptions, PinOptions, FilterOptions {
  out?: string;
  format: 'pem' | 'der';
  force?: true;
}
export interface ExportOptions extends TokenOptions, PinOptions {
  id?: string;
  out?: string;
  force?: true;
}

/** `token list` @throws HsmfleetError */
export async function listTokens(options: ModuleOptions): Promise<number> {
  const listing = await (await openStation()).list(moduleOf(options));
  if (options.json === true) printJson(listing);
  else process.stdout.write(`${moduleLine(listing)}\n${slotTable(listing, colors())}`);
  return 0;
}

/** `token show` @throws HsmfleetError */
export async function showToken(options: TokenOptions): Promise<number> {
  const station = await openStation();
  const [module, selector] = [moduleOf(options), selectorOf(options)];
  const listing = await station.list(module);
  const { path, manufacturer, description, version, cryptokiVersion } = listing;
  const library = { path, manufacturer, description, version, cryptokiVersion };
  if (listing.slots.every(({ token }) => token === null) && Object.keys(selector).length === 0) {
    if (options.json === true) printJson({ module: library, token: null });
    else process.stdout.write(`${moduleLine(listing)}\nno token is present\n`);
    return 0;
  }
  const session = await station.open({ module, token: selector });
  try {
    const { token } = session;
    const mechanisms = await session.mechanisms();
    const { describeTries } = await import('@hsmfleet/pkcs11/station');
    const tries = { pin: session.pinTries(), soPin: describeTries(token.soPinState) };
    if (options.json === true) {
      printJson({ module: library, token, tries, mechanisms });
      return 0;
    }
    const length = token.maxPinLength === 0 ? 'the module does not say' : `${String(token.minPinLength)} to ${String(token.maxPinLength)} characters`;
    process.stdout.write(`${moduleLine(listing)}\n${facts([
      ['token', token.label], ['serial', token.serial || 'none'], ['slot', `number ${String(token.slotIndex)}, ID ${String(token.slotId)}`],
      ['manufacturer', token.manufacturer], ['model', token.model], ['hardware', token.hardwareVersion], ['firmware', token.firmwareVersion],
      ['flags', flagWords(token)], ['PIN', tries.pin.text], ['SO PIN', tries.soPin.text], ['PIN length', length],
    ], colors())}\n${mechanismTable(mechanisms, colors())}`);
    return 0;
  } finally {
    await session.close();
  }
}

/** `token objects` @throws HsmfleetError */
export async function listObjects(options: ObjectsOptions): Promise<number> {
  return withTokenSession(options, options.login === true ? 'user' : 'if given', async (session) => {
    const objects = await session.objects(filterOf(options));
    if (options.json === true) {
      printJson({ token: { label: session.token.label, serial: session.token.serial }, loggedIn: session.loggedIn, objects: objects.map(objectJson) });
      return 0;
    }
    process.stdout.write(objects.length === 0 ? 'no object fits\n' : objectTable(objects, colors()));
    if (!session.loggedIn && !objects.some(({ class: kind }) => kind === 'private')) process.stderr.write('private keys are shown after a login: --login\n');
    return 0;
  });
}

/** `token read-object` @throws HsmfleetError */
export async function readTokenObject(options: ReadObjectOptions): Promise<number> {
  const filter = filterOf(options);
  if (filter.class === 'private' || filter.class === 'secret') {
    throw new HsmfleetError('USAGE', `${filter.class} keys do not leave a token`, { hint: 'read the public key or the certificate: --class public, --class certificate' });
  }
  return withTokenSession(options, 'if given', async (session) => {
    const readable = (await session.objects(filter)).filter(({ class: kind }) => kind !== 'private' && kind !== 'secret');
    const object = onlyOne(readable, filter);
    const bytes = contentOf(object, options.format);
    if (options.out !== undefined) await writeOutput(options.out, { force: options.force === true }, () => Promise.resolve({ contents: bytes }));
    if (options.json === true) printJson(objectJson(object));
    else if (options.out === undefined) process.stdout.write(bytes);
    else process.stdout.write(`wrote ${options.out}\n`);
    return 0;
  });
}

/** `token export` @throws HsmfleetError */
export async function exportToken(options: ExportOptions): Promise<number> {
  const filter: ObjectFilter = options.id === undefined ? {} : { id: parseKeyId(options.id) };
  return withTokenSession(options, 'if given', async (session) => {
    const files = exportedFiles(await session.objects(filter));
    if (files.length === 0) throw new HsmfleetError('OBJECT_NOT_FOUND', `the token ${session.token.label} shows no certificate and no public key${options.id === undefined ? '' : ` with ID ${options.id}`}`);
    if (options.out !== undefined) {
      mkdirSync(options.out, { recursive: true });
      for (const { name, pem } of files) await writeOutput(join(options.out, name), { force: options.force === true }, () => Promise.resolve({ contents: pem }));
    }
    if (options.json === true) printJson(files);
    else process.stdout.write(files.map(({ name, pem }) => (options.out === undefined ? pem : `wrote ${join(options.out, name)}\n`)).join(''));
    return 0;
  });
}

/** Certificates by ID, and the public key of each ID: from the key object, else from the certificate. */
function exportedFiles(objects: readonly TokenObject[]): { name: string; id: string; label: string; pem: string }[] {
  const used = new Map<string, number>();
  const named = (base: string, extension: string): string => {
    const count = (used.get(base + extension) ?? 0) + 1;
    used.set(base + extension, count);
    return `${base}${count === 1 ? '' : `-${String(count)}`}${extension}`;
  };
  const base = (id: string): string => (id === '' ? 'no-id' : id);
  const certificates = objects.filter((object) => object.class === 'certificate' && object.value !== null);
  const publics = objects.filter((object) => object.class === 'public' && object.spki !== null);
  const withoutKey = certificates.filter((certificate) => certificate.spki !== null && !publics.some(({ id, fingerprint }) => id === certificate.id || fingerprint === certificate.fingerprint));
  return [
    ...certificates.map(({ id, label, value }) => ({ name: named(base(id), '.crt'), id, label, pem: encodePem('CERTIFICATE', value ?? Buffer.alloc(0)) })),
    ...[...publics, ...withoutKey].map(({ id, label, spki }) => ({ name: named(base(id), '.pub'), id, label, pem: encodePem('PUBLIC KEY', spki ?? Buffer.alloc(0)) })),
  ];
}

function onlyOne(objects: readonly TokenObject[], filter: ObjectFilter): TokenObject {
  const [object] = objects;
  const wanted = Object.entries(filter).map(([name, value]) => `${name} ${String(value)}`).join(', ') || 'nothing in particular';
  if (object === undefined) throw new HsmfleetError('OBJECT_NOT_FOUND', `no object that can be read fits ${wanted}`, { hint: '`hsmfleet token objects` lists what there is' });
  if (objects.length > 1) {
    throw new HsmfleetError('USAGE', `${String(objects.length)} objects fit ${wanted}`, { hint: `say which one with --id, --label and --class (there are: ${objects.map(({ class: kind, id }) => `${kind} ${id}`).join(', ')})` });
  }
  return object;
}

function contentOf(object: TokenObject, format: 'pem' | 'der'): Buffer {
  const bytes = object.class === 'public' ? object.spki : object.value;
  if (bytes === null) throw new HsmfleetError('OBJECT_NOT_FOUND', `the token does not show the value of ${object.class} ${object.id}`, { hint: 'some objects are read after a login only: say where the PIN is' });
  if (format === 'der' || object.class === 'data') return bytes;
  return Buffer.from(encodePem(object.class === 'public' ? 'PUBLIC KEY' : 'CERTIFICATE', bytes));
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

function colors(): ReturnType<typeof createColors> {
  return createColors(wantsColor(process.stdout));
}
