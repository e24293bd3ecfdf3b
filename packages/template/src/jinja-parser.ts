import type { Nunjucks, Parser, Token } from './load-nunjucks.cjs';

const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=']);
const SUPPORTED_TAGS = new Set(['raw', 'if', 'for', 'set', 'macro', 'call', 'filter', 'with', 'include', 'import', 'from', 'extends', 'block']);
/** Names after a test that are not its argument. */
const NO_ARGUMENT = new Set(['and', 'or', 'not', 'in', 'is', 'if', 'else']);
const ARGUMENT_START = new Set(['string', 'int', 'float', 'symbol', 'boolean', 'none', 'left-bracket', 'left-curly']);
const CLOSING: Record<string, string> = { 'left-paren': 'right-paren', 'left-bracket': 'right-bracket', 'left-curly': 'right-curly' };

/**
 * nunjucks' parser with Jinja's grammar where the two differ: precedence of operators, `is` tests with arguments, slices,
 * chained conditional expressions, trailing commas; tags that need other templates are refused.
 */
export function createParserClass({ parser, nodes }: Nunjucks): typeof Parser {
  const make = (type: string, at: { lineno: number; colno: number }, ...fields: unknown[]): unknown => {
    const Node = nodes[type];
    if (Node === undefined) throw new Error(`nunjucks has no node ${type}`);
    return new Node(at.lineno, at.colno, ...fields);
  };

  return class JinjaParser extends parser.Parser {
    override parseInlineIf(): unknown {
      let node = this.parseOr();
      while (this.skipSymbol('if')) {
        const condition = this.parseOr();
        const otherwise = this.skipSymbol('else') ? this.parseInlineIf() : null;
        node = make('InlineIf', node as Token, condition, node, otherwise);
      }
      return node;
    }

    /** Comparisons, `in` and `not in` are one level in Jinja; nunjucks calls this below `not`. */
    override parseIn(): unknown {
      const expr = this.#parseSum();
      const ops: unknown[] = [];
      for (let token = this.#nextComparison(); token !== undefined; token = this.#nextComparison()) {
        ops.push(make('CompareOperand', token, this.#parseSum(), token.value));
      }
      return ops.length === 0 ? expr : make('Compare', expr as Token, expr, ops);
    }

    #nextComparison(): Token | undefined {
      const token = this.peekToken();
      if (token === null) return undefined;
      if (token.type === 'operator' && COMPARISONS.has(token.value)) return this.nextToken() ?? undefined;
      if (token.type !== 'symbol') return undefined;
      if (token.value === 'in') return this.nextToken() ?? undefined;
      if (token.value !== 'not') return undefined;
      this.nextToken();
      if (!this.skipSymbol('in')) this.fail('expected "in" after "not"', token.lineno, token.colno);
      return { ...token, value: 'not in' };
    }

    #parseChain(operators: Record<string, string>, operand: () => unknown): unknown {
      let left = operand();
      for (;;) {
        const token = this.peekToken();
        const type = token === null || !['operator', 'tilde'].includes(token.type) ? undefined : operators[token.value];
        if (token === null || type === undefined) return left;
        this.nextToken();
        left = make(type, token, left, operand());
      }
    }

    #parseSum(): unknown {
      return this.#parseChain({ '+': 'Add', '-': 'Sub' }, () =>
        this.#parseChain({ '~': 'Concat' }, () =>
          this.#parseChain({ '*': 'Mul', '/': 'Div', '//': 'FloorDiv', '%': 'Mod' }, () =>
            this.#parseChain({ '**': 'Pow' }, () => this.parseUnary()),
          ),
        ),
      );
    }

    override parseUnary(noFilters?: boolean): unknown {
      const token = this.peekToken();
      let node: unknown;
      if (token !== null && this.skipValue('operator', '-')) node = make('Neg', token, this.parseUnary(true));
      else if (token !== null && this.skipValue('operator', '+')) node = make('Pos', token, this.parseUnary(true));
      else node = this.parsePrimary();
      return noFilters === true ? node : this.parseFilter(node);
    }

    override parseFilter(input: unknown): unknown {
      let node = input;
      for (;;) {
        if (this.skip('pipe')) {
          const name = this.parseFilterName() as Token;
          node = make('Filter', name, name, make('NodeList', name, [node, ...this.parseFilterArgs()]));
        } else if (this.skipSymbol('is')) {
          node = this.#parseTest(node);
        } else {
          return node;
        }
      }
    }

    override parseFilterArgs(): unknown[] {
      return this.peekToken()?.type === 'left-paren' ? this.parseSignature().children : [];
    }

    #parseTest(left: unknown): unknown {
      const negated = this.skipSymbol('not');
      const token = this.nextToken();
      if (token === null || !['symbol', 'none', 'boolean'].includes(token.type)) {
        return this.fail('expected the name of a test after "is"', token?.lineno, token?.colno);
      }
      let name = token.value;
      while (this.skipValue('operator', '.')) name += `.${this.nextToken()?.value ?? ''}`;
      let args: unknown[] = [];
      const next = this.peekToken();
      if (next?.type === 'left-paren') args = this.parseSignature().children;
      else if (next !== null && ARGUMENT_START.has(next.type) && !(next.type === 'symbol' && NO_ARGUMENT.has(next.value))) {
        args = [this.parsePrimary()];
      }
      const test = make('FunCall', token, make('Symbol', token, name), make('NodeList', token, args));
      const node = make('Is', token, left, test);
      return negated ? make('Not', token, node) : node;
    }

    override parsePrimary(noPostfix?: boolean): unknown {
      const token = this.peekToken();
      if (token?.type !== 'string') return super.parsePrimary(noPostfix);
      // neighbouring string literals are one string, as in Python
      let value = '';
      while (this.peekToken()?.type === 'string') value += this.nextToken()?.value ?? '';
      const node = make('Literal', token, value);
      return noPostfix === true ? node : this.parsePostfix(node);
    }

    override parsePostfix(target: unknown): unknown {
      let node = target;
      for (;;) {
        const token = this.peekToken();
        if (token === null || node === null) return node;
        if (token.type === 'left-paren') {
          node = make('FunCall', token, node, this.parseSignature());
        } else if (token.type === 'left-bracket') {
          this.nextToken();
          node = make('LookupVal', token, node, this.#parseSubscript(token));
        } else if (token.type === 'operator' && token.value === '.') {
          this.nextToken();
          const name = this.nextToken();
          if (name === null || !['symbol', 'none', 'boolean', 'int'].includes(name.type)) {
            this.fail('expected a name after "."', token.lineno, token.colno);
          }
          node = make('LookupVal', token, node, make('Literal', name, name.type === 'int' ? Number(name.value) : name.value));
        } else {
          return node;
        }
      }
    }

    #parseSubscript(at: Token): unknown {
      const parts: unknown[] = [null];
      while (!this.skip('right-bracket')) {
        if (this.skip('colon')) parts.push(null);
        else if (parts.at(-1) === null) parts[parts.length - 1] = this.parseExpression();
        else this.fail('expected "]"', at.lineno, at.colno);
        if (this.peekToken() === null) this.fail('expected "]"', at.lineno, at.colno);
      }
      if (parts.length > 3 || (parts.length === 1 && parts[0] === null)) this.fail('invalid index', at.lineno, at.colno);
      if (parts.length === 1) return parts[0];
      return { typename: 'Slice', lineno: at.lineno, colno: at.colno, start: parts[0], stop: parts[1], step: parts[2] ?? null };
    }

    override parseAggregate(): unknown {
      const open = this.nextToken();
      const close = open === null ? undefined : CLOSING[open.type];
      if (open === null || close === undefined) {
        return this.fail(open === null ? 'expected an expression' : `unexpected "${open.value}"`, open?.lineno, open?.colno);
      }
      const children: unknown[] = [];
      while (!this.skip(close)) {
        if (this.peekToken() === null) this.fail(`"${open.value}" is never closed`, open.lineno, open.colno);
        if (children.length > 0) {
          if (!this.skip('comma')) this.fail('expected a comma', this.peekToken()?.lineno, this.peekToken()?.colno);
          if (this.skip(close)) return this.#aggregate(open, children, true);
        }
        const key = this.parseExpression() as Token;
        if (open.type === 'left-curly') {
          if (!this.skip('colon')) this.fail('expected a colon after the key', key.lineno, key.colno);
          children.push(make('Pair', key, key, this.parseExpression()));
        } else {
          children.push(key);
        }
      }
      return this.#aggregate(open, children, false);
    }

    /** `(x)` is x, `(x,)` and `(x, y)` are tuples, which become lists. */
    #aggregate(open: Token, children: unknown[], trailingComma: boolean): unknown {
      if (open.type === 'left-curly') return make('Dict', open, children);
      const list = open.type === 'left-bracket' || children.length !== 1 || trailingComma;
      return list ? make('Array', open, children) : make('Group', open, children);
    }

    override parseStatement(): unknown {
      const token = this.peekToken();
      const tag = token?.value ?? '';
      if (token?.type === 'symbol' && !SUPPORTED_TAGS.has(tag) && !/^(end\w+|else|elif)$/.test(tag)) {
        this.fail(`the tag "${tag}" is not supported`, token.lineno, token.colno);
      }
      return tag === 'with' ? this.#parseWith() : super.parseStatement();
    }

    #parseWith(): unknown {
      const at = this.nextToken() as Token;
      const pairs: unknown[] = [];
      while (this.peekToken()?.type !== 'block-end') {
        if (pairs.length > 0 && !this.skip('comma')) this.fail('expected a comma', this.peekToken()?.lineno, this.peekToken()?.colno);
        const key = this.parsePrimary(true) as Token;
        if (!this.skipValue('operator', '=')) this.fail('expected "=" after the name', key.lineno, key.colno);
        pairs.push({ key, value: this.parseExpression() });
      }
      this.advanceAfterBlockEnd('with');
      const body = this.parseUntilBlocks('endwith');
      this.advanceAfterBlockEnd();
      return { typename: 'With', lineno: at.lineno, colno: at.colno, pairs, body };
    }

    override parseInclude(): unknown {
      const at = this.nextToken() as Token;
      const template = this.parseExpression();
      const ignoreMissing = this.skipSymbol('ignore') && this.skipSymbol('missing');
      const withContext = this.parseWithContext();
      this.advanceAfterBlockEnd('include');
      return { typename: 'Include', lineno: at.lineno, colno: at.colno, template, ignoreMissing, withContext };
    }

    override parseBlock(): unknown {
      const at = this.nextToken() as Token;
      const name = this.parsePrimary(true) as Token;
      while (this.skipSymbol('scoped') || this.skipSymbol('required'));
      this.advanceAfterBlockEnd('block');
      const body = this.parseUntilBlocks('endblock');
      this.skipSymbol('endblock');
      this.skipSymbol(name.value);
      this.advanceAfterBlockEnd('endblock');
      return { typename: 'Block', lineno: at.lineno, colno: at.colno, name, body };
    }

    override parseRaw(): unknown {
      const begun = this.advanceAfterBlockEnd();
      const found = /^([\s\S]*?)\{%([-+]?)\s*endraw\s*([-+]?)%\}/.exec(this.tokens.currentStr());
      if (found === null) return this.fail('"raw" has no "endraw"', begun.lineno, begun.colno);
      let [all, text = ''] = found;
      if (this.dropLeadingWhitespace) text = text.trimStart();
      if (found[2] === '-') text = text.trimEnd();
      if (this.tokens.trimBlocks && this.tokens.currentStr()[all.length] === '\n') all += '\n';
      this.tokens.forwardN(all.length);
      this.dropLeadingWhitespace = found[3] === '-';
      return make('Output', begun, [make('TemplateData', begun, text)]);
    }
  };
}
