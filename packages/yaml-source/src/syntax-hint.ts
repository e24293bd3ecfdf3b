/** What to do about a syntax error of the YAML parser; undefined where its message says it all. */
export function syntaxHint(code: string): string | undefined {
  switch (code) {
    case 'BAD_INDENT':
    case 'BAD_COLLECTION_TYPE':
    case 'UNEXPECTED_TOKEN':
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MISSING_CHAR':
      return 'check the indentation: keys of one mapping start at the same column, list items are indented alike';
    case 'TAB_AS_INDENT':
      return 'indent with spaces, YAML does not take tabs';
    case 'MULTILINE_IMPLICIT_KEY':
      return 'quote a value that holds ": ", or indent what follows';
    case 'DUPLICATE_KEY':
      return 'keep one of the two';
    case 'TAG_RESOLVE_FAILED':
      return 'the tags known are !secret, !vault and !unsafe, each before a plain text';
    case 'MULTIPLE_DOCS':
      return 'keep one document per file';
    default:
      return undefined;
  }
}
