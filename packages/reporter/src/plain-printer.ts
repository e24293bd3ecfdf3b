import { countEvent, type Counts, type ErrorShape, type RunEvent, type RunEventOf, type TaskFinished } from '@hsmfleet/contract';
import { errorLines, groupBy, printable, type Colors } from '@hsmfleet/terminal-text';
import { pointText } from './point-text.ts';
import { recapLines } from './recap.ts';
import { createTaskGroups, type TaskGroup } from './task-groups.ts';
import { detailLines, outcomeWord, type Detail } from './task-text.ts';

const WIDTH = 80;

export interface PrinterOptions {
  out: (text: string) => void;
  colors: Colors;
  verbosity: number;
  diff: boolean;
  /** Leave out hosts and tasks with nothing to say: progress is shown elsewhere. */
  quiet: boolean;
}

/** What one item of a loop came to. */
interface ItemLine {
  text: string;
  /** Shown whatever the resource is: it failed, or -v is given. */
  always: boolean;
  /** It has a message: what `debug` is there for. */
  says: boolean;
}

/** Turns events into lines, task by task, as people know them from Ansible. */
export interface Printer {
  event(event: RunEvent): void;
  /** Prints what waits for slower hosts. */
  flush(): void;
  waiting(): boolean;
  /** The rest, and the recap. */
  finish(): void;
}

