import { HsmfleetError, type SourcePosition } from '@hsmfleet/contract';
import { SyntaxFailure } from './syntax.ts';

/** Position and excerpt of a place in a text that starts at a position; line and column of the place count from 0. */
export function placed(
  text: string,
  start: SourcePosition | undefined,
  lineno: number,
  colno: number,
): { position?: SourcePosition; excerpt?: string } {
  if (start === undefined) return {};
  const position = { file: start.file, line: start.line + lineno, column: start.column + colno };
  // only a text that starts at the margin is a file of its own, whose lines are the file's lines
  const excerpt = start.column === 1 ? text.split('\n')[lineno] : undefined;
  return excerpt === undefined ? { position } : { position, excerpt };
}

/** Runs a parse; what cannot be parsed is an error with its place in the file. @throws HsmfleetError TEMPLATE_INVALID */
export function parsed<T>(text: string, position: SourcePosition | undefined, parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    if (!(thrown instanceof SyntaxFailure)) throw thrown;
    throw new HsmfleetError('TEMPLATE_INVALID', thrown.message, placed(text, position, thrown.line - 1, thrown.column - 1));
  }
}
