import { HsmfleetError, toErrorShape, type DelegatedReport, type Plan } from '@hsmfleet/contract';
import type { HostTarget } from '@hsmfleet/transport';
import { delegatedTask, notDone, type Confirmation, type CrossHost, type DelegateRequest } from './cross-host.ts';
import type { HostSession } from './host-session.ts';
import type { RunnerPlay, RunOptions } from './model.ts';
import { OnceAuthority } from './once-authority.ts';

/** Names that mean the control host wherever no hosts file says otherwise. */
const CONTROL_HOST: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

/** What the hosts of one batch have to do with each other. @param sessionOf the session of a host, opened or yet to open */
export function createCrossHost(options: RunOptions, play: RunnerPlay, batch: readonly string[], sessionOf: (host: string) => HostSession): CrossHost {
  /** By who asked for what: nothing is done twice. */
  const replies = new Map<string, Promise<DelegatedReport>>();
  const confirmed = new Map<string, Promise<Confirmation>>();
  let asking: Promise<Confirmation> = Promise.resolve('yes');

  const delegate = async (from: string, plan: Plan, request: DelegateRequest): Promise<DelegatedReport> => {
    const task = delegatedTask(plan, request);
    let target: HostTarget | undefined;
    try {
      target = targetOf(play, request.to);
    } catch (thrown) {
      return notDone(toErrorShape(thrown), true);
    }
    if (target === undefined) {
      return notDone(new HsmfleetError('PLAYBOOK_INVALID', `${request.to}, to which the task is delegated, is in no hosts file`, { position: task.position, hint: 'add it to the hosts, or delegate to localhost' }).toShape(), true);
    }
    const { user, check, diff } = plan;
    return sessionOf(request.to).delegate({ type: 'delegate', request: `${from} ${request.request}`, from, run: options.run, user, host: request.to, task, check, diff, secrets: request.secrets }, target);
  };

  return {
    once: new OnceAuthority(batch),
    delegate(from, plan, request) {
      const key = `${from} ${request.request}`;
      let reply = replies.get(key);
      reply ??= request.again === true ? Promise.resolve(unknown(request.to)) : delegate(from, plan, request);
      replies.set(key, reply);
      return reply;
    },
    confirm(task, name) {
      let answer = confirmed.get(task);
      if (answer === undefined) {
        // one question at a time, and none any more after "continue"
        answer = asking.then((last) => (last === 'continue' ? last : (options.confirm?.({ name, play: play.name }) ?? 'continue')));
        asking = answer;
        confirmed.set(task, answer);
      }
      return answer;
    },
  };
}

function unknown(host: string): DelegatedReport {
  return notDone(new HsmfleetError('CONNECTION_LOST', `${host} was asked to do this before the run was taken up again: whether it was done is not known`, { host, hint: 'look there before you run it again' }).toShape(), true);
}

function targetOf(play: RunnerPlay, host: string): HostTarget | undefined {
  return play.targets.get(host) ?? play.delegateTarget?.(host) ?? (CONTROL_HOST.has(host) ? { name: host, connection: 'local' } : undefined);
}
