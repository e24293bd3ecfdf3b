import type { CheckReport, CheckResult, ControlSummary } from '@hsmfleet/contract';
import { groupBy, printable } from '@hsmfleet/terminal-text';
import { DOMImplementation, XMLSerializer, type Document } from '@xmldom/xmldom';
import { OUTCOMES, OUTCOME_WORDS, countOutcomes } from './order.ts';
import { resultLines, withControls } from './plain-details.ts';

/*
 * Built as a tree and not with junit-report-builder: that one has no text for <skipped>, where the reason for a waiver
 * belongs, and no status, which keeps unreachable apart from error and waived from not applicable. The writer matters too:
 * of those tried, xmlbuilder2 leaves "&#0;" in a text as a reference and xast-util-to-xml leaves "]]>", so that a host could
 * make the file unreadable; xmldom escapes both.
 */

/**
 * JUnit XML, valid by Jenkins' schema: a suite for each control, a case for each host. `status` has the outcome. A finding is
 * a failure; what could not be judged, or did not answer, is an error; waived and not applicable are skipped, with the reason.
 */
export function renderJunit(report: CheckReport): string {
  const { counts } = report;
  const results = new Map(groupBy(withControls(report), ({ control }) => control.id).map((group) => [group[0].control.id, group.map(({ result }) => result)]));
  const suites = report.controls.map((control) => suite(control, results.get(control.id) ?? [], report));
  const root = node('testsuites', {
    name: printable(report.profile.title), time: String((Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1_000),
    tests: String(report.results.length), failures: String(counts.fail), errors: String(counts.error + counts.unreachable),
  }, suites);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serialize(root)}\n`;
}

function suite(control: ControlSummary, results: readonly CheckResult[], report: CheckReport): Node {
  const counts = countOutcomes(results);
  const property = (name: string, value: string): Node => node('property', { name, value: printable(value) });
  return node('testsuite', {
    name: printable(control.id), package: printable(report.profile.name), timestamp: printable(report.startedAt), tests: String(results.length),
    failures: String(counts.fail), errors: String(counts.error + counts.unreachable), skipped: String(counts.waived + counts.not_applicable),
  }, [
    node('properties', {}, [
      property('title', control.title), property('severity', control.severity), property('check', report.id),
      ...OUTCOMES.map((outcome) => property(OUTCOME_WORDS[outcome], String(counts[outcome]))),
    ]),
    ...results.map((result) => testCase(result, control, report)),
  ]);
}

function testCase(result: CheckResult, control: ControlSummary, report: CheckReport): Node {
  const attributes = { name: printable(result.host), classname: printable(`${report.profile.name}.${control.id}`), status: result.outcome };
  return node('testcase', attributes, outcomeElement(result, control, resultLines(result, control, report.finishedAt).join('\n')));
}

function outcomeElement(result: CheckResult, control: ControlSummary, text: string): Node[] {
  switch (result.outcome) {
    case 'pass': return [];
    case 'fail': return [node('failure', { type: control.severity, message: printable(summary(result, control)) }, text)];
    case 'error':
    case 'unreachable':
      return [node('error', { type: printable(result.error?.code ?? result.outcome.toUpperCase()), message: printable(result.error?.message ?? OUTCOME_WORDS[result.outcome]) }, text)];
    case 'waived': return [node('skipped', {}, text)];
    case 'not_applicable': return [node('skipped', {}, 'not applicable to this host')];
  }
}

function summary({ findings }: CheckResult, { title }: ControlSummary): string {
  const [first] = findings;
  if (first === undefined) return `not met: ${title}`;
  return findings.length === 1 ? first.message : `${first.message}, and ${String(findings.length - 1)} more`;
}

/** An element: of elements, or of a text. */
interface Node {
  name: string;
  attributes: Record<string, string>;
  content: readonly Node[] | string;
}

function node(name: string, attributes: Record<string, string>, content: readonly Node[] | string = []): Node {
  return { name, attributes, content };
}

function serialize(root: Node): string {
  const document = new DOMImplementation().createDocument(null, root.name, null);
  const element = document.documentElement;
  if (element === null) throw new TypeError('a document without a root');
  fill(document, element, root, 0);
  return new XMLSerializer().serializeToString(document);
}

/** Elements stand on lines of their own; text stays as it is. */
function fill(document: Document, element: ReturnType<Document['createElement']>, { attributes, content }: Node, depth: number): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (typeof content === 'string') {
    element.appendChild(document.createTextNode(content));
    return;
  }
  for (const inner of content) {
    const child = document.createElement(inner.name);
    fill(document, child, inner, depth + 1);
    element.appendChild(document.createTextNode(`\n${'  '.repeat(depth + 1)}`));
    element.appendChild(child);
  }
  if (content.length > 0) element.appendChild(document.createTextNode(`\n${'  '.repeat(depth)}`));
}
