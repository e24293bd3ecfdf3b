/*
 * Text from hosts is untrusted: escape sequences could rewrite what a terminal shows, bidirectional marks could reorder
 * it, invisible characters could make two names look alike. C0 and C1 controls, DEL, bidirectional controls, whatever
 * Unicode says may be shown as nothing, annotation marks, line separators, lone surrogates, noncharacters (XML has no way
 * to write two of them).
 */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\p{Zl}\p{Zp}\p{Cs}\p{Noncharacter_Code_Point}]/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text with everything escaped that could move a cursor or deceive the eye. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => SHORT[char] ?? escapeChar(char));
}

/** As {@link printable}, no more of the text than `most` characters: what a host says may be endless. The sign of three dots stands for the rest. */
export function printableStart(text: string, most: number): string {
  if (text.length <= most) return printable(text);
  // a pair of surrogates is not cut in two
  return `${printable(text.slice(0, most).replace(/[\ud800-\udbff]$/, ''))}…`;
}

/** As {@link printable}, but line ends and tabs stay: for blocks such as diffs. CRLF shows its CR. */
export function printableBlock(text: string): string {
  return text.replace(UNSAFE, (char) => (char === '\n' || char === '\t' ? char : (SHORT[char] ?? escapeChar(char))));
}

/**
 * JSON that is safe to look at, on one line or indented: the same characters become \u escapes, which JSON reads back
 * unchanged.
 */
export function printableJson(value: unknown, indent = 0): string {
  // a line end in a text is escaped already: those that are left are between the lines of the JSON itself
  return (JSON.stringify(value, null, indent) as string | undefined ?? 'null').replace(UNSAFE, (char) =>
    char === '\n' ? char : char.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  );
}

function escapeChar(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}