export function createPrinter({ out, colors, verbosity, diff, quiet }: PrinterOptions): Printer {
  const detail: Detail = { verbosity, diff, check: false };
  const groups = createTaskGroups();
  const counts: Record<string, Counts> = {};
  /** Errors of hosts outside any task, waiting to be printed together. */
  let troubles: { label: string; host: string; error: ErrorShape }[] = [];
  /** Hosts whose task error was shown: the same error ending the host's play is no news. */
  const explained = new Set<string>();
  /** Lines about a loop's items, until their task is printed. */
  const items = new Map<string, ItemLine[]>();
  /** The order of the hosts in the recap. */
  let order: readonly string[] = [];
  let started = false;

  const line = (text = ''): void => { out(`${text}\n`); };
  const title = (text: string): void => {
    line(`${started ? '\n' : ''}${colors.bold(`${text} ${'*'.repeat(Math.max(3, WIDTH - text.length - 1))}`)}`);
    started = true;
  };

  function printTroubles(): void {
    for (const same of groupBy(troubles, ({ label, error }) => JSON.stringify([label, error.code, error.message, error.hint]))) {
      const [first] = same;
      line(`${colors.red(first.label)}: ${hostList(same.map(({ host }) => host))}`);
      for (const text of errorLines(first.error, colors)) line(`  ${text}`);
    }
    troubles = [];
  }

  function printGroup(group: TaskGroup): void {
    const lines = resultLines(group);
    if (lines.length === 0) return;
    const name = group.name === '' ? group.results[0]?.resource ?? '' : group.name;
    title(`${group.handler ? 'RUNNING HANDLER' : 'TASK'} [${printable(name)}]${group.continued ? ' (continued)' : ''}`);
    for (const text of lines) line(text);
  }

  /** Hosts that say the same are named together when there is more to say than one word. */
  function resultLines(group: TaskGroup): string[] {
    const lines: string[] = [];
    const described = group.results.map((result) => {
      const ofItems = (items.get(itemsKey(result)) ?? [])
        .filter(({ always, says }) => always || (says && result.resource === 'debug')).map(({ text }) => text);
      items.delete(itemsKey(result));
      return { result, below: [...ofItems, ...detailLines(result, detail, colors)] };
    });
    for (const same of groupBy(described, ({ result, below }) => JSON.stringify([result.outcome, result.delegatedTo, below]))) {
      const [{ result, below }] = same;
      const quietOne = below.length === 0 && (result.outcome === 'ok' || result.outcome === 'skipped');
      if (quiet && quietOne) continue;
      const word = outcomeWord(result, colors);
      const to = result.delegatedTo === undefined ? '' : ` -> ${printable(result.delegatedTo)}`;
      if (below.length === 0) for (const each of same) lines.push(`${word}: [${printable(each.result.host)}${to}]`);
      else lines.push(`${word}: ${hostList(same.map((each) => each.result.host))}${to}`, ...below);
    }
    return lines;
  }

  function flushComplete(): void {
    const complete = groups.takeComplete();
    if (complete.length > 0) printTroubles();
    complete.forEach(printGroup);
  }

  function flush(): void {
    printTroubles();
    groups.takeAll().forEach(printGroup);
  }

  function taskFinished(event: TaskFinished): void {
    if (event.error !== undefined) explained.add(event.host);
    groups.add(event);
  }

  function hostFinished(event: RunEventOf<'host_finished'>): void {
    groups.end(event.host);
    if (event.error === undefined || explained.has(event.host)) return;
    troubles.push({ label: event.status === 'ok' ? 'failed' : event.status, host: event.host, error: event.error });
  }

  function itemFinished(event: RunEventOf<'item_finished'>): void {
    const failed = event.outcome === 'failed' || event.outcome === 'refused';
    const words = `${event.outcome}: (item=${printable(JSON.stringify(event.item) ?? '')})`;
    const why = event.error?.message ?? event.message;
    const text = `  ${failed ? colors.red(words) : words}${why === undefined ? '' : ` => ${printable(why)}`}`;
    const key = itemsKey(event);
    const line = { text, always: failed || verbosity > 0, says: why !== undefined && event.outcome !== 'skipped' };
    const lines = items.get(key);
    if (lines === undefined) items.set(key, [line]);
    else lines.push(line);
  }

  function print(event: RunEvent): void {
    switch (event.type) {
      case 'run_started':
        detail.check = event.check;
        order = event.hosts;
        if (event.check) line(colors.cyan('check mode: nothing is changed'));
        break;
      case 'run_resumed':
        order = event.hosts;
        line(colors.cyan('taken up again: what hosts did before is told from their journals'));
        break;
      case 'play_started':
        flush();
        explained.clear();
        groups.begin(event.hosts);
        title(`PLAY [${printable(event.name)}]`);
        break;
      case 'batch_started':
        flush();
        groups.begin(event.hosts);
        if (event.of > 1 && event.batch > 0) line();
        if (event.of > 1) line(colors.dim(`batch ${String(event.batch + 1)} of ${String(event.of)}: ${event.hosts.map(printable).join(' ')}`));
        break;
      case 'host_started':
        if (verbosity > 1 || (verbosity > 0 && event.uploaded.length > 0)) {
          const uploaded = event.uploaded.length === 0 ? '' : `, sent ${event.uploaded.map(printable).join(', ')}`;
          line(colors.dim(`[${printable(event.host)}] agent ${printable(event.agent)}, node ${printable(event.node)}${uploaded}`));
        }
        break;
      case 'task_finished': taskFinished(event); break;
      case 'item_finished': itemFinished(event); break;
      case 'host_finished': hostFinished(event); break;
      case 'host_unreachable':
        groups.end(event.host);
        troubles.push({ label: 'unreachable', host: event.host, error: event.error });
        break;
      case 'warning':
        line(`${colors.magenta('warning:')} ${event.host === '' ? '' : `[${printable(event.host)}] `}${printable(event.message)}`);
        break;
      case 'play_stopped':
        flush();
        line(colors.red(`play stopped: ${printable(event.reason)}`));
        break;
      case 'benchmark':
        line(`${colors.dim(`[${printable(event.host)}]`)} ${pointText(event.point, colors)}`);
        break;
      case 'custody':
        if (verbosity > 0 && event.proof.verdict === 'proven') {
          line(colors.dim(`[${printable(event.host)}] token "${printable(event.proof.token)}" is the one of ${printable(event.proof.file ?? '')}, prepared by ${printable(event.proof.preparedBy ?? '')} at ${printable(event.proof.preparedAt ?? '')}`));
        }
        break;
      case 'progress':
        if (verbosity > 1) line(colors.dim(`[${printable(event.host)}] ${printable(event.message)}`));
        break;
      case 'artifact':
        if (verbosity > 0) {
          const { name, version, architecture, sha256 } = event.artifact;
          line(colors.dim(`[${printable(event.host)}] package ${printable(name)} ${printable(version)} for ${printable(architecture)}, SHA-256 ${sha256.slice(0, 12)}…`));
        }
        break;
      case 'facts': case 'task_started': case 'inventory': case 'run_finished': break;
    }
  }

  return {
    flush,
    waiting: () => groups.waiting() || troubles.length > 0,
    event(event) {
      countEvent(counts, event);
      print(event);
      flushComplete();
    },
    finish() {
      flush();
      title('PLAY RECAP');
      for (const text of recapLines(sorted(counts, order), colors)) line(text);
    },
  };
}

function itemsKey(event: { task: string; host: string }): string {
  return `${event.task}\0${event.host}`;
}

function sorted(counts: Record<string, Counts>, order: readonly string[]): Record<string, Counts> {
  const places = new Map(order.map((host, index) => [host, index]));
  const place = (host: string): number => places.get(host) ?? order.length;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => place(a) - place(b)));
}

function hostList(hosts: readonly string[]): string {
  const list = hosts.map((host) => `[${printable(host)}]`).join(' ');
  return hosts.length > 1 ? `${list} (${String(hosts.length)} hosts)` : list;
}
