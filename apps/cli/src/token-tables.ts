import { formatTable, printable, type Colors, type TableCell } from '@hsmfleet/reporter';
import type { MechanismRow, ModuleListing, SlotToken, TokenObject } from '@hsmfleet/station';

/** Token flags in words; those that say nothing to people at a station are left out. */
const FLAG_WORDS: Readonly<Record<string, string>> = {
  WRITE_PROTECTED: 'write-protected', LOGIN_REQUIRED: 'login required', USER_PIN_INITIALIZED: 'PIN set', PROTECTED_AUTHENTICATION_PATH: 'PIN pad',
  TOKEN_INITIALIZED: 'initialized', USER_PIN_COUNT_LOW: 'wrong PIN tried', USER_PIN_FINAL_TRY: 'one PIN try left', USER_PIN_LOCKED: 'PIN LOCKED',
  USER_PIN_TO_BE_CHANGED: 'PIN to be changed', SO_PIN_COUNT_LOW: 'wrong SO PIN tried', SO_PIN_FINAL_TRY: 'one SO PIN try left', SO_PIN_LOCKED: 'SO PIN LOCKED',
  SO_PIN_TO_BE_CHANGED: 'SO PIN to be changed', CLOCK_ON_TOKEN: 'clock', RNG: 'random numbers', ERROR_STATE: 'ERROR STATE',
};

/** A token's flags in words. SoftHSM flags the SO PIN of a token that has none as locked; that says nothing. */
export function flagWords({ flags, initialized }: Pick<SlotToken, 'flags' | 'initialized'>): string {
  const words = flags.filter((name) => initialized || !name.startsWith('SO_PIN_')).flatMap((name) => FLAG_WORDS[name] ?? []);
  return [...(initialized ? [] : ['not initialized']), ...words].join(', ');
}

/** "PKCS#11 module PATH: DESCRIPTION (MANUFACTURER) VERSION, Cryptoki 2.40" */
export function moduleLine({ path, description, manufacturer, version, cryptokiVersion }: ModuleListing): string {
  return `${printable(path)}: ${printable(description)} (${printable(manufacturer)}), version ${version}, Cryptoki ${cryptokiVersion}\n`;
}

/** Slots, with and without tokens. */
export function slotTable({ slots }: ModuleListing, colors: Colors): string {
  if (slots.length === 0) return 'the module shows no slot: is a reader plugged in, and does pcscd run?\n';
  const rows = slots.map(({ slotIndex, slotId, description, token, problem }): TableCell[] => {
    const place = [slotIndex, slotId];
    if (token === null) return [...place, null, null, null, null, null, problem ?? `empty: ${description}`];
    return [
      ...place, token.label === '' ? null : token.label, token.serial === '' ? null : token.serial, token.manufacturer, token.model,
      `${token.hardwareVersion} / ${token.firmwareVersion}`, flagWords(token),
    ];
  });
  return formatTable(['number', 'slot ID', 'token', 'serial', 'manufacturer', 'model', 'hardware / firmware', 'flags'], rows, colors);
}

/** Lines of names and values, names to the left. */
export function facts(rows: readonly (readonly [string, string])[], colors: Colors): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${colors.bold(name.padEnd(width))}  ${printable(value)}\n`).join('');
}

/** What a token can do. */
export function mechanismTable(mechanisms: readonly MechanismRow[], colors: Colors): string {
  return formatTable(['mechanism', 'key sizes', 'for'], mechanisms.map(({ name, minKeySize, maxKeySize, flags }): TableCell[] =>
    [name, maxKeySize === 0 ? null : minKeySize === maxKeySize ? String(minKeySize) : `${String(minKeySize)} to ${String(maxKeySize)}`, flags.join(', ')]), colors);
}

/** Objects, a line each. */
export function objectTable(objects: readonly TokenObject[], colors: Colors): string {
  return formatTable(['class', 'id', 'label', 'type', 'usage', 'access', 'fingerprint / subject'], objects.map((object): TableCell[] => [
    object.class, object.id === '' ? null : object.id, object.label === '' ? null : object.label, typeOf(object),
    object.usage.length === 0 ? null : object.usage.join(', '), object.access.length === 0 ? null : object.access.join(', '),
    object.subject !== null ? `${object.subject}, until ${object.notAfter?.slice(0, 10) ?? 'unknown'}` : object.fingerprint?.slice(0, 16) ?? null,
  ]), colors);
}

/** An object for --json: no handles, which mean nothing outside the session, and bytes as base64. */
export function objectJson({ handle: _, spki, value, ...object }: TokenObject): Record<string, unknown> {
  return { ...object, spki: spki?.toString('base64') ?? null, value: value?.toString('base64') ?? null };
}

function typeOf({ keyType, bits, curve }: TokenObject): string | null {
  return keyType === null ? null : [keyType, curve ?? (bits === null ? '' : String(bits))].join(' ').trim();
}
