/** A token of nunjucks' tokenizer. Lines and columns count from 0. */
export interface Token {
  type: string;
  value: string;
  lineno: number;
  colno: number;
}

export interface Tokenizer {
  in_code: boolean;
  trimBlocks: boolean;
  lineno: number;
  colno: number;
  nextToken(): Token | null;
  _parseString(delimiter: string): string;
  current(): string;
  currentStr(): string;
  forward(): void;
  forwardN(count: number): void;
  isFinished(): boolean;
}

/** nunjucks' parser: the methods that are overridden or called. Nodes are typed in ast.ts. */
export declare class Parser {
  constructor(tokens: Tokenizer);
  tokens: Tokenizer;
  dropLeadingWhitespace: boolean;
  nextToken(withWhitespace?: boolean): Token | null;
  peekToken(): Token | null;
  pushToken(token: Token | null): void;
  skip(type: string): boolean;
  skipValue(type: string, value: string): boolean;
  skipSymbol(value: string): boolean;
  fail(message: string, lineno?: number, colno?: number): never;
  advanceAfterBlockEnd(name?: string): Token;
  parseAsRoot(): unknown;
  parseExpression(): unknown;
  parseInlineIf(): unknown;
  parseOr(): unknown;
  parseIn(): unknown;
  parseUnary(noFilters?: boolean): unknown;
  parsePrimary(noPostfix?: boolean): unknown;
  parsePostfix(node: unknown): unknown;
  parseAggregate(): unknown;
  parseFilter(node: unknown): unknown;
  parseFilterName(): unknown;
  parseFilterArgs(): unknown[];
  parseSignature(tolerant?: boolean, noParens?: boolean): { children: unknown[] };
  parseStatement(): unknown;
  parseRaw(): unknown;
  parseInclude(): unknown;
  parseBlock(): unknown;
  parseWithContext(): boolean | null;
  parseUntilBlocks(...names: string[]): unknown;
}

type NodeClass = new (lineno: number, colno: number, ...fields: unknown[]) => object;

export interface Nunjucks {
  lexer: { lex(source: string, options?: { trimBlocks?: boolean; lstripBlocks?: boolean }): Tokenizer };
  parser: { Parser: typeof Parser };
  nodes: Record<string, NodeClass>;
}
/** Loads what is needed of nunjucks on first use. */
export declare function loadNunjucks(): Nunjucks;
