import { HsmfleetError, type DoctorReport } from '@hsmfleet/contract';
import { doctorExitCode } from '@hsmfleet/doctor';
import { createColors, printable, printableJson, wantsColor } from '@hsmfleet/reporter';
import { catchInterrupts } from '../catch-interrupts.ts';
import type { DoctorOptions } from '../commands/doctor.ts';
import { VERSION } from '../version.ts';
import { diagnoseControl } from './diagnose-control.ts';
import { diagnoseHosts } from './diagnose-hosts.ts';
import { diagnosisText } from './diagnosis-text.ts';

/**
 * Looks for what is broken, and prints it: on hosts when a pattern names some, else on this machine.
 * @returns 0 healthy, 2 broken, 4 unreachable, 6 both, 130 interrupted
 * @throws HsmfleetError, HsmfleetErrors for what is wrong with the command line, the hosts files or the playbook
 */
export async function runDoctor(pattern: string | undefined, options: DoctorOptions): Promise<number> {
  if (pattern === undefined && (options.site !== undefined || options.playbook !== undefined)) {
    throw new HsmfleetError('USAGE', 'no host is named: --site and --playbook are about hosts', { hint: 'name one, or all: hsmfleet doctor all -i hosts.yml' });
  }
  const interrupt = catchInterrupts(tell);
  try {
    const control = pattern === undefined ? await diagnoseControl(options) : null;
    const hosts = pattern === undefined ? [] : await diagnoseHosts(pattern, options, { signal: interrupt.signal, onStart: interrupt.listen, onNote: tell });
    const report: DoctorReport = {
      schema: 'hsmfleet.doctor/1', version: VERSION, at: new Date().toISOString(), control, hosts, exitCode: doctorExitCode(hosts, control ?? []),
    };
    process.stdout.write(options.json === true ? `${printableJson(report, 2)}\n` : diagnosisText(report, createColors(wantsColor(process.stdout)), (options.verbose ?? 0) > 0));
    return interrupt.signal.aborted ? 130 : report.exitCode;
  } finally {
    interrupt.release();
  }
}

function tell(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}
