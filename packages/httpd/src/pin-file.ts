import { HsmfleetError, Secret } from '@hsmfleet/contract';

/*
 * mod_nss's PIN file (`NSSPassPhraseDialog file:…`), read exactly as mod_nss reads it (field notes 1.5). One start with
 * a line that it misreads costs up to six wrong logins, which locks a card: so everything doubtful is refused.
 */

/** Name under which mod_nss asks for the PIN of NSS's own software token (certutil says `NSS Certificate DB`). */
export const INTERNAL_TOKEN = 'internal';

/** mod_nss reads lines into 1024 bytes; what is longer goes on as a line of its own. */
const LINE_BYTES = 1023;

/** `STOR<TAB>token<TAB>pin` to the helper must fit 1024 bytes with its NUL. */
const MESSAGE_BYTES = 1023;

/** One line of a PIN file as mod_nss takes it. */
export interface PinLine {
  /** Counts from 1, in lines of the file as people see them. */
  line: number;
  /** Text before the first colon; undefined when there is none, so that mod_nss calls the line malformed. */
  token: string | undefined;
  /** What mod_nss would log in with: after the first colon, leading and trailing blanks dropped, CR and tabs kept. */
  pin: Secret | undefined;
  /** True when the line is longer than mod_nss's buffer, so that it is cut. */
  cut: boolean;
}

interface RawLine {
  line: number;
  text: string;
  cut: boolean;
}

/** Every line that can matter to mod_nss: empty ones are left out. Never throws. */
export function parsePinFile(text: string): PinLine[] {
  return rawLines(text).map((raw) => ({
    line: raw.line,
    token: raw.text.includes(':') ? raw.text.slice(0, raw.text.indexOf(':')) : undefined,
    pin: pinOf(raw.text),
    cut: raw.cut,
  }));
}

/**
 * The PIN that mod_nss would use for a token: of the last line that starts with the token's name. Undefined when no line
 * does, or when that line has no colon (mod_nss then asks the terminal, or sends garbage).
 */
export function pinFor(text: string, token: string): Secret | undefined {
  const raw = rawLines(text).findLast((line) => line.text.startsWith(token));
  return raw === undefined ? undefined : pinOf(raw.text);
}

/** What is wrong with one token's PIN, for people. Never holds a PIN. */
export interface PinFileProblem {
  token: string;
  /** Counts from 1; undefined when no line is to blame. */
  line?: number;
  message: string;
}

/**
 * Checks that mod_nss would read one sane PIN for each of these tokens. An empty answer means that the file is safe as
 * far as text can tell; whether a PIN is right only a login shows.
 * @param tokenLabels labels of all tokens present that need a login: mod_nss tries every one of them, used or not
 */
export function checkPinFile(text: string, tokenLabels: readonly string[]): PinFileProblem[] {
  const lines = rawLines(text);
  const problems: PinFileProblem[] = [];
  for (const token of tokenLabels) {
    const matching = lines.filter((line) => line.text.startsWith(token));
    const used = matching.at(-1);
    if (used === undefined) {
      problems.push({ token, message: `no line starts with "${token}:", so mod_nss would log in with an empty or random PIN` });
      continue;
    }
    const blame = (message: string): void => void problems.push({ token, line: used.line, message });
    const pin = pinOf(used.text)?.reveal();
    if (pin === undefined) {
      blame('the line has no colon, so mod_nss calls it malformed and logs in without a PIN');
      continue;
    }
    if (used.text.slice(0, used.text.indexOf(':')) !== token) {
      blame(`mod_nss matches by prefix and the last match wins: this line of another token is taken for "${token}"`);
    } else if (matching.length > 1) {
      blame(`${String(matching.length)} lines start with "${token}"; mod_nss uses this last one`);
    }
    if (used.cut) blame(`the line is longer than ${String(LINE_BYTES)} bytes and is cut by mod_nss`);
    if (pin.includes('\r')) blame('the line ends in CR (a file with Windows line ends), which mod_nss takes for a part of the PIN');
    if (pin.includes('\t')) blame("the PIN holds a tab, which breaks the protocol of mod_nss's helper");
    if (pin === '' && token !== INTERNAL_TOKEN) blame('the PIN is empty');
  }
  return problems;
}

