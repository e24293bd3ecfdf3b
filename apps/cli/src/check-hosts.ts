import { renderCheck } from '@hsmfleet/check-report';
import { parseProfile } from '@hsmfleet/compliance';
import { checkExitCode } from '@hsmfleet/contract';
import { createColors, createReporter, formatTable, printable, printableJson, wantsColor, type Reporter } from '@hsmfleet/reporter';
import { openStore } from '@hsmfleet/store';
import { catchInterrupts } from './catch-interrupts.ts';
import type { CheckOptions } from './commands/check.ts';
import { writeOutput } from './output-file.ts';
import { performCheck } from './perform-check.ts';

/**
 * Holds hosts against a profile and reports. How it goes is told on standard error, so that the report can be piped.
 * @returns 0 all met or waived, 2 findings, 4 hosts did not answer, 130 interrupted
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function checkHosts(profile: string, pattern: string | undefined, options: CheckOptions): Promise<number> {
  const store = await openStore();
  const reporter = (options.verbose ?? 0) > 0 ? progressOf(options) : undefined;
  const interrupt = catchInterrupts(tell);
  interrupt.listen();
  try {
    const { report } = await performCheck({
      profile, fleet: options, pattern, schedule: null, store, sinks: [], signal: interrupt.signal,
      evidence: options.fromSnapshot === true ? 'snapshot' : 'live',
      onNote: tell,
      onEvent(event) { reporter?.event(event); },
    });
    reporter?.finish();
    const { output, format } = options;
    const terminal = { color: output === undefined && wantsColor(process.stdout), width: process.stdout.columns };
    if (output === undefined) process.stdout.write(await renderCheck(report, format, terminal));
    else await writeOutput(output, { force: true }, async () => ({ contents: await renderCheck(report, format, terminal) }));
    return checkExitCode(report.counts);
  } catch (thrown) {
    if (interrupt.signal.aborted && thrown === interrupt.signal.reason) return 130;
    throw thrown;
  } finally {
    interrupt.release();
    await store.close();
  }
}

/**
 * Prints the controls of a profile.
 * @returns 0
 * @throws HsmfleetError, HsmfleetErrors
 */
export async function listControls(file: string, json: boolean): Promise<number> {
  const profile = await parseProfile(file);
  if (json) {
    const controls = profile.controls.map(({ id, title, why, severity, fix, kind, position }) => ({ id, title, why, severity, fix, kind, position }));
    const parameters = [...profile.parameters.values()].map(({ name, description, value }) => ({ name, description, value }));
    process.stdout.write(`${printableJson({ profile: profile.name, title: profile.title, parameters, controls })}\n`);
    return 0;
  }
  const colors = createColors(wantsColor(process.stdout));
  process.stdout.write(`${colors.bold(printable(profile.title))}\n\n`);
  for (const control of profile.controls) {
    process.stdout.write(`${colors.bold(control.id)} (${control.severity}, ${control.kind}): ${printable(control.title)}\n  ${printable(control.why)}\n`);
    if (control.fix !== null) process.stdout.write(`  Fix: ${printable(control.fix)}\n`);
  }
  if (profile.parameters.size > 0) {
    process.stdout.write(`\n${formatTable(['parameter', 'value', 'meaning'], [...profile.parameters.values()].map(({ name, value, description }) => [name, value, description]), colors)}`);
  }
  return 0;
}

function progressOf({ verbose = 0 }: CheckOptions): Reporter {
  return createReporter({ format: 'plain', stdout: process.stderr, stderr: process.stderr, color: wantsColor(process.stderr), verbosity: verbose - 1, diff: false });
}

function tell(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}
