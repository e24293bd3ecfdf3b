/*
 * Variables for Apache's process: on Debian a block in envvars (sourced by apache2ctl), elsewhere a systemd drop-in.
 * All sites of a host share one process and so one block: variables are merged, never replaced wholesale.
 */

const BEGIN = '# BEGIN hsmfleet: changes between these lines are overwritten';
const END = '# END hsmfleet';
const BLOCK = new RegExp(`(?:^|\\n)${escape(BEGIN)}\\n([\\s\\S]*?)${escape(END)}(?:\\n|$)`);

/** Where and how a host's Apache takes its environment from. */
export type EnvironmentStyle = 'envvars' | 'systemd';

/** Variables that the block in this text sets. */
export function readEnvironment(text: string, style: EnvironmentStyle): Record<string, string> {
  const body = style === 'envvars' ? (BLOCK.exec(text)?.[1] ?? '') : text;
  const found: Record<string, string> = {};
  for (const line of body.split('\n')) {
    const match = style === 'envvars' ? /^export ([A-Za-z_]\w*)='(.*)'$/.exec(line) : /^Environment="([A-Za-z_]\w*)=(.*)"$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    found[match[1]] = style === 'envvars' ? match[2].replaceAll(`'\\''`, `'`) : match[2].replace(/\\(["\\])/g, '$1').replaceAll('%%', '%');
  }
  return found;
}

/**
 * The text with these variables set. Undefined values are removed; all other variables of the block stay.
 * @param text what is there now; empty when the file does not exist
 */
export function writeEnvironment(text: string, style: EnvironmentStyle, wanted: Readonly<Record<string, string | undefined>>): string {
  const merged = Object.entries({ ...readEnvironment(text, style), ...wanted }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  merged.sort(([a], [b]) => (a < b ? -1 : 1));
  if (style === 'systemd') {
    if (merged.length === 0) return '';
    const lines = merged.map(([name, value]) => `Environment="${name}=${value.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`);
    return ['# Managed by hsmfleet: changes by hand are overwritten.', '[Service]', ...lines, ''].join('\n');
  }
  const rest = text.replace(BLOCK, (whole) => (whole.startsWith('\n') ? '\n' : ''));
  if (merged.length === 0) return rest;
  const lines = merged.map(([name, value]) => `export ${name}='${value.replaceAll(`'`, `'\\''`)}'`);
  const gap = rest === '' || rest.endsWith('\n') ? '' : '\n';
  return `${rest}${gap}${[BEGIN, ...lines, END, ''].join('\n')}`;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
