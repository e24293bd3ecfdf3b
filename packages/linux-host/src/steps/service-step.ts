import { existsSync } from 'node:fs';
import { HsmfleetError } from '@hsmfleet/contract';
import { StepFailedError, type CommandResult, type ReadHost, type ServiceAction, type StepResult } from '@hsmfleet/resource';

const TIMEOUT = 120_000;
const UPDATE_RC = '/usr/sbin/update-rc.d';
const INIT_FOLDERS = ['/etc/init.d', '/etc/rc.d/init.d'];

/**
 * Acts on a service with systemd where that runs, else with its init script. Not for the web server: its starts and
 * stops belong to the web change transaction.
 * @throws StepFailedError COMMAND_FAILED, TIMEOUT
 * @throws HsmfleetError TASK_FAILED when the host has no such service
 */
export async function serviceStep(step: ServiceAction, host: ReadHost): Promise<StepResult> {
  const startedAt = new Date();
  let answer: CommandResult | undefined;
  for (const argv of host.facts.service_mgr === 'systemd' ? [['systemctl', step.action, step.unit]] : initCommands(step)) {
    answer = await host.query(argv, { timeoutMs: TIMEOUT });
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
  }
  return resultOf(step, answer, startedAt);
}

/** What does the action where there is no systemd. */
function initCommands(step: ServiceAction): string[][] {
  const script = INIT_FOLDERS.map((folder) => `${folder}/${step.unit}`).find((path) => existsSync(path));
  if (script === undefined) {
    throw new HsmfleetError('TASK_FAILED', `the host has no service ${step.unit}: neither systemd nor an init script of that name`, {
      hint: 'install the package that brings it, or check the name',
    });
  }
  if (step.action !== 'enable' && step.action !== 'disable') return [[script, step.action]];
  if (!existsSync(UPDATE_RC)) return [['chkconfig', step.unit, step.action === 'enable' ? 'on' : 'off']];
  // enable and disable turn links round that defaults has to have made
  return [[UPDATE_RC, step.unit, 'defaults'], [UPDATE_RC, step.unit, step.action]];
}

function resultOf(step: ServiceAction, answer: CommandResult | undefined, startedAt: Date): StepResult {
  return {
    step,
    code: answer?.code ?? 0,
    stdout: answer?.stdout ?? '',
    stderr: answer?.stderr ?? '',
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
  };
}
