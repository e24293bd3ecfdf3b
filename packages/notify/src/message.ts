import { createHash } from 'node:crypto';
import type { Severity, StateChange } from '@hsmfleet/contract';
import { groupBy, printable, printableStart, replaceWord } from '@hsmfleet/terminal-text';

/** Hosts named for one thing, and lines of one group: all of it is in the dashboard. */
const MOST_HOSTS = 20;
const MOST_LINES = 50;
const SUBJECT_LENGTH = 150;
/** Characters of one title: what a host says may be endless. */
const MOST_TITLE = 500;

/** A change with the name by which a receiver knows it again. */
export interface TaggedChange extends StateChange {
  /** Equal in every message that has this change, whoever sends it. */
  id: string;
}

/** Everything that one sink is told at once. */
export interface Message {
  /** Equal for the same changes: a retry has the id of the first try. */
  id: string;
  /** One line: how much of what, and how bad. */
  subject: string;
  /** For people: grouped by control, worst first. */
  text: string;
  /** Worst severity of what is not well; null when there is nothing but good news. */
  severity: Severity | null;
  changes: TaggedChange[];
}

const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low'];

/** Kinds of change in the order in which they are told, with their words for one and for many. */
const KINDS: Readonly<Record<StateChange['kind'], { one: string; many: string; good: boolean }>> = {
  finding: { one: 'new finding', many: 'new findings', good: false },
  waiver_expired: { one: 'waiver expired', many: 'waivers expired', good: false },
  certificate_expires: { one: 'certificate expires', many: 'certificates expire', good: false },
  host_lost: { one: 'host lost', many: 'hosts lost', good: false },
  check_failed: { one: 'check failed', many: 'checks failed', good: false },
  resolved: { one: 'resolved', many: 'resolved', good: true },
  host_back: { one: 'host back', many: 'hosts back', good: true },
  check_recovered: { one: 'check recovered', many: 'checks recovered', good: true },
};
const KIND_ORDER = Object.keys(KINDS) as StateChange['kind'][];

/** One message about changes; they are in the order in which they happened. @param changes at least one */
export function composeMessage(changes: readonly StateChange[]): Message {
  const tagged = changes.map((change) => ({ id: hash([change.check, change.kind, change.key, change.at]), ...change }));
  const bad = changes.filter(({ kind }) => !KINDS[kind].good);
  const severity = SEVERITIES.find((level) => bad.some((change) => change.severity === level)) ?? null;
  return { id: hash(tagged.map(({ id }) => id).sort()), subject: subjectOf(changes, severity), text: textOf(changes), severity, changes: tagged };
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

function subjectOf(changes: readonly StateChange[], severity: Severity | null): string {
  const counts = KIND_ORDER.flatMap((kind) => {
    const count = changes.filter((change) => change.kind === kind).length;
    return count === 0 ? [] : [`${String(count)} ${count === 1 ? KINDS[kind].one : KINDS[kind].many}`];
  });
  const [only] = changes;
  // one change is told in the subject itself
  const what = changes.length === 1 && only !== undefined ? printableStart(only.title, SUBJECT_LENGTH) : counts.join(', ');
  const subject = `hsmfleet${severity === null ? '' : ` [${severity}]`}: ${what}`;
  return subject.length <= SUBJECT_LENGTH ? subject : `${subject.slice(0, SUBJECT_LENGTH - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Changes by control, those without one by what they are about; then hosts that say the same in one line. */
function textOf(changes: readonly StateChange[]): string {
  const groups = groupBy(changes, groupName);
  const worst = (group: readonly StateChange[]): number => Math.min(...group.map(({ severity, kind }) => (severity === null ? SEVERITIES.length : SEVERITIES.indexOf(severity)) + (KINDS[kind].good ? 10 : 0)));
  const sections = groups.sort((a, b) => worst(a) - worst(b)).map(sectionOf);
  const checks = groupBy(changes, ({ check }) => check).slice(0, MOST_LINES).map(([{ check, schedule, at }]) =>
    `check ${printable(check)}${schedule === null ? '' : `, schedule ${printable(schedule)}`}, ${printable(at)}`);
  return [...sections, checks.join('\n')].join('\n\n').concat('\n');
}

function groupName({ control, kind }: StateChange): string {
  if (control !== null) return control;
  return kind === 'host_lost' || kind === 'host_back' ? 'hosts' : kind === 'certificate_expires' ? 'certificates' : 'checks';
}

function sectionOf(group: readonly [StateChange, ...StateChange[]]): string {
  const severity = group.find((change) => change.severity !== null)?.severity;
  const lines = KIND_ORDER.flatMap((kind) => {
    return groupBy(group.filter((change) => change.kind === kind), hostlessTitle).map(lineOf);
  });
  const shown = lines.slice(0, MOST_LINES);
  if (lines.length > MOST_LINES) shown.push(`… ${String(lines.length - MOST_LINES)} more`);
  return [`${printable(groupName(group[0]))}${severity === undefined || severity === null ? '' : ` (${severity})`}`, ...shown.map((line) => `  ${line}`)].join('\n');
}

/** The same for every host, though it names the host. */
function hostlessTitle({ title, host }: StateChange): string {
  return host === null ? title : replaceWord(title, host, 'HOST');
}

/** The title of what one or many hosts have; those who write titles say there what became of it. */
function lineOf(all: readonly [StateChange, ...StateChange[]]): string {
  const hosts = [...new Set(all.flatMap(({ host }) => (host === null ? [] : [host])))];
  const [first] = all;
  if (hosts.length <= 1) return printableStart(first.host === null || hostlessTitle(first) !== first.title ? first.title : `${first.host}: ${first.title}`, MOST_TITLE);
  const names = hosts.slice(0, MOST_HOSTS).map(printable).join(' ');
  return `${printableStart(hostlessTitle(first).replace(/^HOST:? /, ''), MOST_TITLE)} (${String(hosts.length)} hosts: ${names}${hosts.length > MOST_HOSTS ? ' …' : ''})`;
}
