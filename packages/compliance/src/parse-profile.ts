import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HsmfleetError, type SourcePosition } from '@hsmfleet/contract';
import { loadYaml, Problems, readBySchema, suggestion, type SchemaReading, type YamlSource } from '@hsmfleet/yaml-source';
import type { Control, Parameter, ParameterOverride, ParameterValue, Profile, Waiver } from './model.ts';
import { parameterValue, usedParameters } from './parameters.ts';
import { ProfileFile, type ControlEntry } from './schema.ts';

/** How old evidence may be when a profile says nothing. */
const DEFAULT_MAX_AGE_HOURS = 24;

/** One file of a profile with the places of its parts. */
interface Part {
  source: YamlSource;
  file: ProfileFile;
  placeOf: SchemaReading<ProfileFile>['placeOf'];
  sha256: string;
}

/**
 * Reads a profile and those that it extends. What SQL cannot be judged without a database is judged by `checkQueries`.
 * @throws HsmfleetError, HsmfleetErrors: FILE_MISSING, PLAYBOOK_SYNTAX, PROFILE_INVALID: every mistake, at its place
 */
export async function parseProfile(file: string): Promise<Profile> {
  const problems = new Problems();
  const parts = await readParts(file, problems, []);
  problems.throwIfAny();
  const own = parts.at(-1) as Part;
  const controls = new Map<string, Control>();
  const parameters = new Map<string, Parameter>();
  const overrides: ParameterOverride[] = [];
  const waivers: Waiver[] = [];
  for (const part of parts) {
    leaveOut(part, controls, problems);
    for (const [name, entry] of Object.entries(part.file.parameters ?? {})) {
      parameters.set(name, { name, description: entry.description, value: parameterValue(entry.default) ?? '', position: position(part, 'parameters', name) });
    }
    overrides.push(...readOverrides(part, parameters, problems));
    readControls(part, controls, problems);
    waivers.push(...readWaivers(part, controls, problems));
  }
  if (controls.size === 0) problems.add(own.source.problem('PROFILE_INVALID', 'the profile has no controls', own.placeOf('profile'), 'list them below "controls:", or take those of another profile with "extends:"'));
  checkParameters(parts, parameters, problems);
  problems.throwIfAny();
  return {
    name: own.file.profile, title: own.file.title, description: own.file.description, file,
    sha256: parts.length === 1 ? own.sha256 : createHash('sha256').update(parts.map(({ sha256 }) => sha256).join()).digest('hex'),
    parameters, overrides, waivers, controls: [...controls.values()],
  };
}

/** The file, and before it those that it extends, the first ancestor first. */
async function readParts(file: string, problems: Problems, below: readonly string[]): Promise<Part[]> {
  const { source, problems: found } = await loadYaml(file);
  problems.add(...found);
  const { value, placeOf, problems: mistakes } = readBySchema(source, ProfileFile, 'PROFILE_INVALID', 'the profile');
  problems.add(...mistakes);
  if (value === undefined) return [];
  const sha256 = createHash('sha256').update(await readFile(file)).digest('hex');
  const part: Part = { source, file: value, placeOf, sha256 };
  if (value.extends === undefined) {
    if ((value.without ?? []).length > 0) problems.add(source.problem('PROFILE_INVALID', '"without" goes with "extends"', placeOf('without')));
    return [part];
  }
  const path = resolve(dirname(file), value.extends);
  if ([resolve(file), ...below].includes(path)) {
    problems.add(source.problem('PROFILE_INVALID', 'the profile extends itself', placeOf('extends')));
    return [part];
  }
  try {
    return [...(await readParts(path, problems, [resolve(file), ...below])), part];
  } catch (thrown) {
    if (!(thrown instanceof HsmfleetError) || thrown.code !== 'FILE_MISSING') throw thrown;
    problems.add(source.problem('FILE_MISSING', thrown.message, placeOf('extends'), 'the path is relative to the profile'));
    return [part];
  }
}

function leaveOut(part: Part, controls: Map<string, Control>, problems: Problems): void {
  for (const [index, id] of (part.file.without ?? []).entries()) {
    if (!controls.delete(id)) problems.add(part.source.problem('PROFILE_INVALID', `there is no control "${id}" to leave out`, part.placeOf('without', index), suggestion(id, controls.keys())));
  }
}

function readOverrides(part: Part, parameters: ReadonlyMap<string, Parameter>, problems: Problems): ParameterOverride[] {
  return (part.file.set ?? []).map(({ hosts, values }, index) => {
    const known = new Map<string, ParameterValue>();
    for (const [name, given] of Object.entries(values)) {
      if (parameters.has(name)) known.set(name, parameterValue(given) ?? '');
      else problems.add(part.source.problem('PROFILE_INVALID', `there is no parameter "${name}"`, part.placeOf('set', index, 'values', name), suggestion(name, parameters.keys()) ?? knownParameters(parameters)));
    }
    return { hosts, values: known, position: position(part, 'set', index, 'hosts') };
  });
}

