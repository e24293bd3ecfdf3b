import { existsSync } from 'node:fs';
import { HsmfleetError } from '@hsmfleet/contract';
import { StepFailedError, type CommandResult, type ReadHost, type ServiceAction, type StepResult } from '@hsmfleet/resource';

const TIMEOUT = 120_000;
/** A web server that finishes its requests may take a while to end. */
const STOP_TIMEOUT = 30_000;
const POLL = 50;
const INIT_FOLDERS = ['/etc/init.d', '/etc/rc.d/init.d'];

/**
 * Acts on a service with systemd where that runs, else with its init script. A restart of the web server is a full stop
 * and start: what a graceful one would hide (a PIN, a database, a module) is what it is for.
 * @throws StepFailedError COMMAND_FAILED, TIMEOUT
 * @throws HsmfleetError TASK_FAILED when the host has no such service
 */
export async function serviceStep(step: ServiceAction, host: ReadHost): Promise<StepResult> {
  const startedAt = new Date();
  const isWebServer = step.unit === host.facts.apache.service;
  let answer: CommandResult;
  if (step.action === 'restart' && isWebServer) {
    await act({ ...step, action: 'stop' }, host, startedAt);
    await waitUntilGone(host);
    answer = await act({ ...step, action: 'start' }, host, startedAt);
  } else {
    answer = await act(step, host, startedAt);
    if (step.action === 'stop' && isWebServer) await waitUntilGone(host);
  }
  return resultOf(step, answer, startedAt);
}

async function act(step: ServiceAction, host: ReadHost, startedAt: Date): Promise<CommandResult> {
  const argv = host.facts.service_mgr === 'systemd' ? ['systemctl', step.action, step.unit] : initArgv(step);
  const answer = await host.query(argv, { timeoutMs: TIMEOUT });
  if (answer.timedOut) {
    throw new StepFailedError('TIMEOUT', `${argv.join(' ')} did not end within ${String(TIMEOUT)} ms`, resultOf(step, answer, startedAt));
  }
  if (answer.code !== 0) {
    const said = (answer.stderr.trim() === '' ? answer.stdout : answer.stderr).trim().slice(-2_000);
    throw new StepFailedError(
      'COMMAND_FAILED',
      `${argv.join(' ')} ended with exit code ${String(answer.code)}${said === '' ? '' : `: ${said}`}`,
      resultOf(step, answer, startedAt),
      { hint: host.facts.service_mgr === 'systemd' ? `see journalctl -u ${step.unit}` : `see the log of ${step.unit}` },
    );
  }
  return answer;
}

/** What does the action where there is no systemd. */
function initArgv(step: ServiceAction): string[] {
  const script = INIT_FOLDERS.map((folder) => `${folder}/${step.unit}`).find((path) => existsSync(path));
  if (script === undefined) {
    throw new HsmfleetError('TASK_FAILED', `the host has no service ${step.unit}: neither systemd nor an init script of that name`, {
      hint: 'install the package that brings it, or check the name',
    });
  }
  if (step.action !== 'enable' && step.action !== 'disable') return [script, step.action];
  if (existsSync('/usr/sbin/update-rc.d')) return ['/usr/sbin/update-rc.d', step.unit, step.action === 'enable' ? 'defaults' : 'remove'];
  return ['chkconfig', step.unit, step.action === 'enable' ? 'on' : 'off'];
}

async function waitUntilGone(host: ReadHost): Promise<void> {
  const { pidFile, service } = host.facts.apache;
  const deadline = host.now() + STOP_TIMEOUT;
  while ((await host.serverProcess(pidFile)) !== undefined) {
    if (host.now() > deadline) {
      throw new HsmfleetError('TIMEOUT', `${service} did not end within ${String(STOP_TIMEOUT)} ms after it was stopped`, {
        hint: 'a request that hangs keeps it: see its error log',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

function resultOf(step: ServiceAction, answer: CommandResult, startedAt: Date): StepResult {
  return {
    step,
    code: answer.code,
    stdout: answer.stdout,
    stderr: answer.stderr,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
  };
}
