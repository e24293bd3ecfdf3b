import { Deferred, Secret, type Value } from '@hsmfleet/contract';
import { referencedVariables } from '@hsmfleet/template';
import { isNode, isScalar, visit, type Node } from 'yaml';
import { tasksOf, type ExpandedInclude, type ExpandedStep, type ExpandedTask } from '../expanded.ts';
import type { Placed } from '../source.ts';
import type { LintRule, Remark, SurveyedPlay } from './rule.ts';

/** What a program does that a resource does with a check, a diff and no restart for nothing. */
const RESOURCE_OF: Readonly<Record<string, string>> = {
  modutil: 'nss_module', certutil: 'nss_database', a2enmod: 'apache_module', a2dismod: 'apache_module', a2ensite: 'tls_site',
  apachectl: 'tls_site, which restarts only when that is safe', apache2ctl: 'tls_site, which restarts only when that is safe',
  systemctl: 'service', service: 'service', 'apt-get': 'package', apt: 'package', dpkg: 'package', yum: 'package', dnf: 'package', pacman: 'package',
  chmod: 'file', chown: 'file', chgrp: 'file', mkdir: 'file', touch: 'file', ln: 'file', rm: 'file', rmdir: 'file', cp: 'copy', sed: 'lineinfile', tee: 'copy',
};

/** Programs that log in to a token, or stop a site that serves from one, when they only look. */
const TOKEN_TOOLS = new Set(['pkcs11-tool', 'pkcs15-tool', 'p11tool', 'sc-hsm-tool', 'opensc-tool', 'softhsm2-util']);

/** Names whose values are not for everybody's eyes. */
const SECRET_NAME = /(?:^|_)(?:pin|password|passwd|passphrase|secret|private_key|api_key)$/i;
/** Files and settings around secrets, which are none themselves. */
const NO_SECRET_NAME = /(?:^|_)(?:pin_file|password_file)$/i;

/** Resources that write a file with a mode. */
const WRITES_FILES = new Set(['copy', 'template']);
/** Resources that change what a web server serves. */
const CHANGES_SITES = new Set(['tls_site', 'apache_module', 'apache_mpm', 'nss_module', 'nss_database']);

/** Keywords that take expressions. */
const CONDITIONS = new Set(['when', 'changed_when', 'failed_when', 'until']);

