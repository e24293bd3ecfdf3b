/**
 * What parent and child say to each other. The request is one JSON value on the child's standard input (the only place
 * where a PIN travels). Answers are JSON lines on file descriptor 3, not standard output: a PKCS#11 library may print.
 * Each call that may hang or crash is announced before it is made, so that an error names it.
 */
export type ChildRequest = ObserveRequest | LoginRequest;

export interface ObserveRequest {
  op: 'observe';
  library: string;
}

export interface LoginRequest {
  op: 'login';
  library: string;
  slotId: number;
  label: string;
  serial: string;
  pin: string;
  /** Token flags (CKF bits) that forbid the login; read again right before it. */
  refuseFlags: number;
}

/** Of several answers the last one counts. */
export type ChildLine = { call: string } | { answer: ChildAnswer };

export type ChildAnswer =
  | { kind: 'observed'; module: RawModule }
  | { kind: 'login'; /** CKR_OK, CKR_PIN_INCORRECT, … */ result: string; flagsBefore: number; flagsAfter: number | null }
  /** The flags forbid a login, or the token is not in its slot any more: C_Login was not called. */
  | { kind: 'not_tried'; reason: 'flags' | 'gone'; flags: number }
  /** `result` is set for a CKR_ value, else `message` holds the dynamic linker's or our own words. */
  | { kind: 'failed'; call: string; result?: string; message: string };

/** A module as it answered: uninterpreted, byte strings in hex. */
export interface RawModule {
  manufacturer: string;
  description: string;
  version: string;
  cryptokiVersion: string;
  tokens: RawToken[];
  /** Calls that failed while slots and tokens were read; what else was read is there. */
  problems: RawProblem[];
}

export interface RawProblem {
  call: string;
  /** CKR_ name. */
  result: string;
}

export interface RawToken {
  slotId: number;
  slotIndex: number;
  slotDescription: string;
  label: string;
  serial: string;
  manufacturer: string;
  model: string;
  flags: number;
  evidence: RawEvidence;
  publicKeys: RawKey[];
  privateKeys: RawKey[];
  certificates: RawCertificate[];
}

/** CKR_ names; null: not asked, since the other answers decide. */
export interface RawEvidence {
  openReadWriteSession: string | null;
  generateKeyPair: string | null;
}

/** Absent attributes are null. */
export interface RawKey {
  id: string | null;
  label: string | null;
  keyType: number | null;
  modulus: string | null;
  publicExponent: string | null;
  ecParams: string | null;
  ecPoint: string | null;
  sensitive: boolean | null;
  extractable: boolean | null;
  alwaysSensitive: boolean | null;
  neverExtractable: boolean | null;
}

export interface RawCertificate {
  id: string | null;
  label: string | null;
  /** DER. */
  value: string | null;
}
