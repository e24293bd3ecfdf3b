export { createReporter, type Reporter, type ReporterOptions } from './reporter.ts';
export { pointText } from './point-text.ts';
// what commands print without a run comes from the same room
export {
  createColors, errorLines, formatTable, printable, printableBlock, printableJson, wantsColor, type Colors, type PrintableError, type TableCell,
} from '@hsmfleet/terminal-text';