/** Every rule, in the order of the documentation. */
export const LINT_RULES: readonly LintRule[] = [
  {
    id: 'plain-secret', severity: 'error', title: 'a secret stands in plain text',
    why: 'Whoever reads the repository has the PIN, and values that are not known to be secret are shown in diffs and logs.',
    *look({ play, expanded }) {
      for (const step of allTasks(expanded)) {
        if (step.kind !== 'task') continue;
        for (const path of plainSecrets(step.resource.params as unknown as ParamSchema, step.params)) {
          const node = step.placeOf(path, 'value');
          if (!isSealed(node)) yield at(step.source, node, `${step.resource.name}.${path.join('.')} is a secret in plain text`, ENCRYPT);
        }
        yield* plainVars(step.vars, step);
      }
      yield* plainVars(play.vars, { source: play.source, node: play.hosts.node });
    },
  },
  {
    id: 'token-tool', severity: 'warning', title: 'a program that disturbs tokens is run',
    why: 'Listing a token with the usual tools ends the login of a web server that serves from it, and a wrong PIN costs a try.',
    *look({ expanded }) {
      for (const task of commands(expanded)) {
        const program = programOf(task);
        if (program !== undefined && TOKEN_TOOLS.has(program)) yield at(task.source, task.resourceNode, `${program} is run on a webserver`, '`hsmfleet inventory` reads tokens without disturbing them; keys are made at a station');
      }
    },
  },
  {
    id: 'resource-instead', severity: 'warning', title: 'a command does what a resource is for',
    why: 'A command is run each time and tells neither check mode nor a diff what it would change.',
    *look({ expanded }) {
      for (const task of commands(expanded)) {
        const program = programOf(task);
        const resource = program === undefined ? undefined : RESOURCE_OF[program];
        if (resource !== undefined) yield at(task.source, task.resourceNode, `${program ?? ''} is run as a command`, `use ${resource}`);
      }
    },
  },
  {
    id: 'no-changed-when', severity: 'warning', title: 'a command always counts as changed',
    why: 'A second run is to change nothing; a command that only asks, or that is done once, has to say so.',
    *look({ expanded }) {
      for (const task of commands(expanded)) {
        if (task.handler || task.changedWhen.length > 0 || task.until.length > 0 || task.params.creates !== undefined || task.params.removes !== undefined) continue;
        if (task.when.some((condition) => condition instanceof Deferred && /\bchanged\b/.test(condition.text))) continue;
        yield at(task.source, task.resourceNode, 'the command counts as changed whenever it runs', 'say changed_when, creates or removes');
      }
    },
  },
  {
    id: 'file-mode', severity: 'warning', title: 'a file has no mode, or one that lets everybody write',
    why: 'Without a mode a new file is as open as the umask of that day; one that all may write belongs to all.',
    *look({ expanded }) {
      for (const step of allTasks(expanded)) {
        if (step.kind !== 'task') continue;
        const { mode } = step.params;
        if (mode === undefined && WRITES_FILES.has(step.resource.name)) yield at(step.source, step.resourceNode, `${step.resource.name} has no mode`, 'write mode: "0644"');
        if (typeof mode === 'string' && /[2367]$/.test(mode) && !/^1/.test(mode.replace(/^0/, '').padStart(4, '0'))) yield at(step.source, step.placeOf(['mode'], 'value'), `mode ${mode} lets everybody write`);
      }
    },
  },
  {
    id: 'ignored-failure', severity: 'warning', title: 'every failure of a task is ignored',
    why: 'What goes wrong is not seen until something depends on it.',
    *look({ expanded }) {
      for (const step of allTasks(expanded)) {
        if (step.kind === 'task' && step.ignoreErrors?.value === true && step.register === undefined) {
          yield at(step.ignoreErrors.source, step.ignoreErrors.node, 'all failures are ignored, and nobody looks at the result', 'say with failed_when what is no failure, or register the result');
        }
      }
    },
  },
  {
    id: 'site-without-batches', severity: 'warning', title: 'sites of many hosts change at once',
    why: 'A mistake in a site meets the whole fleet when there are no batches and no budget for failures.',
    *look({ play, expanded }) {
      const changes = [...allTasks(expanded)].find((step) => step.kind === 'task' && CHANGES_SITES.has(step.resource.name));
      if (changes !== undefined && play.serial.length === 0 && play.maxFailPercentage === undefined && !play.anyErrorsFatal && !/^[\w.-]+\[\d+\]$|^localhost$/.test(play.hosts.value)) {
        yield at(play.source, play.hosts.node, 'the play changes sites of all its hosts at once', 'write serial: [1, "10%", "50%"] and max_fail_percentage');
      }
    },
  },
  {
    id: 'unused-handler', severity: 'warning', title: 'nothing notifies a handler',
    why: 'What it was written for does not happen.',
    *look({ expanded }) {
      const notified = [...allTasks(expanded)].flatMap((step) => (step.kind === 'meta' ? [] : step.notify.map(({ value }) => value)));
      if (notified.some((name) => name instanceof Deferred)) return;
      for (const handler of expanded.handlers) {
        if (handler.kind === 'block' || handler.kind === 'meta' || typeof handler.name !== 'string') continue;
        const { name, listen, frame: { role } } = handler;
        const names = [name, ...listen, ...(role === undefined ? [] : [`${role.name} : ${name}`])];
        if (!names.some((each) => notified.includes(each))) yield at(handler.source, handler.node, `nothing notifies the handler "${name}"`, 'notify it, or take it out');
      }
    },
  },
  {
    id: 'unused-register', severity: 'hint', title: 'a registered result is never used',
    why: 'A name that nothing reads makes a reader look for what reads it.',
    *look({ play, expanded }) {
      const used = new Set<string>();
      for (const step of allTasks(expanded)) for (const name of namesUsedBy(step)) used.add(name);
      for (const value of [play.vars, ...expanded.roles.flatMap(({ defaults, vars }) => [defaults, vars])]) collect(value as Value, used);
      for (const step of allTasks(expanded)) {
        // templates and files are read by others
        if (step.kind === 'task' && step.register !== undefined && !used.has(step.register) && !expandedHasTemplates(expanded)) yield at(step.source, step.resourceNode, `nothing uses the registered "${step.register}"`, 'leave register out');
      }
    },
  },
  {
    id: 'braces-in-condition', severity: 'hint', title: 'a condition has braces',
    why: 'Conditions are expressions already; braces evaluate them twice.',
    *look({ play, expanded }) {
      for (const source of new Set([play.source, ...[...allTasks(expanded)].map((step) => step.source)])) {
        for (const [key, value] of pairsOf(source)) {
          if (CONDITIONS.has(key) && isScalar(value) && typeof value.value === 'string' && /^\s*\{\{.*\}\}\s*$/s.test(value.value)) yield at(source, value, `${key} stands in braces`, 'write it without {{ }}');
        }
      }
    },
  },
  {
    id: 'loop-form', severity: 'hint', title: 'an older form of loop',
    why: '`loop` with a filter says the same, and is the one form to know.',
    *look({ expanded }) {
      for (const step of allTasks(expanded)) {
        if ((step.kind === 'task' || step.kind === 'include') && step.loop?.form !== undefined) yield at(step.loop.source, step.loop.node, `with_${step.loop.form} is an older form`, 'write loop');
      }
    },
  },
  {
    id: 'truth-word', severity: 'hint', title: 'yes, no, on or off in place of true or false',
    why: 'YAML 1.2 reads them as text, Ansible as truth values: other tools will disagree.',
    *look({ play, expanded }) {
      for (const source of new Set([play.source, ...[...allTasks(expanded)].map((step) => step.source)])) {
        for (const [, value] of pairsOf(source)) {
          if (isScalar(value) && typeof value.value === 'boolean' && /^(?:yes|no|on|off)$/i.test(value.source ?? '')) yield at(source, value, `"${value.source ?? ''}" is read as ${String(value.value)}`, `write ${String(value.value)}`);
        }
      }
    },
  },
  {
    id: 'name', severity: 'hint', title: 'a play or task has no name',
    why: 'Names are what people read while a run goes on, and what they look for afterwards.',
    *look({ play, expanded }) {
      if (play.name === undefined) yield at(play.source, play.hosts.node, 'the play has no name');
      for (const step of allTasks(expanded)) if (step.kind === 'task' && step.name === undefined) yield at(step.source, step.node, `the task has no name (${step.resource.name})`);
    },
  },
];

