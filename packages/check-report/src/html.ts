import { createHash } from 'node:crypto';
import type { CheckOutcome, CheckReport, SourcePosition } from '@hsmfleet/contract';
import { groupBy, printable } from '@hsmfleet/terminal-text';
import type { Element, ElementContent } from 'hast';
import { toHtml } from 'hast-util-to-html';
import { h } from 'hastscript';
import { formatAge } from './age.ts';
import { evidenceText, oldestEvidence } from './evidence-text.ts';
import { findingSections, unjudged, type FindingSection, type SharedFinding, type Unjudged } from './group-findings.ts';
import { compareSeverity, countOutcomes, OUTCOMES, OUTCOME_WORDS } from './order.ts';
import { PAGE_STYLE } from './page-style.ts';
import { plural, waiverText } from './waiver-text.ts';

/**
 * One page that fetches nothing and runs nothing, and forbids both to whatever might slip into it by its policy. The page is
 * built as a tree, so that every text is a text to whoever reads it.
 */
export function renderHtml(report: CheckReport): string {
  const title = `${printable(report.profile.title)}: ${verdict(report)}`;
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`;
  const tree = [
    { type: 'doctype' as const },
    h('html', { lang: 'en' }, [
      h('head', [
        h('meta', { charSet: 'utf-8' }),
        h('meta', { httpEquiv: 'Content-Security-Policy', content: policy }),
        h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
        h('meta', { name: 'referrer', content: 'no-referrer' }),
        h('title', title),
        h('style', PAGE_STYLE),
      ]),
      h('body', [h('main', [...head(report), ...findings(report), ...notJudged(report), ...controls(report), ...hosts(report)])]),
    ]),
  ];
  return `${toHtml({ type: 'root', children: tree })}\n`;
}

function verdict({ counts }: CheckReport): string {
  const bad = (['fail', 'error', 'unreachable'] as const).filter((outcome) => counts[outcome] > 0);
  return bad.length === 0 ? 'nothing to do' : bad.map((outcome) => `${String(counts[outcome])} ${OUTCOME_WORDS[outcome]}`).join(', ');
}

function head(report: CheckReport): Element[] {
  const { profile, schedule, startedAt, finishedAt } = report;
  return [
    h('h1', printable(profile.title)),
    meta(`${plural(report.hosts.length, 'host')}, ${plural(report.controls.length, 'control')}; ${printable(finishedAt)}, took ${formatAge(Date.parse(finishedAt) - Date.parse(startedAt))}`),
    meta(`check ${printable(report.id)}${schedule === null ? '' : `, schedule ${printable(schedule)}`}, by ${printable(report.user)}, hsmfleet ${printable(report.version)}`),
    meta(`profile ${printable(profile.file)}, SHA-256 ${printable(profile.sha256)}`),
    h('ul', { className: ['counts'] }, OUTCOMES.map((outcome) => h('li', { className: report.counts[outcome] === 0 ? [] : [outcome] }, [h('b', String(report.counts[outcome])), OUTCOME_WORDS[outcome]]))),
    ...(report.warnings.length === 0 ? [] : [h('ul', report.warnings.map((warning) => h('li', `warning: ${printable(warning)}`)))]),
  ];
}

function findings(report: CheckReport): Element[] {
  const sections = findingSections(report);
  return sections.length === 0 ? [] : [h('h2', 'Findings'), ...sections.map((section) => article(section, report))];
}

function article({ control, outcome, waiver, results, findings: shared }: FindingSection, report: CheckReport): Element {
  const bare = results.filter((result) => result.findings.length === 0).map(({ host }) => host);
  return h('article', { className: [outcome] }, [
    h('h3', [h('b', OUTCOME_WORDS[outcome]), ` ${control.severity} `, h('code', printable(control.id))]),
    ...(waiver === null ? [] : [h('p', { className: waiver.expired ? ['expired'] : [] }, `${printable(waiverText(waiver, report.finishedAt))} (${positionText(waiver.position)})`)]),
    ...shared.flatMap(sharedFinding),
    ...(bare.length === 0 ? [] : [h('p', 'Without details:'), hostList(bare)]),
    definitions([
      ['wanted', control.title], ['why', control.why], ...(control.fix === null ? [] : [['fix', control.fix] as const]),
      ['evidence', evidenceText(results, report.finishedAt)], ['control', positionText(control.position)],
    ]),
  ]);
}

function sharedFinding({ message, hosts: all }: SharedFinding): Element[] {
  const names = [...new Set(all.flatMap(({ cells }) => cells.map(([name]) => name)))];
  const text = h('p', `${printable(message)}${all.length === 1 ? '' : ` (${plural(new Set(all.map(({ host }) => host)).size, 'host')})`}`);
  if (names.length === 0) return [text, hostList([...new Set(all.map(({ host }) => host))])];
  const rows = all.map(({ host, cells }) => {
    const values = new Map(cells);
    return [h('td', printable(host)), ...names.map((name) => cell(values.get(name) ?? null))];
  });
  return [text, table(['host', ...names], rows, message)];
}

function notJudged(report: CheckReport): Element[] {
  const groups = unjudged(report);
  return groups.length === 0 ? [] : [h('h2', 'Not judged'), ...groups.map(unjudgedArticle)];
}

function unjudgedArticle({ outcome, error, hosts: names, controls: all }: Unjudged): Element {
  return h('article', { className: [outcome] }, [
    h('h3', [h('b', OUTCOME_WORDS[outcome]), ` ${plural(names.length, 'host')}`]),
    ...(error === null ? [] : [h('p', [h('code', printable(error.code)), ` ${printable(error.message)}`])]),
    ...(error?.hint === undefined ? [] : [h('p', `hint: ${printable(error.hint)}`)]),
    hostList(names),
    definitions([['controls', all.map(({ id }) => id).join(', ')]]),
  ]);
}

function controls(report: CheckReport): Element[] {
  const results = new Map(groupBy(report.results, ({ control }) => control).map((group) => [group[0].control, group]));
  const rows = report.controls.toSorted((a, b) => compareSeverity(a.severity, b.severity)).map((control) => [
    h('td', [h('code', printable(control.id))]), h('td', printable(control.title)), h('td', control.severity), ...countCells(results.get(control.id) ?? []),
  ]);
  return [h('h2', 'Controls'), table(['control', 'wanted', 'severity', ...OUTCOMES.map((outcome) => OUTCOME_WORDS[outcome])], rows, 'Controls')];
}

function hosts(report: CheckReport): Element[] {
  const results = new Map(groupBy(report.results, ({ host }) => host).map((group) => [group[0].host, group]));
  const rows = report.hosts.map((host) => {
    const own = results.get(host) ?? [];
    return [h('td', printable(host)), ...countCells(own), h('td', oldestEvidence(own, report.finishedAt) ?? '-')];
  });
  return [h('h2', 'Hosts'), table(['host', ...OUTCOMES.map((outcome) => OUTCOME_WORDS[outcome]), 'oldest evidence'], rows, 'Hosts')];
}

function countCells(results: readonly { outcome: CheckOutcome }[]): Element[] {
  const counts = countOutcomes(results);
  return OUTCOMES.map((outcome) => h('td', { className: ['number'] }, counts[outcome] === 0 ? '0' : [h('b', { className: [outcome] }, String(counts[outcome]))]));
}

/** A table that scrolls for itself where the page is narrow, also by keyboard. */
function table(columns: readonly string[], rows: readonly (readonly ElementContent[])[], label: string): Element {
  return h('div', { className: ['wide'], tabIndex: 0, role: 'region', ariaLabel: printable(label) }, [
    h('table', [h('thead', [h('tr', columns.map((name) => h('th', { scope: 'col' }, printable(name))))]), h('tbody', rows.map((cells) => h('tr', [...cells])))]),
  ]);
}

function cell(value: string | number | null): Element {
  if (value === null) return h('td', '-');
  return typeof value === 'number' ? h('td', { className: ['number'] }, String(value)) : h('td', printable(value));
}

function hostList(names: readonly string[]): Element {
  return h('ul', { className: ['hosts'] }, names.map((name) => h('li', printable(name))));
}

function definitions(pairs: readonly (readonly [string, string])[]): Element {
  return h('dl', pairs.flatMap(([term, text]) => [h('dt', term), h('dd', printable(text))]));
}

function meta(text: string): Element {
  return h('p', { className: ['meta'] }, text);
}

function positionText({ file, line, column }: SourcePosition): string {
  return `${printable(file)}:${String(line)}:${String(column)}`;
}
