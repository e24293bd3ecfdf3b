import { realpath, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { HsmfleetError } from '@hsmfleet/contract';
import type { ModuleTarget } from '@hsmfleet/resource';
import type { InitializeOptions, ModuleListing, OpenOptions, SlotToken, Station, TokenSelector, TokenSession } from '@hsmfleet/station';
import { CKF, flagNames } from '../cryptoki.ts';
import { openPinLedger, type PinLedger } from '../pin-ledger.ts';
import { pinStateOf } from '../token-state.ts';
import { TOKEN_LABEL_BYTES } from './child-session.ts';
import { describeToken, rememberNewPin, soPinStateOf, tryPinOnce } from './login-guard.ts';
import type { RawListing, RawSlot } from './protocol.ts';
import { checkModulePath, StationChannel } from './station-channel.ts';
import { describeResult, describeStationFailure } from './station-failure.ts';
import { checkNewPin, StationSession, type SessionParts } from './token-session.ts';

/** Milliseconds in which a card may be wiped. */
const INITIALIZE_TIMEOUT_MS = 60_000;
/** Milliseconds in which a card may make a key pair: RSA-4096 was seen to take well over a minute. */
const GENERATE_TIMEOUT_MS = 180_000;

export interface StationOptions {
  /** How to start the child, {@link stationChildArgv} by default. */
  childArgv?: readonly string[];
  /** Private directory for the ledger of PINs; made when something is first written. */
  stateDir: string;
  /** Milliseconds in which a key pair has to be made, 180 000 by default. */
  generateTimeoutMs?: number;
}

/** The child lies next to this file, as source or, bundled under the same name, as a built module. */
export function stationChildArgv(): string[] {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'mjs';
  return [process.execPath, fileURLToPath(new URL(`./station-process.${suffix}`, import.meta.url))];
}

/** Makes the station; no process is started before it is used. */
export function openStation({ childArgv = stationChildArgv(), stateDir, generateTimeoutMs = GENERATE_TIMEOUT_MS }: StationOptions): Station {
  const ledger = openPinLedger(stateDir);
  return {
    async list(module) {
      await checkModule(module.path);
      const channel = new StationChannel(childArgv, module);
      try {
        return interpretListing(module.path, await listRaw(channel, module));
      } finally {
        await channel.close();
      }
    },
    async open(options) {
      await checkModule(options.module.path);
      const channel = new StationChannel(childArgv, options.module);
      try {
        return await openSession({ channel, ledger, generateTimeoutMs }, options);
      } catch (thrown) {
        await channel.close();
        throw thrown;
      }
    },
    async initialize(options) {
      await checkModule(options.module.path);
      const channel = new StationChannel(childArgv, options.module);
      try {
        return await initialize(channel, ledger, options);
      } finally {
        await channel.close();
      }
    },
  };
}

async function listRaw(channel: StationChannel, module: ModuleTarget): Promise<RawListing> {
  const outcome = await channel.ask({ op: 'list' });
  if (outcome.kind !== 'answer') throw describeStationFailure({ library: module.path, what: 'listing tokens' }, outcome);
  return outcome.answer;
}

async function openSession(parts: Omit<SessionParts, 'module' | 'token'>, { module, token: selector }: OpenOptions): Promise<TokenSession> {
  const { channel } = parts;
  const listing = interpretListing(module.path, await listRaw(channel, module));
  const token = chooseToken(listing, selector, (candidate) => candidate.initialized || candidate.label !== '');
  const { slotId, label, serial } = token;
  const outcome = await channel.ask({ op: 'open', slotId, label, serial });
  if (outcome.kind !== 'answer') throw describeStationFailure({ library: module.path, token: describeToken(token), what: 'opening a session' }, outcome);
  return new StationSession({ ...parts, module, token });
}

async function initialize(channel: StationChannel, ledger: PinLedger, options: InitializeOptions): Promise<SlotToken> {
  const { module, label, soPin, userPin, allowLowPinCount = false } = options;
  const hasSelector = Object.values(options.token).some((value) => value !== undefined);
  const listing = interpretListing(module.path, await listRaw(channel, module));
  const token = chooseToken(listing, options.token, (candidate) => hasSelector || !candidate.initialized);
  checkLabel(label, listing, token);
  checkNewPin(token, userPin, 'the PIN');
  checkNewPin(token, soPin, 'the SO PIN');
  const doing = { library: module.path, token: describeToken(token), what: 'initializing' };
  await tryPinOnce(ledger, {
    library: module.path, token, owner: 'so', pin: soPin, allowLowPinCount, what: 'initializing',
    send: async (refuseFlags) => {
      const request = { op: 'init_token', slotId: token.slotId, label: token.label, serial: token.serial, soPin: soPin.reveal(), newLabel: label, refuseFlags } as const;
      const outcome = await channel.ask(request, INITIALIZE_TIMEOUT_MS);
      if (outcome.kind !== 'answer') throw describeStationFailure({ ...doing, withPin: true }, outcome);
      return outcome.answer;
    },
  });
  const login = await channel.ask({ op: 'login', owner: 'so', pin: soPin.reveal(), refuseFlags: 0 }, INITIALIZE_TIMEOUT_MS);
  const unfinished = { ...doing, what: 'setting the PIN of the new token', withPin: true };
  if (login.kind !== 'answer') throw describeStationFailure(unfinished, login);
  if (login.answer.kind !== 'tried' || login.answer.result !== 'CKR_OK') {
    throw describeResult(unfinished, 'C_Login', login.answer.kind === 'tried' ? login.answer.result : 'CKR_TOKEN_NOT_PRESENT');
  }
  const pin = await channel.ask({ op: 'init_user_pin', newPin: userPin.reveal() }, INITIALIZE_TIMEOUT_MS);
  if (pin.kind !== 'answer') throw describeStationFailure(unfinished, pin);
  if (pin.answer.result !== 'CKR_OK') throw describeResult(unfinished, 'C_InitPIN', pin.answer.result);
  const made = (await listRaw(channel, module)).slots.map(interpretSlot).find(({ slotId }) => slotId === token.slotId)?.token ?? { ...token, label };
  await rememberNewPin(ledger, made, 'so', soPin);
  await rememberNewPin(ledger, made, 'user', userPin);
  return made;
}

function checkLabel(label: string, { path, slots }: ModuleListing, chosen: SlotToken): void {
  const length = Buffer.byteLength(label);
  if (label.trim() === '' || length > TOKEN_LABEL_BYTES) {
    throw new HsmfleetError('USAGE', label.trim() === '' ? 'the label of a token must not be empty' : `the label is ${length} bytes long`, { hint: `a token's label has 1 to ${TOKEN_LABEL_BYTES} bytes` });
  }
  if (slots.some(({ slotId, token }) => token?.label === label && slotId !== chosen.slotId)) {
    throw new HsmfleetError('OBJECT_EXISTS', `another token of ${path} has the label ${label} already`, { hint: 'choose another label: web servers find tokens by it' });
  }
}

/** The one token that fits, or an error that shows what there is. */
function chooseToken({ path, slots }: ModuleListing, { label, serial, slotId }: TokenSelector, isCandidate: (token: SlotToken) => boolean): SlotToken {
  const tokens = slots.flatMap(({ token }) => token ?? []);
  const found = tokens.filter((token) =>
    isCandidate(token) && (label === undefined || token.label === label) && (serial === undefined || token.serial === serial) && (slotId === undefined || token.slotId === slotId));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const wanted = [label === undefined ? [] : `label ${label}`, serial === undefined ? [] : `serial ${serial}`, slotId === undefined ? [] : `slot ${slotId}`].flat().join(', ');
  const problem = slots.find((slot) => slot.problem !== null);
  if (only === undefined && tokens.length === 0 && problem !== undefined) throw describeResult({ library: path, what: `reading slot ${problem.slotId}` }, 'C_GetTokenInfo', problem.problem ?? '');
  const present = tokens.map((token) => `${token.label === '' ? '(no label)' : token.label} (serial ${token.serial || 'none'}, slot ${token.slotId})`);
  throw new HsmfleetError('TOKEN_NOT_FOUND',
    only !== undefined ? `${found.length} tokens of ${path} fit${wanted === '' ? '' : ` ${wanted}`}: say which one`
      : wanted !== '' ? `no token of ${path} has ${wanted}` : `${path} shows no token to work on`,
    { hint: tokens.length === 0 ? 'no token is present: is it plugged in, does pcscd run, and does the module know where to look (--module-env)?' : `present: ${present.join(', ')}; choose with --token, --serial or --slot` });
}

/** @throws HsmfleetError USAGE, PKCS11 when the path names no file */
async function checkModule(path: string): Promise<void> {
  checkModulePath(path);
  let isFile: boolean;
  try {
    isFile = (await stat(await realpath(path))).isFile();
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    throw code === 'ENOENT'
      ? new HsmfleetError('PKCS11', `the module ${path} does not exist`, { hint: 'install the library, or correct the path' })
      : new HsmfleetError('PKCS11', `the module ${path} cannot be read: ${message}`);
  }
  if (!isFile) throw new HsmfleetError('PKCS11', `the module ${path} is not a regular file`, { hint: 'give the path of the PKCS#11 library itself' });
}

function interpretListing(path: string, { slots, ...info }: RawListing): ModuleListing {
  return { path, ...info, slots: slots.map(interpretSlot) };
}

function interpretSlot({ slotId, slotIndex, description, token, problem }: RawSlot): ModuleListing['slots'][number] {
  if (token === null) return { slotId, slotIndex, description, token, problem };
  const { flags, minPinLength, maxPinLength, ...names } = token;
  return {
    slotId, slotIndex, description, problem,
    token: {
      slotId, slotIndex, ...names, minPinLength, maxPinLength,
      flags: flagNames(flags),
      initialized: (flags & CKF.TOKEN_INITIALIZED) !== 0,
      pinState: pinStateOf(flags),
      soPinState: soPinStateOf(flags),
    },
  };
}
