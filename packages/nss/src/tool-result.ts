import { HsmfleetError, type ErrorCode } from '@hsmfleet/contract';

/** What certutil and modutil said, in words of ours (field notes 2.2, 2.3). */
interface Diagnosis {
  pattern: RegExp;
  code: ErrorCode;
  message: string;
  hint: string;
}

const DIAGNOSES: readonly Diagnosis[] = [
  {
    pattern: /SEC_ERROR_BAD_PASSWORD|Incorrect password\/PIN/,
    code: 'COMMAND_FAILED',
    message: 'the password of the NSS database is wrong',
    hint: 'give the password with which the database was made, or remove the database to have it made anew',
  },
  {
    pattern: /Invalid password\.\s+Try again/,
    code: 'COMMAND_FAILED',
    message: 'certutil was asked to make a database that exists already',
    hint: 'remove the database first, or leave it as it is',
  },
  {
    pattern: /SEC_ERROR_BAD_DATABASE/,
    code: 'COMMAND_FAILED',
    message: 'the NSS database cannot be opened: it is missing, not permitted, corrupt, or locked by another program',
    hint: 'look at cert9.db, key4.db and their owner; another certutil or modutil may be running',
  },
  {
    pattern: /Failure to load dynamic library/,
    code: 'COMMAND_FAILED',
    message: 'the module cannot be loaded, or is registered under this name already',
    hint: 'check that the library file exists for this architecture and that its own libraries are installed',
  },
  {
    pattern: /Unknown PKCS #11 error/,
    code: 'COMMAND_FAILED',
    message: 'the same library is registered under another name already',
    hint: 'remove the other registration first',
  },
];

/** Turns the output of a failed NSS tool into an error for people; undefined when nothing known is in it. */
export function diagnoseNssTool(tool: string, output: string): HsmfleetError | undefined {
  const found = DIAGNOSES.find((diagnosis) => diagnosis.pattern.test(output));
  return found === undefined ? undefined : new HsmfleetError(found.code, `${tool}: ${found.message}`, { hint: found.hint });
}