function readControls(part: Part, controls: Map<string, Control>, problems: Problems): void {
  for (const [index, entry] of (part.file.controls ?? []).entries()) {
    const at = (key: keyof ControlEntry | 'id'): ReturnType<Part['placeOf']> => part.placeOf('controls', index, key);
    const fail = (message: string, key: keyof ControlEntry, hint?: string): void => { problems.add(part.source.problem('PROFILE_INVALID', message, at(key), hint)); };
    if (controls.has(entry.id)) fail(`there is another control "${entry.id}"`, 'id', 'leave the other one out with "without:", or give this one an id of its own');
    if (entry.query === undefined && entry.playbook === undefined) fail(`the control "${entry.id}" judges nothing`, 'id', 'give it a query or a playbook');
    if (entry.query !== undefined && entry.playbook !== undefined) fail(`the control "${entry.id}" has a query and a playbook: make it two controls`, 'playbook');
    for (const key of ['message', 'identity'] as const) if (entry.playbook !== undefined && entry[key] !== undefined) fail(`"${key}" goes with a query`, key);
    if (entry.tasks !== undefined && entry.playbook === undefined) fail('"tasks" goes with a playbook', 'tasks');
    for (const key of ['query', 'applies'] as const) {
      if (entry[key] !== undefined && !/^\s*(--[^\n]*\n\s*)*(select|with)\b/i.test(entry[key])) fail(`${key} must be one SELECT statement`, key);
      else if (entry[key]?.trimEnd().endsWith(';') === true) fail(`${key} must not end with a semicolon`, key);
    }
    controls.set(entry.id, {
      id: entry.id, title: entry.title, why: oneLine(entry.why), severity: entry.severity, fix: entry.fix === undefined ? null : oneLine(entry.fix),
      kind: entry.playbook === undefined ? 'query' : 'drift', position: position(part, 'controls', index, 'id'),
      query: entry.query, applies: entry.applies, message: entry.message, identity: entry.identity, tasks: entry.tasks,
      playbook: entry.playbook === undefined ? undefined : resolve(dirname(part.source.path), entry.playbook),
      maxAgeHours: hours(entry.max_age ?? part.file.max_age) ?? DEFAULT_MAX_AGE_HOURS,
    });
  }
}

function readWaivers(part: Part, controls: ReadonlyMap<string, Control>, problems: Problems): Waiver[] {
  return (part.file.waivers ?? []).map((waiver, index) => {
    for (const [at, id] of waiver.controls.entries()) {
      if (!controls.has(id)) problems.add(part.source.problem('PROFILE_INVALID', `there is no control "${id}" to waive`, part.placeOf('waivers', index, 'controls', at), suggestion(id, controls.keys())));
    }
    if (new Date(`${waiver.until}T00:00:00Z`).toJSON()?.slice(0, 10) !== waiver.until) {
      problems.add(part.source.problem('PROFILE_INVALID', `there is no day ${waiver.until}`, part.placeOf('waivers', index, 'until'), 'write it as 2026-12-31'));
    }
    return { ...waiver, reason: oneLine(waiver.reason), position: position(part, 'waivers', index, 'controls') };
  });
}

/** Names after a $ in queries are parameters; a typo would silently be an empty text. */
function checkParameters(parts: readonly Part[], parameters: ReadonlyMap<string, Parameter>, problems: Problems): void {
  for (const part of parts) {
    for (const [index, entry] of (part.file.controls ?? []).entries()) {
      for (const key of ['query', 'applies'] as const) {
        for (const name of usedParameters(entry[key] ?? '')) {
          if (!parameters.has(name)) problems.add(part.source.problem('PROFILE_INVALID', `there is no parameter "${name}"`, part.placeOf('controls', index, key), suggestion(name, parameters.keys()) ?? knownParameters(parameters)));
        }
      }
    }
  }
}

function knownParameters(parameters: ReadonlyMap<string, Parameter>): string {
  return parameters.size === 0 ? 'the profile has none: declare it below "parameters:"' : `there are ${[...parameters.keys()].join(', ')}`;
}

function position(part: Part, ...path: (string | number)[]): SourcePosition {
  return part.source.positionOf(part.placeOf(...path));
}

function hours(age: string | undefined): number | undefined {
  if (age === undefined) return undefined;
  const unit = { m: 1 / 60, h: 1, d: 24 }[age.at(-1) as 'm' | 'h' | 'd'];
  return Number(age.slice(0, -1)) * unit;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
