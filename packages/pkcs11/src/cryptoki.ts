/** The few numbers of PKCS#11 that we use. Values from the OASIS headers. */
export const CKF = {
  RNG: 0x1, WRITE_PROTECTED: 0x2, LOGIN_REQUIRED: 0x4, USER_PIN_INITIALIZED: 0x8, RESTORE_KEY_NOT_NEEDED: 0x20,
  CLOCK_ON_TOKEN: 0x40, PROTECTED_AUTHENTICATION_PATH: 0x100, DUAL_CRYPTO_OPERATIONS: 0x200, TOKEN_INITIALIZED: 0x400,
  SECONDARY_AUTHENTICATION: 0x800, USER_PIN_COUNT_LOW: 0x10000, USER_PIN_FINAL_TRY: 0x20000, USER_PIN_LOCKED: 0x40000,
  USER_PIN_TO_BE_CHANGED: 0x80000, SO_PIN_COUNT_LOW: 0x100000, SO_PIN_FINAL_TRY: 0x200000, SO_PIN_LOCKED: 0x400000,
  SO_PIN_TO_BE_CHANGED: 0x800000, ERROR_STATE: 0x1000000,
} as const;

/** CKF_ names of a token's flags, without the prefix, in the order of their bits. */
export function flagNames(flags: number): string[] {
  return Object.entries(CKF).filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
}

/** A token that was never initialized has no objects, and sessions on it fail. SoftHSM always shows one such. */
export function isBlankToken(token: { flags: number; label: string }): boolean {
  return (token.flags & CKF.TOKEN_INITIALIZED) === 0 && token.label === '';
}

export const CKF_OS_LOCKING_OK = 0x2;
export const CKF_RW_SESSION = 0x2;
export const CKF_SERIAL_SESSION = 0x4;
export const CKU_USER = 1;
export const CKM_RSA_PKCS_KEY_PAIR_GEN = 0x0;
export const CKM_EC_KEY_PAIR_GEN = 0x1040;
export const CKO_DATA = 0;
export const CKO_CERTIFICATE = 1;
export const CKO_PUBLIC_KEY = 2;
export const CKO_PRIVATE_KEY = 3;
export const CKO_SECRET_KEY = 4;
export const CKK_RSA = 0;
export const CKK_EC = 3;

export const CKA = {
  CLASS: 0x0, TOKEN: 0x1, PRIVATE: 0x2, LABEL: 0x3, APPLICATION: 0x10, VALUE: 0x11, CERTIFICATE_TYPE: 0x80, ISSUER: 0x81,
  SERIAL_NUMBER: 0x82, KEY_TYPE: 0x100, SUBJECT: 0x101, ID: 0x102, SENSITIVE: 0x103, ENCRYPT: 0x104, DECRYPT: 0x105,
  WRAP: 0x106, UNWRAP: 0x107, SIGN: 0x108, SIGN_RECOVER: 0x109, VERIFY: 0x10a, VERIFY_RECOVER: 0x10b, DERIVE: 0x10c,
  MODULUS: 0x120, MODULUS_BITS: 0x121, PUBLIC_EXPONENT: 0x122, EXTRACTABLE: 0x162, LOCAL: 0x163, NEVER_EXTRACTABLE: 0x164,
  ALWAYS_SENSITIVE: 0x165, MODIFIABLE: 0x170, EC_PARAMS: 0x180, EC_POINT: 0x181, ALWAYS_AUTHENTICATE: 0x202,
} as const;

const KEY_TYPES: Readonly<Record<number, string>> = {
  0: 'rsa', 1: 'dsa', 2: 'dh', 3: 'ec', 0x10: 'generic_secret', 0x13: 'des', 0x14: 'des2', 0x15: 'des3', 0x1f: 'aes',
  0x40: 'ec_edwards', 0x41: 'ec_montgomery',
};

/** CKK name in lower case; the number in hex for what is not known. */
export function keyTypeName(type: number | null): string {
  return type === null ? 'unknown' : (KEY_TYPES[type] ?? `0x${type.toString(16)}`);
}

/** Text of a PKCS#11 structure: padded with blanks as the standard says, or with NULs as some modules do. */
export function unpad(text: string): string {
  const end = text.indexOf('\0');
  return (end < 0 ? text : text.slice(0, end)).trimEnd();
}
