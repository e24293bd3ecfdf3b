import { checkPinFile, INTERNAL_TOKEN, parsePinFile, type PinFileProblem } from './pin-file.ts';

/** What is said of a PIN file: never a PIN, and no text of the file but labels of tokens that are known otherwise. */
export interface PinFileVerdict {
  /** What is wrong, with line numbers. */
  problems: string[];
  /** Labels known that the file has an entry for, in the file's order. */
  tokens: string[];
  /** Labels of tokens in use without an entry. */
  missing: string[];
  /** Entries for no token known. */
  unknownEntries: number;
}

/**
 * Judges a PIN file in mod_nss's format.
 * @param inUse labels of the tokens that mod_nss will log in to, used by a site or not
 * @param known labels of all tokens that the host tells of elsewhere. The text before a colon is told only when it is one
 * of them: in a line written the wrong way round the PIN stands there
 */
export function judgeNssPinFile(text: string, inUse: readonly string[], known: readonly string[]): PinFileVerdict {
  // an empty slot has no label
  const labels = new Set([INTERNAL_TOKEN, ...inUse, ...known].filter((label) => label !== ''));
  const lines = text.split('\n');
  // mod_nss knows no comments: a line is one as long as no token is called so
  const isComment = (line: number): boolean => /^\s*(?:#|$)/.test(lines[line - 1] ?? '') && ![...labels].some((label) => lines[line - 1]?.startsWith(label) === true);
  const entries = parsePinFile(text).filter(({ line }) => !isComment(line));
  // a token without any line is among the missing
  const used = checkPinFile(text, inUse).filter((problem): problem is Required<PinFileProblem> => problem.line !== undefined);
  const problems = used.map(({ line, token, message }) => `line ${String(line)}: token "${token}": ${message}`);
  for (const { line, token, pin, cut } of entries) {
    if (used.some((problem) => problem.line === line)) continue;
    const blame = (message: string): void => void problems.push(`line ${String(line)}: ${message}`);
    const value = pin?.reveal() ?? '';
    if (token === undefined) blame('there is no colon, so mod_nss takes it for no entry');
    else if (/^\s/.test(token)) blame('it begins with a blank, so it belongs to no token');
    else if (cut) blame('it is longer than mod_nss reads');
    else if (value.includes('\r')) blame('it ends in CR (a file with Windows line ends), which mod_nss takes for a part of the PIN');
    else if (value.includes('\t')) blame("the PIN holds a tab, which breaks the protocol of mod_nss's helper");
    else if (value === '' && token !== INTERNAL_TOKEN) blame('the PIN is empty');
  }
  const named = entries.flatMap(({ token }) => token ?? []);
  return {
    problems,
    tokens: [...new Set(named.filter((token) => labels.has(token)))],
    missing: [...new Set(inUse)].filter((label) => !named.includes(label)),
    unknownEntries: named.filter((token) => !labels.has(token)).length,
  };
}

/**
 * Judges a file that holds the bare PIN, as libp11 takes it.
 * @param inUse labels of the tokens that sites use with it: the file itself names none
 */
export function judgePlainPinFile(text: string, inUse: readonly string[]): PinFileVerdict {
  const problems: string[] = [];
  if (text === '') problems.push('it is empty');
  else if (/[\r\n]/.test(text)) problems.push('it holds a line end, which mod_ssl takes for a part of the PIN');
  else if (/[\x00-\x1f\x7f]/.test(text)) problems.push('it holds a control character');
  return { problems, tokens: [...new Set(inUse)], missing: [], unknownEntries: 0 };
}
