import type { PinState, Secret } from '@hsmfleet/contract';
import type { ModuleTarget } from '@hsmfleet/resource';
import type { Signer } from '@hsmfleet/x509';
import type { KeyType } from './key-type.ts';

/** Tokens of a station, through any PKCS#11 module. Every call runs in a child process with a deadline. */
export interface Station {
  /**
   * What a module is, and its slots, with and without tokens. No session is opened.
   * @throws HsmfleetError PKCS11, TIMEOUT
   */
  list(module: ModuleTarget): Promise<ModuleListing>;
  /**
   * Opens a session on one token. Without a login it reads only, and its end disturbs nobody (field notes 0b). Close it.
   * @throws HsmfleetError TOKEN_NOT_FOUND when no token, or more than one, fits; PKCS11, TIMEOUT
   */
  open(options: OpenOptions): Promise<TokenSession>;
  /**
   * Initializes a token (C_InitToken, then C_InitPIN): **everything on it is lost**. The SO PIN guard applies to a token
   * that was initialized before.
   * @throws HsmfleetError TOKEN_NOT_FOUND, PIN_REFUSED, PIN_INCORRECT, PKCS11, TIMEOUT
   */
  initialize(options: InitializeOptions): Promise<SlotToken>;
}

/** Which token: everything given has to fit. Nothing given: the only initialized token of the module. */
export interface TokenSelector {
  label?: string;
  serial?: string;
  /** The slot's ID (not its number in the list). */
  slotId?: number;
}

export interface OpenOptions {
  module: ModuleTarget;
  token: TokenSelector;
}

export interface InitializeOptions {
  module: ModuleTarget;
  /** Nothing given: the only token that was never initialized. */
  token: TokenSelector;
  label: string;
  soPin: Secret;
  userPin: Secret;
  allowLowPinCount?: boolean;
}

/** A module and its slots. */
export interface ModuleListing {
  path: string;
  manufacturer: string;
  description: string;
  version: string;
  cryptokiVersion: string;
  slots: SlotRow[];
}

export interface SlotRow {
  slotId: number;
  /** Its place in the module's list, from 0. */
  slotIndex: number;
  description: string;
  /** Null when the slot is empty. */
  token: SlotToken | null;
  /** CKR_ name when the slot could not be asked. */
  problem: string | null;
}

/** A token as its info says. */
export interface SlotToken {
  slotId: number;
  slotIndex: number;
  label: string;
  serial: string;
  manufacturer: string;
  model: string;
  hardwareVersion: string;
  firmwareVersion: string;
  /** Names without CKF_. */
  flags: string[];
  initialized: boolean;
  pinState: PinState;
  soPinState: PinState;
  /** Characters; 0 when the module does not say. */
  minPinLength: number;
  maxPinLength: number;
}

/** A mechanism as the module lists it. */
export interface MechanismRow {
  /** CKM_ value. */
  type: number;
  /** `RSA_PKCS`; `0x80000001` for vendors' own. */
  name: string;
  /** Bits, as the module says (some say bytes). */
  minKeySize: number;
  maxKeySize: number;
  /** `sign`, `generate key pair`, `hardware`, … */
  flags: string[];
}

export type ObjectClass = 'private' | 'public' | 'certificate' | 'secret' | 'data';

/** What objects to look at: everything given has to fit. */
export interface ObjectFilter {
  /** Lower-case hex. */
  id?: string;
  label?: string;
  class?: ObjectClass;
}

/** One object of a token. Handles are good for this session only. */
export interface TokenObject {
  handle: string;
  class: ObjectClass;
  /** Lower-case hex; '' when it has none. */
  id: string;
  label: string;
  /** `rsa`, `ec`, …; null for what is no key or X.509 certificate. */
  keyType: string | null;
  /** From the key's own numbers, or the certificate's key. */
  bits: number | null;
  curve: string | null;
  /** Hex SHA-256 of the DER SubjectPublicKeyInfo; null when the object does not show its numbers. */
  fingerprint: string | null;
  /** DER SubjectPublicKeyInfo of a public key or certificate that shows it. */
  spki: Buffer | null;
  /** DER of a certificate, bytes of a data object that can be read. */
  value: Buffer | null;
  /** Certificates: RFC 4514 subject, and ISO 8601 end of validity. */
  subject: string | null;
  notAfter: string | null;
  /** `sign`, `decrypt`, … */
  usage: string[];
  /** `sensitive`, `never extractable`, `private`, `local`, … */
  access: string[];
}

