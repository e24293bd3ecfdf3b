import type { DoctorReport, HostDiagnosis, LinkReport } from '@hsmfleet/contract';
import { CONTROL_LINKS, LINKS } from '@hsmfleet/doctor';
import { printable, type createColors } from '@hsmfleet/reporter';

type Colors = ReturnType<typeof createColors>;

const WORDS: Readonly<Record<LinkReport['status'], string>> = { ok: 'ok', broken: 'BROKEN', not_applicable: 'n/a', not_told: 'not told', not_looked_at: '-' };
/** Room for the longest id and the longest word. */
const ID_WIDTH = 16;
const WORD_WIDTH = 9;

/**
 * A report for people: every link with its evidence, and below the broken one what to do.
 * @param verbose also what each link is about
 */
export function diagnosisText({ control, hosts }: DoctorReport, colors: Colors, verbose: boolean): string {
  const parts: string[] = [];
  if (control !== null) {
    parts.push(`${colors.bold('this machine')}\n${control.map((link) => linkText(link, colors, verbose)).join('')}`);
    const broken = control.filter(({ status }) => status === 'broken').map(({ link }) => link);
    parts.push(broken.length === 0 ? `${colors.green('nothing is broken here')}\n` : `${colors.red(`broken here: ${broken.join(', ')}`)}\n`);
  }
  for (const host of hosts) parts.push(hostText(host, colors, verbose));
  if (hosts.length > 1) parts.push(`${summary(hosts)}\n`);
  return parts.join('\n');
}

function hostText({ host, verdict, broken, sites, links }: HostDiagnosis, colors: Colors, verbose: boolean): string {
  const head = `${colors.bold(printable(host))}${sites.length === 0 ? '' : ` (${printable(sites.join(', '))})`}\n`;
  const skipped = links.filter(({ status }) => status === 'not_looked_at').map(({ link }) => link);
  const rest = skipped.length === 0 ? '' : `  ${colors.dim(`not looked at, since they need it: ${skipped.join(', ')}`)}\n`;
  const last = broken === null ? colors.green(`${printable(host)}: every link holds`) : colors.red(`${printable(host)}: ${verdict === 'unreachable' ? 'cannot be reached' : 'broken'} at ${broken}`);
  return `${head}${links.filter(({ status }) => status !== 'not_looked_at').map((link) => linkText(link, colors, verbose)).join('')}${rest}${last}\n`;
}

function linkText({ link, status, evidence, notes = [], fix, code }: LinkReport, colors: Colors, verbose: boolean): string {
  const paint = status === 'broken' ? colors.red : status === 'ok' ? colors.green : colors.dim;
  const title = verbose ? [...LINKS, ...CONTROL_LINKS].find(({ id }) => id === link)?.title : undefined;
  const lines = [`  ${link.padEnd(ID_WIDTH)}${paint(WORDS[status].padEnd(WORD_WIDTH))} ${printable(evidence)}${code === undefined ? '' : ` [${code}]`}`];
  const below = ' '.repeat(ID_WIDTH + WORD_WIDTH + 3);
  if (title !== undefined) lines.push(`${below}${colors.dim(title)}`);
  for (const note of notes) lines.push(`${below}${colors.yellow('note:')} ${printable(note)}`);
  if (fix !== undefined) {
    lines.push(`${below}${colors.cyan('fix:')} ${printable(fix.text)}`);
    if (fix.command !== undefined) lines.push(`${below}${colors.cyan('  $')} ${printable(fix.command)}`);
  }
  return `${lines.join('\n')}\n`;
}

function summary(hosts: readonly HostDiagnosis[]): string {
  const count = (verdict: HostDiagnosis['verdict']): number => hosts.filter((host) => host.verdict === verdict).length;
  return `${String(hosts.length)} hosts: ${String(count('healthy'))} healthy, ${String(count('broken'))} broken, ${String(count('unreachable'))} unreachable`;
}
