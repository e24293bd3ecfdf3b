import { HsmfleetErrors, toErrorShape } from '@hsmfleet/contract';
import { printable } from '@hsmfleet/reporter';

export type LogLevel = 'info' | 'warning' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Takes a line of the log. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** Priorities as the journal reads them: sd-daemon(3). */
const PRIORITIES: Record<LogLevel, number> = { error: 3, warning: 4, info: 6 };

/**
 * A log of one line per happening: time, level, what, and name=value for those who search. Under systemd the journal has time
 * and level already, so the line begins with the priority that it reads.
 */
export function createLog(write: (line: string) => void, journal: boolean, now: () => Date = () => new Date()): Log {
  return (level, message, fields = {}) => {
    const head = journal ? `<${String(PRIORITIES[level])}>` : `${now().toISOString()} ${level} `;
    write(`${head}${[printable(message), ...Object.entries(fields).flatMap(renderField)].join(' ')}\n`);
  };
}

function renderField([name, value]: [string, LogFields[string]]): string[] {
  if (value === undefined || value === null) return [];
  const text = printable(String(value));
  return [`${name}=${/^[^\s"=\\]+$/.test(text) ? text : JSON.stringify(text)}`];
}

/** Writes every error that was thrown, each with its place. */
export function logErrors(log: Log, level: LogLevel, message: string, thrown: unknown): void {
  for (const each of thrown instanceof HsmfleetErrors ? thrown.errors : [thrown]) {
    const { code, message: what, hint, position } = toErrorShape(each);
    log(level, `${message}: ${what}`, { code, at: position === undefined ? undefined : `${position.file}:${String(position.line)}:${String(position.column)}`, hint });
  }
}

/** What was thrown, in one text for people: "serve.yml:3:5: …; and 2 more". */
export function errorSummary(thrown: unknown): string {
  const all = thrown instanceof HsmfleetErrors ? thrown.errors : [thrown];
  const { message, position } = toErrorShape(all[0]);
  const place = position === undefined ? '' : `${position.file}:${String(position.line)}:${String(position.column)}: `;
  return `${place}${message}${all.length > 1 ? `; and ${String(all.length - 1)} more` : ''}`;
}
