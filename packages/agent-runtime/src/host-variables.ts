import { Secret, createRedactor, type HostFacts, type Redactor, type Rendered, type Value } from '@hsmfleet/contract';
import { scopeOf, type Scope } from '@hsmfleet/template';

/**
 * What a run keeps on one host from play to play: registered results, facts set by `set_fact`, and the secret values
 * that must not leave the agent.
 */
export interface Session {
  readonly vars: Record<string, Rendered>;
  /** What include_vars read: below what tasks registered or set, above their own variables. */
  readonly included: Record<string, Value>;
  readonly redactor: Redactor;
}

/** A session of a run, with the variables that it has so far. */
export function createSession(vars: Record<string, Rendered> = {}): Session {
  return { vars: { ...vars }, included: {}, redactor: createRedactor() };
}

/**
 * The variables of a session that may be written down. One into which a secret went is left out as a whole: a play that
 * needs it after the agent was started anew fails with an undefined variable rather than go on with a masked value.
 */
export function keepableVars(session: Session): Record<string, Rendered> {
  return Object.fromEntries(Object.entries(session.vars).filter(([, value]) => isKeepable(value, session)));
}

/** May a value be written down: no secret went into it? */
export function isKeepable(value: Rendered, { redactor }: Pick<Session, 'redactor'>): boolean {
  return !holdsSecret(value) && JSON.stringify(redactor.value(value)) === JSON.stringify(value);
}

function holdsSecret(value: Rendered): boolean {
  if (value === null || typeof value !== 'object') return false;
  return value instanceof Secret || Object.values(value).some(holdsSecret);
}

/**
 * Variables that facts give: `ansible_facts.NAME` and `ansible_NAME` for every fact, `inventory_hostname`, and
 * `ansible_check_mode`.
 */
export function factVariables(facts: HostFacts, host: string, check: boolean): Record<string, Value> {
  const all = facts as unknown as Record<string, Value>;
  const vars: Record<string, Value> = { ansible_facts: all, inventory_hostname: host, ansible_check_mode: check };
  for (const [name, value] of Object.entries(all)) vars[`ansible_${name}`] = value;
  return vars;
}

/** The layers of variables from which a task's scope is made. */
export interface VariableLayers {
  facts: Record<string, Value>;
  play: Record<string, Value>;
  /** Those of the role or file that the task stands in; they stand before the play's. */
  scope: Record<string, Value>;
  task: Record<string, Value>;
  session: Session;
  /** Parameters of the role or include that the task comes from. */
  top: Record<string, Value>;
  /** Those of -e. */
  extra: Record<string, Value>;
}

/**
 * Ansible's order for what is left to the host: facts, variables of the play or role, the task's own, those of include_vars,
 * registered results and `set_fact`, parameters of roles and includes, those of -e, then the loop's item and the result that
 * `changed_when` and `failed_when` judge.
 */
export function taskScope({ facts, play, scope, task, session, top, extra }: VariableLayers, own: Record<string, Value> = {}): Scope {
  return scopeOf(facts, play, scope, task, session.included, session.vars, top, extra, own);
}
