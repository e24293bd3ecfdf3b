import { defineCommand } from '../command.ts';
import { DEBUG_OPTION } from '../fleet-options.ts';
import type { BenchmarkReportOptions } from '../report-benchmarks.ts';

/** `hsmfleet bench report`: tells what benchmarks measured. */
export const benchReport = defineCommand<BenchmarkReportOptions>({
  name: 'bench report',
  summary: 'write a report about what was measured: knees, comparisons, tables, plots',
  description: 'Takes the points that `hsmfleet bench run` and `hsmfleet bench sign` left in the store, or those of a file. Files of an earlier report in the folder are written over.',
  arguments: [],
  options: [
    { flags: '--run <id>', description: 'only points of this run; may be repeated', repeat: true },
    { flags: '--host <name>', description: 'only points of this host; may be repeated', repeat: true },
    { flags: '--key <key>', description: 'only points of this key: its label, its kind ("RSA-2048", "EC P-256") or the beginning of its fingerprint; may be repeated', repeat: true },
    { flags: '--since <date>', description: 'only points from then on: 2026-01-31, or a time such as 2026-01-31T12:00Z' },
    { flags: '--points <file>', description: 'take the points from this JSON file instead of the store; "-" reads standard input' },
    { flags: '--out <folder>', description: 'folder to write to, made when it is missing', default: 'benchmark-report' },
    { flags: '--format <list>', description: 'what to write, of markdown, html, svg, png, json (the points themselves)', default: 'markdown,html,svg,png' },
    DEBUG_OPTION,
  ],
  examples: [
    'hsmfleet bench report --host web01 --since 2026-01-01',
    'hsmfleet bench report --key RSA-2048 --key "EC P-256" --format html --out /tmp/report',
    'hsmfleet bench report --format json --out share && hsmfleet bench report --points share/points.json',
  ],
  async run({ options }) {
    const { reportBenchmarks } = await import('../report-benchmarks.ts');
    return reportBenchmarks(options);
  },
});