/** A key pair that was just made. */
export interface GeneratedKey {
  id: string;
  label: string;
  type: KeyType;
  /** DER SubjectPublicKeyInfo, read back from the token. */
  spki: Buffer;
  /** Its hex SHA-256. */
  fingerprint: string;
  seconds: number;
  /** What the token did otherwise than asked for (an extractable key, say). */
  warnings: string[];
}

export interface LoginOptions {
  /** Log in although wrong PINs were tried before (COUNT_LOW, FINAL_TRY). Never a locked token. */
  allowLowPinCount?: boolean;
}

/** What the token's flags said right before the login. */
export interface PinTries {
  state: PinState;
  /** For people: "no wrong PIN since the last right one: two tries or more". */
  text: string;
}

export interface SignRateOptions {
  keyId: string;
  /** 1 to 8. */
  sessions: number;
  seconds: number;
}

/** What signing for a while came to. */
export interface SignRate {
  algorithm: string;
  signatures: number;
  failed: number;
  elapsedS: number;
  /** What the first failure was. */
  problem: string | null;
}

/** A session on one token. Calls wait for one another. */
export interface TokenSession {
  readonly module: ModuleTarget;
  readonly token: SlotToken;
  readonly loggedIn: boolean;
  /** How many tries are left, as far as the flags say. */
  pinTries(): PinTries;
  /**
   * One C_Login, guarded: flags first; refuses COUNT_LOW, FINAL_TRY (unless allowed) and LOCKED; a PIN that this token called
   * wrong before is not tried again.
   * @throws HsmfleetError PIN_REFUSED (nothing was tried), PIN_INCORRECT (one try was spent), PKCS11, TIMEOUT
   */
  login(pin: Secret, options?: LoginOptions): Promise<void>;
  mechanisms(): Promise<MechanismRow[]>;
  /** Private objects of most tokens are seen after a login only. */
  objects(filter?: ObjectFilter): Promise<TokenObject[]>;
  /**
   * Makes a key pair on the token, after a login: whole or not at all.
   * @throws HsmfleetError OBJECT_EXISTS when the ID or the label is in use; PKCS11, TIMEOUT, TOKEN_REMOVED
   */
  generateKeyPair(options: { type: KeyType; id: string; label: string; onProgress?: (seconds: number) => void }): Promise<GeneratedKey>;
  /**
   * The private key with this ID, after a login. Its public half is taken from the public key or certificate with the
   * same ID; each signature is verified with it before it is given out.
   * @throws HsmfleetError OBJECT_NOT_FOUND
   */
  signer(keyId: string): Promise<Signer>;
  /**
   * How fast a key signs, in several sessions at the same time, after a login. Nothing else should use the token meanwhile.
   * @throws HsmfleetError OBJECT_NOT_FOUND, PKCS11, TIMEOUT (then the session is gone)
   */
  signRate(options: SignRateOptions): Promise<SignRate>;
  /**
   * Writes an X.509 certificate. Whether it belongs to the key is for the caller to check.
   * @throws HsmfleetError PKCS11, TOKEN_REMOVED
   */
  createCertificate(certificate: { der: Buffer; id: string; label: string }): Promise<void>;
  /**
   * Deletes objects; answers how many went. In the order given; the first failure ends it.
   * @throws HsmfleetError PKCS11, TOKEN_REMOVED, with `details.deleted`
   */
  deleteObjects(objects: readonly TokenObject[]): Promise<number>;
  /** Replaces the user's PIN; the old one is guarded like a login. The session must not be logged in. */
  changePin(oldPin: Secret, newPin: Secret, options?: LoginOptions): Promise<void>;
  /** Sets the user's PIN with the SO PIN, which is guarded like a login. The session must not be logged in. */
  unblockPin(soPin: Secret, newPin: Secret, options?: LoginOptions): Promise<void>;
  /** Logs out where it logged in, and ends the child. Never throws. */
  close(): Promise<void>;
}
