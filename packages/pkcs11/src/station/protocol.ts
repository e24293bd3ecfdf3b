import type { RawProblem } from '../protocol.ts';

/*
 * What parent and station child say to each other, line by line as JSON. Requests go to the child's standard input (the
 * only place where PINs travel), answers come from file descriptor 3. Each call that may hang or crash is announced
 * before it is made. One request at a time.
 */

/** `user` or `so`: who logs in. */
export type PinOwner = 'user' | 'so';

export type StationRequest =
  | { op: 'list' }
  | { op: 'open'; slotId: number; label: string; serial: string }
  /** `refuseFlags`: token flags (CKF bits) that forbid the login; read again right before it. */
  | { op: 'login'; owner: PinOwner; pin: string; refuseFlags: number }
  | { op: 'mechanisms' }
  | { op: 'objects'; filter: RawFilter }
  | { op: 'generate'; key: RawKeyType; id: string; label: string }
  | { op: 'sign'; key: string; mechanism: number; pss?: { hash: number; mgf: number; salt: number }; data: string; size: number }
  /** Signs for so many seconds in so many sessions at once. */
  | { op: 'sign_rate'; key: string; mechanism: number; data: string; size: number; sessions: number; seconds: number }
  | { op: 'create_certificate'; id: string; label: string; der: string; subject: string; issuer: string; serialNumber: string }
  | { op: 'destroy'; handles: string[] }
  | { op: 'set_user_pin'; oldPin: string; newPin: string }
  | { op: 'init_user_pin'; newPin: string }
  | { op: 'init_token'; slotId: number; label: string; serial: string; soPin: string; newLabel: string; refuseFlags: number }
  /** Logs out where it logged in, and ends the child. */
  | { op: 'end' };

export type RawKeyType = { type: 'rsa'; bits: number } | { type: 'ec'; parameters: string };

export interface RawFilter {
  id?: string;
  label?: string;
  class?: number;
}

export interface StationAnswers {
  list: RawListing;
  open: { flags: number };
  login: LoginAnswer;
  mechanisms: RawMechanism[];
  objects: RawObject[];
  generate: RawGenerated;
  sign: { signature: string };
  sign_rate: { signatures: number; failed: number; elapsedS: number; problem: string | null };
  create_certificate: { handle: string };
  destroy: { deleted: number; failure: RawProblem | null };
  set_user_pin: { result: string };
  init_user_pin: { result: string };
  init_token: LoginAnswer;
  end: { loggedOut: boolean };
}

/** `result` is CKR_OK, CKR_PIN_INCORRECT, …; `not_tried`: no PIN reached the token. */
export type LoginAnswer =
  | { kind: 'tried'; result: string; flagsBefore: number; flagsAfter: number | null }
  | { kind: 'not_tried'; reason: 'flags' | 'gone'; flags: number };

export interface RawListing {
  manufacturer: string;
  description: string;
  version: string;
  cryptokiVersion: string;
  slots: RawSlot[];
}

export interface RawSlot {
  slotId: number;
  slotIndex: number;
  description: string;
  token: RawTokenInfo | null;
  /** CKR_ name. */
  problem: string | null;
}

export interface RawTokenInfo {
  label: string;
  serial: string;
  manufacturer: string;
  model: string;
  hardwareVersion: string;
  firmwareVersion: string;
  flags: number;
  minPinLength: number;
  maxPinLength: number;
}

export interface RawMechanism {
  type: number;
  minKeySize: number;
  maxKeySize: number;
  flags: number;
}

/** An object with the attributes that it shows, by CKA name, as hex. */
export interface RawObject {
  handle: string;
  class: number;
  attributes: Record<string, string>;
}

export interface RawGenerated {
  /** The public key as it is on the token. */
  publicKey: RawObject;
  privateKey: RawObject;
}

/** Why there is no answer. `result` for a CKR_ value; `left`: what of a key pair could not be deleted again. */
export interface StationFailure {
  call: string;
  result?: string;
  message: string;
  /** What was done about what a failed key generation left: nothing was there, deleted, or it could not be deleted. */
  leftover?: 'none' | 'deleted' | 'kept';
}

export type StationLine = { call: string } | { answer: unknown } | { failed: StationFailure };
