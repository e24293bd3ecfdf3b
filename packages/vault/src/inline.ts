/** Spaces before each line, as ansible-vault writes them. */
const INDENT = ' '.repeat(10);

/** An encrypted text as YAML: `name: !vault |` and the indented lines, without a line break at the end. */
export function formatInlineVault(vaultText: string, name?: string): string {
  const lines = vaultText.trimEnd().split('\n').map((line) => INDENT + line);
  return [`${name === undefined ? '' : `${name}: `}!vault |`, ...lines].join('\n');
}
