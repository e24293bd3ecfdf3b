export { createColors, wantsColor, type Colors } from './colors.ts';
export { errorLines, type PrintableError } from './error-text.ts';
export { groupBy } from './group-by.ts';
export { printable, printableBlock, printableJson, printableStart } from './printable.ts';
export { formatTable, type TableCell } from './table.ts';
export { hasWord, replaceWord } from './words.ts';
