/** The nodes that nunjucks' parser makes, as far as the evaluator knows them. Lines and columns count from 0. */
interface At {
  lineno: number;
  colno: number;
}
interface Unary extends At {
  target: Expression;
}
interface Binary extends At {
  left: Expression;
  right: Expression;
}

export interface PairNode extends At {
  key: Expression;
  value: Expression;
}
export interface KeywordArgsNode extends At {
  typename: 'KeywordArgs';
  children: PairNode[];
}
export interface CallNode extends At {
  typename: 'FunCall';
  name: Expression;
  args: { children: (Expression | KeywordArgsNode)[] };
}
export interface FilterNode extends At {
  typename: 'Filter';
  name: { value: string };
  /** The input first. */
  args: { children: (Expression | KeywordArgsNode)[] };
}
export interface TestNode extends At {
  typename: 'Is';
  left: Expression;
  right: CallNode & { name: { typename: 'Symbol'; value: string } };
}
export interface SymbolNode extends At {
  typename: 'Symbol';
  value: string;
}
export interface LookupNode extends At {
  typename: 'LookupVal';
  target: Expression;
  val: Expression | SliceNode;
}
/** Ours: `x[start:stop:step]`, which nunjucks does not know. */
export interface SliceNode extends At {
  typename: 'Slice';
  start: Expression | null;
  stop: Expression | null;
  step: Expression | null;
}
export interface CompareNode extends At {
  typename: 'Compare';
  expr: Expression;
  ops: { expr: Expression; type: string; lineno: number; colno: number }[];
}
export interface CallerNode extends At {
  typename: 'Caller';
  args: { children: (Expression | KeywordArgsNode)[] };
  body: BodyNode;
}
export interface CaptureNode extends At {
  typename: 'Capture';
  body: BodyNode;
}

export type Expression =
  | (At & { typename: 'Literal'; value: string | number | boolean | null })
  | SymbolNode
  | (At & { typename: 'Group' | 'Array'; children: Expression[] })
  | (At & { typename: 'Dict'; children: PairNode[] })
  | LookupNode
  | CallNode
  | FilterNode
  | TestNode
  | CompareNode
  | CallerNode
  | CaptureNode
  | (At & { typename: 'InlineIf'; cond: Expression; body: Expression; else_: Expression | null })
  | (Unary & { typename: 'Not' | 'Neg' | 'Pos' })
  | (Binary & { typename: 'And' | 'Or' | 'Add' | 'Sub' | 'Mul' | 'Div' | 'FloorDiv' | 'Mod' | 'Pow' | 'Concat' });

export interface BodyNode extends At {
  typename: 'NodeList' | 'Root';
  children: Statement[];
}

export interface MacroNode extends At {
  typename: 'Macro';
  name: SymbolNode;
  args: { children: (Expression | KeywordArgsNode)[] };
  body: BodyNode;
}
export interface ForNode extends At {
  typename: 'For';
  arr: Expression;
  name: SymbolNode | (At & { typename: 'Array'; children: SymbolNode[] });
  body: BodyNode;
  else_: BodyNode | null;
}
export interface SetNode extends At {
  typename: 'Set';
  targets: Expression[];
  value: Expression | null;
  body?: CaptureNode;
}
export interface IfNode extends At {
  typename: 'If';
  cond: Expression;
  body: BodyNode;
  else_: BodyNode | IfNode | null;
}

/** A tag that names another template. */
export interface TemplateTag extends At {
  typename: 'Include' | 'Import' | 'FromImport' | 'Extends';
  template: Expression;
}
export interface IncludeNode extends TemplateTag {
  typename: 'Include';
  ignoreMissing: boolean;
  withContext: boolean | null;
}
export interface ImportNode extends TemplateTag {
  typename: 'Import';
  target: SymbolNode;
  withContext: boolean | null;
}
export interface FromImportNode extends TemplateTag {
  typename: 'FromImport';
  names: { children: (SymbolNode | (PairNode & { typename: 'Pair' }))[] };
  withContext: boolean | null;
}
export interface BlockNode extends At {
  typename: 'Block';
  name: SymbolNode;
  body: BodyNode;
}
/** Ours: `{% with a = 1 %}`, which nunjucks does not know. */
export interface WithNode extends At {
  typename: 'With';
  pairs: { key: SymbolNode; value: Expression }[];
  body: BodyNode;
}

export type Statement =
  | (At & { typename: 'Output'; children: (Expression | (At & { typename: 'TemplateData'; value: string }))[] })
  | BodyNode
  | IfNode
  | ForNode
  | SetNode
  | MacroNode
  | IncludeNode
  | ImportNode
  | FromImportNode
  | (TemplateTag & { typename: 'Extends' })
  | BlockNode
  | WithNode;
