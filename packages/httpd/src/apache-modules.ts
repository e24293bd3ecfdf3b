import { HsmfleetError } from '@hsmfleet/contract';

/** Debian's mods-available and mods-enabled as a host has them. */
export interface DebianModules {
  /** Text of `mods-available/NAME.load`, by name. */
  available: Readonly<Record<string, string>>;
  /** Names with a `mods-available/NAME.conf`. */
  withConf: readonly string[];
  /** File names in mods-enabled (`ssl.load`, `ssl.conf`). */
  enabled: readonly string[];
}

export interface ModuleLinks {
  /** File names to link from mods-enabled to mods-available. */
  add: string[];
  /** File names to remove from mods-enabled. */
  remove: string[];
}

/** Names after `# Depends:` or `# Conflicts:` in a .load file. */
export function loadFileHeader(text: string, header: 'Depends' | 'Conflicts'): string[] {
  const line = new RegExp(`^# ${header}:\\s*(.+)$`, 'm').exec(text)?.[1];
  return line === undefined ? [] : line.trim().split(/\s+/);
}

/**
 * What a2enmod would link: the module, and first of all what it depends on.
 * @throws HsmfleetError TASK_FAILED when it, or what it depends on, is not installed or conflicts with an enabled one
 */
export function linksToEnable(modules: DebianModules, name: string): ModuleLinks {
  const add: string[] = [];
  const seen = new Set<string>();
  const visit = (current: string, wantedBy?: string): void => {
    if (seen.has(current)) return;
    seen.add(current);
    const text = modules.available[current];
    if (text === undefined) {
      throw new HsmfleetError('TASK_FAILED', `apache module ${current} is not installed${wantedBy === undefined ? '' : `, and ${wantedBy} depends on it`}`, {
        hint: 'install the package that has it, or give its path',
      });
    }
    const clash = loadFileHeader(text, 'Conflicts').find((other) => modules.enabled.includes(`${other}.load`));
    if (clash !== undefined) {
      throw new HsmfleetError('TASK_FAILED', `apache module ${current} conflicts with ${clash}, which is enabled`, { hint: `disable ${clash} first` });
    }
    for (const needed of loadFileHeader(text, 'Depends')) visit(needed, current);
    for (const file of [`${current}.load`, ...(modules.withConf.includes(current) ? [`${current}.conf`] : [])]) {
      if (!modules.enabled.includes(file)) add.push(file);
    }
  };
  visit(name);
  return { add, remove: [] };
}

/**
 * What a2dismod would unlink.
 * @throws HsmfleetError TASK_FAILED when an enabled module depends on it
 */
export function linksToDisable(modules: DebianModules, name: string): ModuleLinks {
  const dependent = Object.entries(modules.available).find(
    ([other, text]) => modules.enabled.includes(`${other}.load`) && loadFileHeader(text, 'Depends').includes(name),
  )?.[0];
  const remove = [`${name}.load`, `${name}.conf`].filter((file) => modules.enabled.includes(file));
  if (dependent !== undefined && remove.length > 0) {
    throw new HsmfleetError('TASK_FAILED', `apache module ${name} is needed by ${dependent}, which is enabled`, { hint: `disable ${dependent} first` });
  }
  return { add: [], remove };
}

/** A LoadModule line, in effect or commented out. */
interface LoadLine {
  at: number;
  commented: boolean;
  identifier: string;
}

function loadLines(text: string): LoadLine[] {
  return text.split('\n').flatMap((line, at) => {
    const match = /^\s*(#?)\s*LoadModule\s+(\S+)\s+\S+/.exec(line);
    return match?.[2] === undefined ? [] : [{ at, commented: match[1] === '#', identifier: match[2] }];
  });
}

/** Identifiers of LoadModule lines in a file, by whether they are in effect. */
export function loadedIdentifiers(text: string): { on: string[]; off: string[] } {
  const lines = loadLines(text);
  return { on: lines.filter((line) => !line.commented).map((line) => line.identifier), off: lines.filter((line) => line.commented).map((line) => line.identifier) };
}

/** The text with the LoadModule lines of these modules taken into effect or commented out; all else stays. */
export function switchLoadModule(text: string, wanted: Readonly<Record<string, boolean>>): string {
  const lines = text.split('\n');
  for (const { at, commented, identifier } of loadLines(text)) {
    const on = wanted[identifier];
    const line = lines[at] ?? '';
    if (on === true && commented) lines[at] = line.replace(/#\s*/, '');
    if (on === false && !commented) lines[at] = `#${line}`;
  }
  return lines.join('\n');
}

/** The source file that `IfModule` and LoadModule call a module after: `ssl` is `ssl_module`. */
export function moduleIdentifier(name: string): string {
  return `${name}_module`;
}