const ENCRYPT = 'encrypt it (hsmfleet vault encrypt-string), or refer to it with !secret';

function at(source: Remark['source'], node: Node, message: string, hint?: string): Remark {
  return { source, node, message, ...(hint === undefined ? {} : { hint }) };
}

/** Tasks, includes and metas of a play and of its handlers. */
function* allTasks(expanded: SurveyedPlay['expanded']): Generator<ReturnType<typeof tasksOf> extends Generator<infer T> ? T : never> {
  yield* tasksOf(expanded.steps);
  yield* tasksOf(expanded.handlers);
}

function* commands(expanded: SurveyedPlay['expanded']): Generator<ExpandedTask> {
  for (const step of allTasks(expanded)) if (step.kind === 'task' && step.resource.name === 'command' && !step.broken) yield step;
}

/** The program that a command task runs, without its folder; undefined when that is only known on the host. */
function programOf({ params, resource }: ExpandedTask): string | undefined {
  const given = params.argv ?? params.cmd ?? (resource.freeFormParam === undefined ? undefined : params[resource.freeFormParam]);
  const first = Array.isArray(given) ? given[0] : (given instanceof Deferred ? given.text : given);
  if (typeof first !== 'string') return undefined;
  const [word = ''] = first.trim().split(/\s+/);
  return word.includes('{{') ? undefined : word.split('/').at(-1);
}

