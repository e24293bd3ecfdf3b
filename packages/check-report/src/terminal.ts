import type { CheckOutcome, CheckReport, ControlSummary, FindingCell, Severity, SourcePosition } from '@hsmfleet/contract';
import { createColors, errorLines, formatTable, groupBy, printable, printableStart, type Colors } from '@hsmfleet/terminal-text';
import wrapAnsi from 'wrap-ansi';
import { formatAge } from './age.ts';
import { evidenceText } from './evidence-text.ts';
import { findingSections, unjudged, type FindingSection, type SharedFinding, type Unjudged } from './group-findings.ts';
import { compareSeverity, countOutcomes, OUTCOMES, OUTCOME_WORDS } from './order.ts';
import { plural, waiverText } from './waiver-text.ts';
import type { RenderOptions } from './render-check.ts';

/** Columns of a terminal that does not say how many it has. */
const WIDTH = 80;
/** Below this the table of controls has no room. */
const NARROWEST = 64;
/** Hosts named for one finding, and findings shown of one control: more is for a machine to read. */
const MOST_HOSTS = 24;
const MOST_FINDINGS = 40;
/** Characters of one text: what a host says may be endless. */
const MOST_TEXT = 600;
const MOST_CELL = 120;
const MORE = '(all of it: --format json, csv or html)';

/** For people at a terminal: worst first, grouped by finding, every outcome counted. */
export function renderTerminal(report: CheckReport, options: RenderOptions): string {
  const colors = createColors(options.color);
  const width = Math.max(NARROWEST, options.width === undefined || options.width === 0 ? WIDTH : options.width);
  const page = createPage(width);
  head(report, page, colors);
  for (const section of findingSections(report)) findingLines(section, report, page, colors);
  for (const group of unjudged(report)) unjudgedLines(group, page, colors);
  page.line();
  page.block(controlTable(report, colors, width));
  page.line();
  page.text(OUTCOMES.map((outcome) => countText(outcome, report.counts[outcome], colors)).join(', '));
  return page.end();
}

function head(report: CheckReport, page: Page, colors: Colors): void {
  const { profile, hosts, controls, startedAt, finishedAt } = report;
  page.text(`${colors.bold(printable(profile.title))} (${printable(profile.file)})`);
  const asked = report.schedule === null ? '' : `, schedule ${printable(report.schedule)}`;
  page.text(colors.dim(
    `${plural(hosts.length, 'host')}, ${plural(controls.length, 'control')}${asked}, check ${printable(report.id)}, `
    + `${printable(finishedAt)}, took ${formatAge(Date.parse(finishedAt) - Date.parse(startedAt))}`,
  ));
  for (const warning of report.warnings) page.text(`${colors.magenta('warning:')} ${printableStart(warning, MOST_TEXT)}`);
}

function findingLines(section: FindingSection, report: CheckReport, page: Page, colors: Colors): void {
  const { control, outcome, waiver } = section;
  page.line();
  const word = outcome === 'fail' ? colors.red('FAIL') : colors.yellow('WAIVED');
  page.text(`${word} ${severityText(control.severity, colors)} ${colors.bold(printable(control.id))}`);
  page.text(`${colors.dim('wanted:')} ${printable(control.title)}`, '  ');
  if (waiver !== null) {
    const text = `${printable(waiverText(waiver, report.finishedAt))} (${positionText(waiver.position)})`;
    page.text(waiver.expired ? colors.red(text) : text, '  ');
  }
  for (const finding of section.findings.slice(0, MOST_FINDINGS)) sharedLines(finding, page, colors);
  if (section.findings.length > MOST_FINDINGS) page.text(`… ${plural(section.findings.length - MOST_FINDINGS, 'more finding')} ${MORE}`, '  ');
  const bare = section.results.filter(({ findings }) => findings.length === 0).map(({ host }) => host);
  if (bare.length > 0) page.text(`without details: ${namesText(bare)}`, '  ');
  if (outcome === 'fail') {
    page.text(`${colors.dim('why:')} ${printable(control.why)}`, '  ');
    if (control.fix !== null) page.text(`${colors.cyan('fix:')} ${printable(control.fix)}`, '  ');
  }
  page.text(colors.dim(`evidence: ${printable(evidenceText(section.results, report.finishedAt))}`), '  ');
  page.text(colors.dim(`control: ${positionText(control.position)}`), '  ');
}

