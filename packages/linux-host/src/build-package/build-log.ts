/** How compilers, linkers, configure, autotools, make and the packers say that something is wrong; the surest first. */
const ERRORS: readonly RegExp[] = [
  /^[^\s:]+:\d+(?::\d+)?: (?:fatal )?error\b/,
  /\b(?:undefined reference to|cannot find -l)/,
  /^configure: error:/,
  /^(?:autoreconf|autoconf|automake|aclocal|libtoolize|autom4te|autoheader|m4):? ?error:|^\S+: error: /,
  /\berror:/i,
  /: (?:No such file or directory|command not found|not found|Permission denied|Cannot exec)/,
  /^make(?:\[\d+\])?: \*\*\*/,
];
const LINE_LIMIT = 400;

/** The line of a log that most likely says what went wrong first; undefined when none looks like it and the log is empty. */
export function firstErrorLine(log: string): string | undefined {
  const lines = log.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  for (const pattern of ERRORS) {
    const found = lines.find((line) => pattern.test(line));
    if (found !== undefined) return clip(found);
  }
  const last = lines.at(-1);
  return last === undefined ? undefined : clip(last);
}

/** The last lines of a log. */
export function tailOf(log: string, lines: number): string {
  return log.trimEnd().split('\n').slice(-lines).join('\n');
}

function clip(line: string): string {
  return line.length <= LINE_LIMIT ? line : `${line.slice(0, LINE_LIMIT - 1)}…`;
}
