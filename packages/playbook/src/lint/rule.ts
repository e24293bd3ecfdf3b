import type { SourcePosition } from '@hsmfleet/contract';
import type { YamlSource } from '@hsmfleet/yaml-source';
import type { Node } from 'yaml';
import type { ExpandedPlay } from '../expanded.ts';
import type { PlaySource } from '../source.ts';

/** `error`: what must not stay; `warning`: what will hurt; `hint`: what reads better otherwise. */
export type LintSeverity = 'error' | 'warning' | 'hint';

/** What a rule has to say about one place. */
export interface LintFinding {
  /** Id of the rule, or the error code of a mistake. */
  rule: string;
  severity: LintSeverity;
  message: string;
  position: SourcePosition;
  /** What to write instead. */
  hint?: string;
}

/** A play with its imports, roles and includes, read without any hosts. */
export interface SurveyedPlay {
  play: PlaySource;
  expanded: ExpandedPlay;
}

/** Where, what, and what instead. */
export interface Remark {
  source: YamlSource;
  node: Node;
  message: string;
  hint?: string;
}

/** One thing that is looked for. */
export interface LintRule {
  /** What people name in `# noqa: ID`. */
  id: string;
  severity: LintSeverity;
  title: string;
  why: string;
  look(play: SurveyedPlay): Iterable<Remark>;
}
