/**
 * One word for a POSIX shell (csh and fish read it the same way): left alone when it is harmless, else in single
 * quotes.
 */
export function quoteShellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
