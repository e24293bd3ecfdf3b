import { HsmfleetError, HsmfleetErrors, type ErrorCode } from '@hsmfleet/contract';
import { createColors, errorLines, printable, wantsColor, type PrintableError } from '@hsmfleet/reporter';
import { UsageProblem } from './program.ts';

/** What a token, or the guard before it, answered: the command line was right. */
const TOKEN_FAILURES: ReadonlySet<string> = new Set<ErrorCode>([
  'PKCS11', 'TIMEOUT', 'TOKEN_NOT_FOUND', 'TOKEN_REMOVED', 'OBJECT_EXISTS', 'OBJECT_NOT_FOUND', 'PIN_INCORRECT', 'PIN_REFUSED', 'CUSTODY',
]);

/** Prints everything that is wrong on stderr, at once, and answers the exit code. */
export function printErrors(thrown: unknown, options: { debug: boolean }): number {
  const colors = createColors(wantsColor(process.stderr));
  const errors = printables(thrown);
  const lines = errors.flatMap((error) => errorLines(error, colors));
  if (errors.length > 1) lines.push(`${String(errors.length)} errors`);
  if (isUnexpected(thrown)) {
    if (options.debug && thrown instanceof Error) lines.push(...stackOf(thrown));
    else lines.push(`  ${colors.cyan('hint:')} this is a defect in hsmfleet: run with --debug to see where, and report it`);
  }
  process.stderr.write(`${lines.join('\n')}\n`);
  return errors.some(({ code }) => TOKEN_FAILURES.has(code)) ? 2 : 1;
}

function printables(thrown: unknown): PrintableError[] {
  if (thrown instanceof HsmfleetErrors) return thrown.errors.map(toPrintable);
  if (thrown instanceof HsmfleetError) return [toPrintable(thrown)];
  if (thrown instanceof UsageProblem) return [{ code: 'USAGE', message: thrown.message, hint: thrown.hint }];
  return [{ code: 'INTERNAL', message: thrown instanceof Error ? thrown.message : String(thrown) }];
}

function toPrintable(error: HsmfleetError): PrintableError {
  return { ...error.toShape(), excerpt: error.excerpt };
}

function isUnexpected(thrown: unknown): boolean {
  if (thrown instanceof HsmfleetError) return thrown.code === 'INTERNAL';
  return !(thrown instanceof HsmfleetErrors || thrown instanceof UsageProblem);
}

function stackOf(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').map((line) => printable(line));
  return error.cause instanceof Error ? [...lines, `caused by ${printable(error.cause.message)}`, ...stackOf(error.cause)] : lines;
}
