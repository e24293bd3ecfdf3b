import type { BodyNode, Expression } from './ast.ts';
import { loadNunjucks, type Tokenizer } from './load-nunjucks.cjs';
import { createParserClass } from './jinja-parser.ts';

/** A template or expression that cannot be parsed. Line and column count from 1, within the text. */
export class SyntaxFailure extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = 'SyntaxFailure';
    this.line = line;
    this.column = column;
  }
}

export interface TextSyntax {
  trimBlocks: boolean;
  lstripBlocks: boolean;
  /**
   * Backslashes in string literals of outputs mean themselves. So it is with Ansible in YAML, where one level of escapes
   * is enough; in template files Python's escapes hold.
   */
  verbatimStrings?: boolean;
}

/** Texts kept parsed; templates repeat for every host and every item of a loop. */
const CACHE_LIMIT = 2000;
const bodies = new Map<string, BodyNode>();
const expressions = new Map<string, Expression>();

/** @throws SyntaxFailure */
export function parseText(text: string, syntax: TextSyntax): BodyNode {
  const key = `${syntax.trimBlocks ? 't' : ''}${syntax.lstripBlocks ? 'l' : ''}${syntax.verbatimStrings === true ? 'v' : ''}\0${text}`;
  return cached(bodies, key, () => {
    const tokens = loadNunjucks().lexer.lex(text, syntax);
    return guarded(tokens, () => parserFor(tokens, syntax.verbatimStrings === true).parseAsRoot() as BodyNode);
  });
}

/** @throws SyntaxFailure */
export function parseExpression(text: string): Expression {
  return cached(expressions, text, () => {
    const tokens = loadNunjucks().lexer.lex(text);
    tokens.in_code = true;
    return guarded(tokens, () => {
      const parser = parserFor(tokens, false);
      const node = parser.parseExpression() as Expression;
      const rest = parser.nextToken();
      if (rest !== null) parser.fail(`unexpected "${rest.value}" after the expression`, rest.lineno, rest.colno);
      return node;
    });
  });
}

let parserClass: ReturnType<typeof createParserClass> | undefined;

function parserFor(tokens: Tokenizer, verbatimStrings: boolean) {
  parserClass ??= createParserClass(loadNunjucks());
  adaptTokenizer(tokens, verbatimStrings);
  return new parserClass(tokens);
}

function cached<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(key, made);
  return made;
}

/** Every way in which nunjucks reports bad input becomes a {@link SyntaxFailure}. */
function guarded<T>(tokens: Tokenizer, parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof SyntaxFailure) throw thrown;
    const { message, lineno, colno } = thrown as { message: string; lineno?: number; colno?: number };
    // past the end nunjucks reads properties of a missing token
    const text = thrown instanceof TypeError ? 'unexpected end of the template' : message.replace(/^parse\w+: /, '');
    throw new SyntaxFailure(
      text.charAt(0).toLowerCase() + text.slice(1),
      lineno ?? tokens.lineno + 1,
      colno ?? tokens.colno + 1,
    );
  }
}

/** Brings nunjucks' tokenizer to Jinja's lexical rules. */
function adaptTokenizer(tokens: Tokenizer, verbatimStrings: boolean): void {
  const next = tokens.nextToken.bind(tokens);
  let braces = 0;
  let inOutput = false;
  /** The token before was the dot of an attribute: digits after it are one index, not part of a number with decimals. */
  let afterDot = false;
  tokens.nextToken = () => {
    if (!tokens.in_code) {
      braces = 0;
      const token = next();
      inOutput = token?.type === 'variable-start';
      // "{%+" only switches lstrip off
      if (token?.type === 'block-start' && tokens.current() === '+') tokens.forward();
      // Jinja's trim_blocks holds for comments too
      if (token?.type === 'comment' && tokens.trimBlocks && tokens.current() === '\n') tokens.forward();
      return token;
    }
    const { lineno, colno } = tokens;
    const current = tokens.current();
    // inside a mapping "}}" closes two mappings, it does not end the output
    if (current === '}' && braces > 0) {
      braces -= 1;
      tokens.forward();
      return { type: 'right-curly', value: '}', lineno, colno };
    }
    // no regular-expression literals (r/…/) in Jinja
    if (current === 'r' && tokens.currentStr().startsWith('r/')) {
      tokens.forward();
      return { type: 'symbol', value: 'r', lineno, colno };
    }
    const index = afterDot ? /^\d+/.exec(tokens.currentStr())?.[0] : undefined;
    afterDot = false;
    if (index !== undefined) {
      tokens.forwardN(index.length);
      return { type: 'int', value: index, lineno, colno };
    }
    const token = next();
    if (token?.type === 'left-curly') braces += 1;
    afterDot = token?.type === 'operator' && token.value === '.';
    return token;
  };
  tokens._parseString = (delimiter) => parseString(tokens, delimiter, verbatimStrings && inOutput);
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"', '\n': '', b: '\b', f: '\f', v: '\v', a: '\x07', 0: '\0' };

/** String literals as Python reads them: unknown escapes keep their backslash, which regular expressions rely on. */
function parseString(tokens: Tokenizer, delimiter: string, verbatim: boolean): string {
  const { lineno, colno } = tokens;
  tokens.forward();
  let out = '';
  while (tokens.current() !== delimiter) {
    if (tokens.isFinished()) throw new SyntaxFailure('a string has no closing quote', lineno + 1, colno + 1);
    let char = tokens.current();
    if (char === '\\') {
      tokens.forward();
      const escaped = tokens.current();
      if (verbatim) {
        out += char + escaped;
        tokens.forward();
        continue;
      }
      const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(tokens.currentStr());
      if (code !== null) {
        char = String.fromCharCode(Number.parseInt(code[1] ?? code[2] ?? '', 16));
        tokens.forwardN(code[0].length - 1);
      } else {
        char = ESCAPES[escaped] ?? `\\${escaped}`;
      }
    }
    out += char;
    tokens.forward();
  }
  tokens.forward();
  return out;
}