/**
 * Text of a PIN file, one `token:pin` line each, in the order given.
 * @throws HsmfleetError PARAMS_INVALID for whatever mod_nss would misread; the message names the token, never the PIN
 */
export function renderPinFile(entries: readonly { token: string; pin: Secret }[]): Secret {
  if (entries.length === 0) refuse('a PIN file needs at least one token');
  for (const { token, pin } of entries) {
    checkToken(token);
    checkPin(token, pin.reveal());
  }
  const tokens = entries.map((entry) => entry.token);
  tokens.forEach((token, index) => {
    const other = tokens.find((name, at) => at !== index && name.startsWith(token));
    if (other === token) refuse(`token "${token}" is named twice`, 'mod_nss uses the last line; keep one');
    if (other !== undefined) {
      refuse(
        `token name "${token}" is the beginning of token name "${other}"`,
        'mod_nss matches lines by prefix, so one token would get the PIN of the other: label one of them anew',
      );
    }
  });
  return new Secret(entries.map(({ token, pin }) => `${token}:${pin.reveal()}\n`).join(''), 'the PIN file');
}

function checkToken(token: string): void {
  const name = JSON.stringify(token);
  if (token === '') refuse('a token name is empty', 'give the label of the token as it shows in the inventory');
  if (token.includes(':')) refuse(`token name ${name} holds a colon`, 'mod_nss splits its lines at the first colon: label the token anew');
  if (/^\s|\s$/.test(token)) refuse(`token name ${name} begins or ends with a blank`, 'labels are compared without padding: drop the blank');
   
  if (/[\x00-\x1f\x7f]/.test(token)) refuse(`token name ${name} holds a control character`);
}

function checkPin(token: string, pin: string): void {
  const what = `the PIN of token "${token}"`;
  if (pin === '' && token !== INTERNAL_TOKEN) refuse(`${what} is empty`);
  if (/[\r\n]/.test(pin)) refuse(`${what} holds a line end`, 'strip the line end where the secret comes from');
  if (/^ | $/.test(pin)) refuse(`${what} begins or ends with a blank`, 'mod_nss strips blanks around a PIN: such a PIN cannot be written');
  if (pin.includes('\t')) refuse(`${what} holds a tab`, "mod_nss's helper separates its fields by tabs: such a PIN cannot be written");
   
  if (/[\x00-\x1f\x7f]/.test(pin)) refuse(`${what} holds a control character`);
  const size = Buffer.byteLength(`STOR\t${token}\t${pin}`);
  if (size > MESSAGE_BYTES) refuse(`${what} makes a line that is too long for mod_nss`, `name and PIN may have ${String(MESSAGE_BYTES - 6)} bytes together`);
}

function refuse(message: string, hint?: string): never {
  throw new HsmfleetError('PARAMS_INVALID', message, { hint });
}

/** Lines as fgets hands them over: without the newline, cut at the buffer's size into further lines. */
function rawLines(text: string): RawLine[] {
  return text.split('\n').flatMap((whole, index) => {
    const bytes = Buffer.from(whole);
    if (bytes.length <= LINE_BYTES) return whole === '' ? [] : [{ line: index + 1, text: whole, cut: false }];
    const pieces: RawLine[] = [];
    for (let at = 0; at < bytes.length; at += LINE_BYTES) {
      pieces.push({ line: index + 1, text: bytes.subarray(at, at + LINE_BYTES).toString(), cut: true });
    }
    return pieces;
  });
}

function pinOf(line: string): Secret | undefined {
  const colon = line.indexOf(':');
  return colon === -1 ? undefined : new Secret(line.slice(colon + 1).replace(/^ +| +$/g, ''), 'a PIN file');
}
