import { HsmfleetError, Secret, decodeValue, type Value, type WireValue } from '@hsmfleet/contract';
import type { WriteHost } from '@hsmfleet/resource';
import { renderValue, type Scope } from '@hsmfleet/template';
import { handlesPins } from './pin-resources.ts';
import { secondsOf } from './retry.ts';
import type { PreparedTask, RunContext } from './run-context.ts';

/** The host as a task with `environment` or `timeout` sees it, and what people should know of it. */
export interface Surrounded {
  host: WriteHost;
  warnings: string[];
}

/**
 * Gives programs that the task runs its `environment`, and kills them when its `timeout` is over.
 * @throws HsmfleetError UNDEFINED_VARIABLE, TEMPLATE_INVALID, PARAMS_INVALID
 */
export function surround({ planned }: PreparedTask, scope: Scope, { host, plan, session }: RunContext): Surrounded {
  const warnings: string[] = [];
  let surrounded = host;
  if (planned.environment !== undefined) {
    const environment = readEnvironment(renderValue(decodeValue(planned.environment as WireValue, plan.secrets), scope), planned.position, (secret) => session.redactor.add(secret));
    const given = Object.keys(environment).length > 0;
    if (given && handlesPins(planned.resource)) warnings.push(`environment is not passed on: ${planned.resource} may handle a PIN`);
    else if (given) surrounded = withEnvironment(surrounded, environment);
  }
  if (planned.timeout !== undefined) {
    const seconds = secondsOf(renderValue(decodeValue(planned.timeout as WireValue, plan.secrets), scope), 'timeout', planned.position);
    if (seconds > 0) surrounded = withDeadline(surrounded, seconds, planned.position);
  }
  return { host: surrounded, warnings };
}

/** A mapping of texts, or a list of such mappings, the later ones winning, as Ansible takes it. */
function readEnvironment(value: Value, position: PreparedTask['planned']['position'], learn: (secret: Secret) => void): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const mapping of Array.isArray(value) ? value : [value]) {
    if (mapping === null || mapping === '') continue;
    if (typeof mapping !== 'object' || Array.isArray(mapping) || mapping instanceof Secret) throw new HsmfleetError('PARAMS_INVALID', 'environment must be a mapping of names to texts', { position });
    for (const [name, each] of Object.entries(mapping)) {
      if (each instanceof Secret) {
        learn(each);
        environment[name] = each.reveal();
      } else if (each !== null && typeof each === 'object') throw new HsmfleetError('PARAMS_INVALID', `environment.${name} must be a text`, { position });
      else environment[name] = each === null ? '' : typeof each === 'boolean' ? (each ? 'True' : 'False') : String(each);
    }
  }
  return environment;
}

function withEnvironment(host: WriteHost, environment: Record<string, string>): WriteHost {
  return {
    ...host,
    query: (argv, options = {}) => host.query(argv, { ...options, env: { ...environment, ...options.env } }),
    execute: (step, context) => host.execute(step.kind === 'run' ? { ...step, env: { ...environment, ...step.env } } : step, context),
  };
}

/** Steps that handle PINs or the web server end by themselves: breaking them off in the middle is worse than waiting. */
function withDeadline(host: WriteHost, seconds: number, position: PreparedTask['planned']['position']): WriteHost {
  const deadline = Date.now() + seconds * 1000;
  const left = (): number => {
    const milliseconds = deadline - Date.now();
    if (milliseconds > 0) return milliseconds;
    throw timedOut();
  };
  const timedOut = (): HsmfleetError => new HsmfleetError('TIMEOUT', `the task did not end within ${String(seconds)} s, its timeout`, { position });
  return {
    ...host,
    async query(argv, options = {}) {
      const result = await host.query(argv, { ...options, timeoutMs: Math.min(options.timeoutMs ?? 30_000, left()) });
      if (result.timedOut) left();
      return result;
    },
    portOpen: (port, address, timeoutMs) => {
      left();
      return host.portOpen(port, address, timeoutMs);
    },
    readFile: (path, maxBytes) => {
      left();
      return host.readFile(path, maxBytes);
    },
    stat: (path) => {
      left();
      return host.stat(path);
    },
    execute: (step, context) => host.execute(step.kind === 'run' ? { ...step, timeoutMs: Math.min(step.timeoutMs ?? 600_000, left()) } : step, context),
  };
}