/** Part of a parameter's schema. */
interface ParamSchema {
  'x-secret'?: boolean;
  properties?: Record<string, ParamSchema>;
  items?: ParamSchema;
  anyOf?: ParamSchema[];
}

/** Paths of values that the schema calls secret, or whose names do, and that stand there as they are. */
function* plainSecrets(schema: ParamSchema | undefined, value: Value, path: readonly string[] = []): Generator<readonly string[]> {
  if (isPlain(value)) {
    if (schema?.['x-secret'] === true || isSecretName(path.at(-1) ?? '')) yield path;
  } else if (value !== null && typeof value === 'object' && !(value instanceof Secret) && !(value instanceof Deferred)) {
    for (const [name, item] of Object.entries(value)) {
      const inner = Array.isArray(value) ? schema?.items : (schema?.properties ?? schema?.anyOf?.find(({ properties }) => properties?.[name] !== undefined)?.properties)?.[name];
      yield* plainSecrets(inner, item as Value, [...path, name]);
    }
  }
}

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !NO_SECRET_NAME.test(name);
}

function isPlain(value: Value): boolean {
  return !(value instanceof Secret) && !(value instanceof Deferred) && (typeof value === 'string' || typeof value === 'number') && value !== '';
}

function* plainVars(vars: Readonly<Record<string, Value>>, { source, node }: Pick<Placed<unknown>, 'source' | 'node'>): Generator<Remark> {
  for (const [name, value] of Object.entries(vars)) {
    if (!isSecretName(name) || !isPlain(value)) continue;
    const [, written, key] = pairsOf(source).find(([each]) => each === name) ?? [name, node, node];
    if (!isSealed(written)) yield at(source, key, `the variable "${name}" is a secret in plain text`, ENCRYPT);
  }
}

/** Keys and their values, in every mapping of a file. */
function pairsOf(source: Remark['source']): [string, Node, Node][] {
  const found: [string, Node, Node][] = [];
  if (source.root !== null) {
    visit(source.root, {
      Pair(_key, { key, value }) {
        if (isScalar(key) && isNode(value)) found.push([String(key.value), value, key]);
      },
    });
  }
  return found;
}

/** A reference or an encrypted value, which could not be opened perhaps, but is none in plain text. */
function isSealed(node: Node): boolean {
  return /^!(?:secret|vault|age)/.test((node as { tag?: string }).tag ?? '');
}

/** Names in all texts and conditions of a step. */
function namesUsedBy(step: Exclude<ExpandedStep, { kind: 'block' }>): Set<string> {
  const names = new Set<string>();
  const { when, vars } = step;
  collect([...when] as Value, names);
  collect(vars as Value, names);
  for (const { value } of [...step.environment, ...step.notify]) collect(value, names);
  collect(step.name ?? null, names);
  if (step.kind !== 'meta') collect(step.loop?.value ?? null, names);
  if (step.kind === 'task') {
    collect(step.params as Value, names);
    collect([...step.changedWhen, ...step.failedWhen, ...step.until] as Value, names);
    for (const placed of [step.retries, step.delay, step.timeout, step.delegateTo]) collect(placed?.value ?? null, names);
  }
  if (step.kind === 'include') collect((step as ExpandedInclude).what?.value ?? null, names);
  return names;
}

function collect(value: Value, names: Set<string>): void {
  if (value instanceof Deferred) {
    const { required, optional } = referencedVariables(value.text, value.kind, value.position);
    for (const name of [...required, ...optional]) names.add(name);
  } else if (value !== null && typeof value === 'object' && !(value instanceof Secret)) {
    for (const each of Object.values(value)) collect(each as Value, names);
  }
}

/** A template may use whatever is registered, and is not read here. */
function expandedHasTemplates(expanded: SurveyedPlay['expanded']): boolean {
  return [...allTasks(expanded)].some((step) => step.kind === 'task' && Object.values(step.resource.files ?? {}).includes('template'));
}