function sharedLines({ message, hosts }: SharedFinding, page: Page, colors: Colors): void {
  page.text(`- ${printableStart(message, MOST_TEXT)}`, '  ', '    ');
  const cells = hosts.map((host) => cellsText(host.cells));
  const [first] = cells;
  if (first !== undefined && cells.every((text) => text === first)) {
    if (first !== '') page.text(colors.dim(first), '    ');
    const names = [...new Set(hosts.map(({ host }) => host))];
    page.text(`${names.length > 1 ? `${String(names.length)} hosts: ` : ''}${namesText(names)}`, '    ');
    return;
  }
  hosts.slice(0, MOST_HOSTS).forEach(({ host }, index) => { page.text(`${printable(host)} ${colors.dim(cells[index] ?? '')}`, '    ', '      '); });
  if (hosts.length > MOST_HOSTS) page.text(`… ${String(hosts.length - MOST_HOSTS)} more ${MORE}`, '    ');
}

function unjudgedLines({ outcome, error, hosts, controls }: Unjudged, page: Page, colors: Colors): void {
  page.line();
  const word = outcome === 'error' ? colors.red('ERROR') : colors.magenta('UNREACHABLE');
  page.text(`${word} ${plural(hosts.length, 'host')}: ${namesText(hosts)}`);
  if (error !== null) for (const line of errorLines({ ...error, message: start(error.message), ...(error.hint === undefined ? {} : { hint: start(error.hint) }) }, colors)) page.text(line, '  ', '    ');
  page.text(`${plural(controls.length, 'control')} not judged: ${namesText(controls.map(({ id }) => id))}`, '  ');
}

/** Every control with every outcome of its hosts. */
function controlTable(report: CheckReport, colors: Colors, width: number): string {
  const results = new Map(groupBy(report.results, ({ control }) => control).map((group) => [group[0].control, group]));
  const rows = report.controls
    .map((control) => ({ control, counts: countOutcomes(results.get(control.id) ?? []) }))
    .sort((a, b) => b.counts.fail - a.counts.fail || compareSeverity(a.control.severity, b.control.severity));
  // what is left of a line beside the severity and six counts
  const room = width - 52;
  const count = (value: number): number | null => (value === 0 ? null : value);
  return formatTable(
    ['control', 'severity', 'fail', 'error', 'unreach', 'waived', 'pass', 'n/a'],
    rows.map(({ control, counts }) => [shorten(control, room), control.severity, ...OUTCOMES.map((outcome) => count(counts[outcome]))]),
    colors,
  );
}

function shorten(control: ControlSummary, room: number): string {
  const id = printable(control.id);
  return id.length <= room ? id : `${id.slice(0, room - 1)}…`;
}

function countText(outcome: CheckOutcome, count: number, colors: Colors): string {
  const text = `${OUTCOME_WORDS[outcome]} ${String(count)}`;
  if (count === 0) return colors.dim(text);
  return { pass: colors.green, fail: colors.red, error: colors.red, unreachable: colors.magenta, waived: colors.yellow, not_applicable: colors.dim }[outcome](text);
}

function severityText(severity: Severity, colors: Colors): string {
  return { critical: (text: string) => colors.red(colors.bold(text)), high: colors.red, medium: colors.yellow, low: colors.cyan }[severity](severity);
}

function cellsText(cells: readonly [string, FindingCell][]): string {
  return cells.map(([name, value]) => `${printable(name)}=${printableStart(String(value), MOST_CELL)}`).join(' ');
}

/** What is shown of a text of a host; made harmless by whoever prints it. */
function start(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT)}…`;
}

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, MOST_HOSTS).map(printable).join(' ');
  return names.length > MOST_HOSTS ? `${shown} … ${String(names.length - MOST_HOSTS)} more ${MORE}` : shown;
}

function positionText({ file, line, column }: SourcePosition): string {
  return `${printable(file)}:${String(line)}:${String(column)}`;
}

/** Lines that stay within a width. */
interface Page {
  line(): void;
  /** Wraps; the first line begins with `indent`, the others with `hanging`. */
  text(text: string, indent?: string, hanging?: string): void;
  /** As it is. */
  block(text: string): void;
  end(): string;
}

function createPage(width: number): Page {
  let written = '';
  return {
    line() { written += '\n'; },
    text(text, indent = '', hanging = indent) {
      const room = width - Math.max(indent.length, hanging.length);
      const lines = wrapAnsi(text, room, { hard: true }).split('\n');
      written += lines.map((line, index) => `${index === 0 ? indent : hanging}${line}\n`).join('');
    },
    block(text) { written += text; },
    end: () => written,
  };
}
