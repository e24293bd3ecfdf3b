import { sealedKind } from '@hsmfleet/contract';

/** Spaces before each line, as ansible-vault writes them. */
const INDENT = ' '.repeat(10);

/** An encrypted text as YAML: `name: !vault |` (or `!age |`) and the indented lines, without a line break at the end. */
export function formatInlineValue(sealed: string, name?: string): string {
  const lines = sealed.trimEnd().split('\n').map((line) => INDENT + line);
  return [`${name === undefined ? '' : `${name}: `}!${sealedKind(sealed) ?? 'vault'} |`, ...lines].join('\n');
}
