import { Type, type Static } from '@sinclair/typebox';

/**
 * Stable, documented codes. Branch on these, never on message text.
 * The prefix tells the outcome class: see {@link outcomeOf}.
 */
export const ERROR_CODES = {
  USAGE: 'the command line is wrong',
  PLAYBOOK_SYNTAX: 'a playbook, variables or hosts file cannot be read as YAML',
  PLAYBOOK_INVALID: 'a playbook has an unknown key, a wrong type, two resources in one task, …',
  UNDEFINED_VARIABLE: 'a template or expression uses a variable that does not exist',
  TEMPLATE_INVALID: 'a template or expression cannot be parsed or evaluated',
  FILE_MISSING: 'a file that a playbook or the command line names does not exist or cannot be read',
  ARTIFACT_MISSING: 'no package of that name was built, none for this kind of host, or its file is gone',
  SECRET_REFERENCE: 'a !secret reference cannot be resolved',
  VAULT_PASSWORD: 'something is encrypted with Ansible Vault, and no vault password is given, or none fits',
  VAULT_INVALID: 'something encrypted with Ansible Vault is malformed, or a file is not encrypted that should be',
  AGE_IDENTITY: 'something is encrypted with age, and no identity is given, none fits, or the identity cannot be read',
  AGE_INVALID: 'something encrypted with age is malformed, or a recipient is none',
  VAULT_EDIT: 'an encrypted file cannot be edited: the editor failed, or there is no place in memory for the plain text',
  FILE_WRITE: 'a file of the control host cannot be written; what was there is unchanged',
  HOSTS_INVALID: 'a hosts file is not valid',
  SERVE_INVALID: 'the file of the server, or a schedule in it, is not valid',
  PROFILE_INVALID: 'a profile of controls is not valid, or a query in it is none that the store understands',
  QUERY_INVALID: 'a file with a named query is not valid',
  EVIDENCE_MISSING: 'nothing is known of a host that is young and complete enough to judge it by',
  HOST_PATTERN: 'a host pattern matches nothing or names an unknown host or group',
  PARAMS_INVALID: 'parameters of a resource are not valid',
  KEY_UNREADABLE: 'an SSH private key cannot be read or decrypted',
  HOST_KEY_UNKNOWN: 'the host key is not in known_hosts',
  HOST_KEY_CHANGED: 'the host key differs from known_hosts',
  HOST_KEY_REVOKED: 'the host key is marked @revoked in known_hosts',
  UNREACHABLE: 'no connection to the host',
  AUTHENTICATION: 'the host refused every key or password offered',
  CONNECTION_LOST: 'the connection ended before the run did',
  SUDO: 'sudo was refused or wants a password',
  AGENT: 'the agent cannot be installed or started, or it broke the protocol',
  HOST_BUSY: 'another run holds the host lock',
  TASK_FAILED: 'a task failed on the host',
  TASK_INTERRUPTED: 'a run was taken up again, and a task that cannot look before it acts had been cut off in the middle',
  DID_NOT_CONVERGE: 'after the steps the host still differs from what was asked for',
  COMMAND_FAILED: 'a program that a step ran ended with an unexpected exit code',
  TIMEOUT: 'something did not answer before its deadline',
  PKCS11: 'a PKCS#11 call failed',
  TOKEN_NOT_FOUND: 'no token with that label or serial is present',
  TOKEN_REMOVED: 'the token went away in the middle of the work',
  OBJECT_EXISTS: 'the token has an object with that ID or label already',
  OBJECT_NOT_FOUND: 'the token has no such object',
  MODULE_WRITABLE: 'the PKCS#11 module is not proven read-only',
  CUSTODY: 'a token is not the one that was prepared, going by the manifests given',
  MANIFEST_INVALID: 'a token manifest cannot be read, was changed, or is not signed by a trusted key',
  NAME_INVALID: 'a subject or an alternative name cannot be understood, or cannot stand in a certificate',
  CERTIFICATE_INVALID: 'a certificate or signing request cannot be read, does not verify, or may not be used so',
  KEY_MISMATCH: 'a certificate is for another key than the one it was meant for',
  PIN_INCORRECT: 'the token answered that the PIN is wrong',
  PIN_REFUSED: 'the PIN guard refused a login',
  PIN_UNPROVEN: 'the web server was not started because its PIN file holds a PIN not proven on the token',
  WEB_ROLLED_BACK: 'a change of the web server did not serve and was rolled back',
  WEB_BATCH_ROLLED_BACK: 'a change of the web server served, and was put back because another host of its batch did not (rollback_batch)',
  WEB_DOWN: 'the web server does not serve and rolling back did not help',
  STORE: 'the history database of the control host cannot be opened, read or written',
  INTERNAL: 'a defect in hsmfleet',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** A place in a file that a person wrote. Lines and columns count from 1. */
export const SourcePosition = Type.Object(
  { file: Type.String(), line: Type.Integer({ minimum: 1 }), column: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
);
export type SourcePosition = Static<typeof SourcePosition>;

/** An error as it travels in events and JSON output. Redacted before it is built. */
export const ErrorShape = Type.Object(
  {
    code: Type.String({ description: 'one of the documented error codes' }),
    message: Type.String({ description: 'what failed and where, lower case, no full stop' }),
    hint: Type.Optional(Type.String({ description: 'what to do next' })),
    host: Type.Optional(Type.String()),
    position: Type.Optional(SourcePosition),
    details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
);
export type ErrorShape = Static<typeof ErrorShape>;

export interface ErrorOptions {
  hint?: string | undefined;
  host?: string | undefined;
  position?: SourcePosition | undefined;
  /** The offending line of {@link ErrorOptions.position}, printed with a caret under the column. */
  excerpt?: string | undefined;
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/** The one error type that people see. Throw it with what, where, why, and what to do next. */
export class HsmfleetError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly host: string | undefined;
  readonly position: SourcePosition | undefined;
  readonly excerpt: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HsmfleetError';
    this.code = code;
    this.hint = options.hint;
    this.host = options.host;
    this.position = options.position;
    this.excerpt = options.excerpt;
    this.details = options.details;
  }

  toShape(): ErrorShape {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.host === undefined ? {} : { host: this.host }),
      ...(this.position === undefined ? {} : { position: this.position }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** Several mistakes found in one go (a whole playbook's, say), so that a person can fix them all at once. */
export class HsmfleetErrors extends Error {
  readonly errors: readonly HsmfleetError[];

  constructor(errors: readonly HsmfleetError[]) {
    super(errors.map((error) => error.message).join('\n'));
    this.name = 'HsmfleetErrors';
    this.errors = errors;
  }
}

/** Turns anything thrown into an {@link ErrorShape}; unknown things become `INTERNAL` (or `code`). */
export function toErrorShape(thrown: unknown, code: ErrorCode = 'INTERNAL'): ErrorShape {
  if (thrown instanceof HsmfleetError) return thrown.toShape();
  return { code, message: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** How a host's failure is counted. Never folded into one another. */
export type FailureClass = 'unreachable' | 'refused' | 'failed';

const UNREACHABLE: ReadonlySet<string> = new Set<ErrorCode>([
  'HOST_KEY_UNKNOWN', 'HOST_KEY_CHANGED', 'HOST_KEY_REVOKED', 'UNREACHABLE', 'AUTHENTICATION', 'CONNECTION_LOST',
]);
const REFUSED: ReadonlySet<string> = new Set<ErrorCode>(['MODULE_WRITABLE', 'CUSTODY', 'PIN_REFUSED', 'PIN_UNPROVEN', 'HOST_BUSY']);

/** The failure class of an error code. */
export function outcomeOf(code: string): FailureClass {
  if (UNREACHABLE.has(code)) return 'unreachable';
  return REFUSED.has(code) ? 'refused' : 'failed';
}
