import { CheckReport } from '@hsmfleet/contract';
import { printableJson } from '@hsmfleet/terminal-text';

/** The report itself, indented. What a terminal could stumble over is written as \u escapes. */
export function renderJson(report: CheckReport): string {
  return `${printableJson(report, 2)}\n`;
}

/** JSON Schema (draft-07) of {@link renderJson}'s output. */
export function checkReportSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'hsmfleet check report',
    description: 'What `hsmfleet check --format json` prints. Keys may be added within a version of it: take the schema that belongs to the hsmfleet that wrote the report.',
    // a TypeBox schema is a JSON Schema with symbols: these do not survive
    ...(JSON.parse(JSON.stringify(CheckReport)) as object),
  };
}
