import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/* Looks for secrets in what came out of a run. It shares nothing with the program that it watches. */

/** A secret by the name under which a leak of it is reported: the value itself is in no message of the tests. */
export interface Planted {
  name: string;
  value: string;
}

/** The value as texts may hold it: quoted, encoded, among other bytes. */
export function needlesOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const json = JSON.stringify(value).slice(1, -1);
  const hex = bytes.toString('hex');
  const aligned = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift, 'x'), bytes, Buffer.alloc(3, 'x')]).toString('base64');
    return whole.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3));
  });
  const html = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  return [...new Set([
    value, json, JSON.stringify(json).slice(1, -1), encodeURIComponent(value), encodeURIComponent(value).replaceAll('%20', '+'), new URLSearchParams([['', value]]).toString().slice(1), hex, hex.toUpperCase(), hex.replace(/../g, '$& ').trim(),
    ...aligned, ...aligned.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')), html, html.replaceAll("'", '&#39;'), html.replaceAll("'", '&#x27;'),
    value.replaceAll("'", "'\\''"), value.replaceAll("'", "''"), [...value].reverse().join(''), bytes.toString('utf16le'),
  ])].filter((needle) => needle.length >= 6);
}

/** Names of the secrets that a text holds, in whatever form; also where line breaks, colours or blanks stand in the middle of one. */
export function leaksIn(text: string, planted: readonly Planted[]): string[] {
  const bare = text.replace(/\x1b\[[\d;]*m/g, '');
  const joined = bare.replace(/[\s|│]+/g, '');
  return planted.filter(({ value }) => needlesOf(value).some((needle) => text.includes(needle) || bare.includes(needle) || joined.includes(needle.replace(/[\s|│]+/g, '')))).map(({ name }) => name);
}

/** Lines for grep -F: the forms that fit into one. */
export function grepPatterns(planted: readonly Planted[]): string {
  return `${[...new Set(planted.flatMap(({ value }) => needlesOf(value)))].filter((needle) => !/[\n\0]/.test(needle)).join('\n')}\n`;
}

/** What was seen of processes while something ran. */
export interface Sampled {
  /** Command lines and environments that held a secret, without it: `cmdline of sh`. */
  leaks: Set<string>;
  /** Programs that were seen, by the first words of their command lines. */
  programs: Set<string>;
  /** The line about core files of /proc/PID/limits, of agents and of the program. */
  cores: Set<string>;
  /** Files that were in folders for temporary files and held a secret. */
  files: Set<string>;
  samples: number;
}

/**
 * Samples every process of this machine, those of its test hosts too, until stopped.
 * @param folders for temporary files, of this machine
 */
export function watchProcesses(planted: readonly Planted[], folders: readonly string[]): () => Sampled {
  const seen: Sampled = { leaks: new Set(), programs: new Set(), cores: new Set(), files: new Set(), samples: 0 };
  const needles = planted.flatMap(({ value }) => [value, Buffer.from(value).toString('base64'), encodeURIComponent(value)]);
  const holds = (text: string): boolean => needles.some((needle) => text.includes(needle));
  const look = (): void => {
    seen.samples += 1;
    for (const pid of readdirSync('/proc')) if (/^\d+$/.test(pid)) lookAt(pid, seen, holds);
    for (const folder of folders) lookInto(folder, seen, holds, 3);
  };
  // a look takes its time on a machine with many processes: most of the time is left to the runs
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    const started = performance.now();
    look();
    timer = setTimeout(again, Math.max(40, 3 * (performance.now() - started)));
  };
  again();
  return () => {
    clearTimeout(timer);
    return seen;
  };
}

function lookAt(pid: string, seen: Sampled, holds: (text: string) => boolean): void {
  try {
    const cmdline = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const program = cmdline.split('\0').slice(0, 2).join(' ');
    if (program.trim() === '') return;
    seen.programs.add(program);
    if (holds(cmdline)) seen.leaks.add(`command line of ${(cmdline.split('\0')[0] ?? '').slice(0, 60)}`);
    if (holds(readFileSync(`/proc/${pid}/environ`, 'utf8'))) seen.leaks.add(`environment of ${program.slice(0, 60)}`);
    if (!/agent\.js|hsmfleet\/|main\.mjs/.test(cmdline) || !/node/.test(readlinkSync(`/proc/${pid}/exe`))) return;
    const limit = /^Max core file size\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '?';
    seen.cores.add(`${cmdline.includes('agent.js') ? 'agent' : 'program'} ${limit}`);
    // agents that other tests have on this machine itself see the very files that hold the secrets
    if (cmdline.includes('agent.js') && statSync(`/proc/${pid}/root`).ino !== statSync('/').ino) for (const folder of ['tmp', 'run', 'var/tmp', 'dev/shm']) lookInto(`/proc/${pid}/root/${folder}`, seen, holds, 2);
  } catch {
    // the process is gone
  }
}

function lookInto(folder: string, seen: Sampled, holds: (text: string) => boolean, depth: number): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory() && depth > 0) lookInto(path, seen, holds, depth - 1);
      if (entry.isFile() && holds(readFileSync(path, 'utf8'))) seen.files.add(path);
    }
  } catch {
    // the file or folder is gone
  }
}
