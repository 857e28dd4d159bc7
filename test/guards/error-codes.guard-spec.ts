import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage, IsInt, IsOptional, Max, ValidationTypes } from 'class-validator';
import ts from 'typescript';
import type { ErrorKind } from '../../src/common/domain-error.js';
import { STATUS_OF_KIND } from '../../src/common/problem.js';
import { IsMetadata } from '../../src/common/validators.js';
import { type ErrorEntry, parseErrorDocument } from '../../src/error-pages/error-document.js';

const ROOT = join(import.meta.dirname, '../..');
const TEXT = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');

/** The sandbox stands for a provider and speaks OpenAI's errors, not ours. */
const isOfService = (file: string): boolean =>
  file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.startsWith('src/gateway/sandbox/');

/** Where a code is handed on instead of being chosen. Anything else must be visible to this guard. */
const HANDED_ON = [
  // The parameter of `invalidField`, whose calls are read instead.
  'src/common/domain-error.ts: code',
  // A copy of an error that was made elsewhere.
  'src/common/domain-error.ts: kind',
  // The constraints of class-validator, which are taken from the DTOs instead.
  'src/common/validation.pipe.ts: toSnakeCase(constraint)',
];

interface Codes {
  /** `code status`, of every `new DomainError`. */
  readonly errors: string[];
  readonly fields: string[];
  /** Codes that the text alone does not tell, as `file: expression`. */
  readonly untold: string[];
}

/** The codes that a file chooses: in `new DomainError`, in field errors and in `invalidField`. */
function codesOf(file: string, text = readFileSync(join(ROOT, file), 'utf8')): Codes {
  const codes: Codes = { errors: [], fields: [], untold: [] };
  const take = (expression: ts.Expression | undefined, use: (code: string) => void): void => {
    const values = expression === undefined ? [] : valuesOf(expression);
    if (values.length === 0) codes.untold.push(`${file}: ${expression?.getText() ?? 'nothing'}`);
    values.forEach(use);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'DomainError') {
      const options = node.arguments?.[0];
      take(propertyOf(options, 'kind'), (kind) => {
        take(propertyOf(options, 'code'), (code) => {
          codes.errors.push(`${code} ${STATUS_OF_KIND[kind as ErrorKind]}`);
        });
      });
    } else if (ts.isCallExpression(node) && node.expression.getText() === 'invalidField') {
      take(node.arguments[1], (code) => codes.fields.push(code));
    } else if (ts.isObjectLiteralExpression(node) && propertyOf(node, 'field') !== undefined) {
      const code = propertyOf(node, 'code');
      if (code !== undefined) take(code, (one) => codes.fields.push(one));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return codes;
}

function propertyOf(object: ts.Expression | undefined, name: string): ts.Expression | undefined {
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return undefined;
  const property = object.properties.find((one) => one.name?.getText() === name);
  if (property === undefined) return undefined;
  if (ts.isPropertyAssignment(property)) return property.initializer;
  return ts.isShorthandPropertyAssignment(property) ? property.name : undefined;
}

/** The texts an expression can have: a literal, one of two, or the case of a switch over it. */
function valuesOf(expression: ts.Expression): string[] {
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (ts.isConditionalExpression(expression)) {
    const branches = [expression.whenTrue, expression.whenFalse].map(valuesOf);
    return branches.every((values) => values.length > 0) ? branches.flat() : [];
  }
  for (let node: ts.Node = expression; !ts.isSourceFile(node); node = node.parent) {
    if (ts.isCaseClause(node) && node.parent.parent.expression.getText() === expression.getText()) {
      return valuesOf(node.expression);
    }
  }
  return [];
}

/** Names of the validators of a DTO, as the answer spells them. */
function constraintsOf(type: new () => object): string[] {
  return getMetadataStorage()
    .getTargetValidationMetadatas(type, '', false, false)
    .filter((metadata) => metadata.type === ValidationTypes.CUSTOM_VALIDATION)
    .map(({ name }) => (name ?? 'nameless').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function isClass(value: unknown): value is new () => object {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

/** Every class that is exported where DTOs are. */
async function listDtos(): Promise<(new () => object)[]> {
  const modules = await Promise.all(
    sources
      .filter((file) => file.includes('/dto/'))
      .map((file) => import(`../../${file.replace(/\.ts$/, '.js')}`) as Promise<Record<string, unknown>>),
  );
  return modules.flatMap((one) => Object.values(one).filter(isClass));
}

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => posix.join('src', file.replaceAll('\\', '/')))
  .filter(isOfService)
  .sort();
const found = sources.map((file) => codesOf(file));

const { introduction, groups } = parseErrorDocument(TEXT);
const entries: readonly ErrorEntry[] = groups.flatMap((group) => group.entries);
const documentedCodes = entries.map(({ code }) => code);

/** The first status of an entry; a second one may follow where a code has an exception. */
const statusOf = ({ markdown }: ErrorEntry): string =>
  /^- \*\*Status\*\*: (\d{3} [A-Z][A-Za-z ]*[a-z])/m.exec(markdown)?.[1] ?? 'none';

const distinct = (values: readonly string[]): string[] => [...new Set(values)].sort();

describe('the sources', () => {
  it('show every code that they choose', () => {
    expect(distinct(found.flatMap(({ untold }) => untold))).toEqual(HANDED_ON);
  });

  it('give a code the same status everywhere', () => {
    const pairs = distinct(found.flatMap(({ errors }) => errors));
    expect(pairs.length).toBeGreaterThan(20);
    expect(distinct(pairs.map((pair) => pair.split(' ')[0]!))).toHaveLength(pairs.length);
  });
});

describe('docs/errors.md', () => {
  it('has every code that the sources can answer with, under its status, and no other', () => {
    const documented = entries.map((entry) => `${entry.code} ${statusOf(entry).slice(0, 3)}`);

    expect([...documented].sort()).toEqual(distinct(found.flatMap(({ errors }) => errors)));
  });

  it('has every field code that a request can be refused with, and no other', async () => {
    const dtos = await listDtos();
    expect(dtos.length).toBeGreaterThan(10);

    const { markdown } = entries.find(({ code }) => code === 'validation_failed')!;
    const documented = [...markdown.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]!);
    const produced = [...found.flatMap(({ fields }) => fields), ...dtos.flatMap(constraintsOf)];

    expect(documented).toEqual(distinct(produced));
  });

  it('has every code under the heading of its status, and the headings in order', () => {
    const misplaced = groups.flatMap((group) =>
      group.entries.filter((entry) => statusOf(entry) !== group.title).map(({ code }) => code),
    );
    const titles = groups.map(({ title }) => title);

    expect(misplaced).toEqual([]);
    expect(titles).toEqual(distinct(titles));
  });

  it('says of every code its status, cause, remedy and whether a retry is harmless', () => {
    const formless = entries.filter(({ markdown }) => {
      const [list = ''] = markdown.split('\n\n');
      return !/^- \*\*Status\*\*: .+\n- \*\*Cause\*\*: .+\.\n- \*\*Remedy\*\*: .+\.\n- \*\*Harmless to retry\*\*: .+\.$/.test(
        list,
      );
    });
    expect(formless.map(({ code }) => code)).toEqual([]);
  });

  it('links only to codes that it has', () => {
    const targets = [...TEXT.matchAll(/\]\(([^)]*)\)/g)].map((match) => match[1]!);

    expect(introduction).toContain('](#validation_failed)');
    expect(targets.filter((target) => !documentedCodes.includes(target.replace(/^#/, '')))).toEqual([]);
  });
});

describe('the checks themselves', () => {
  it.each([
    [`new DomainError({ kind: 'conflict', code: 'a', message: 'm' });`, ['a 409']],
    [`new DomainError({ kind: 'conflict', code: isB ? 'b' : 'a', message: 'm' });`, ['a 409', 'b 409']],
    [
      `switch (it) { case 'a': throw new DomainError({ kind: 'not_found', code: it, message: 'm' }); }`,
      ['a 404'],
    ],
  ])('see the error of %s', (text, errors) => {
    expect({ ...codesOf('x.ts', text), errors: codesOf('x.ts', text).errors.sort() }).toEqual({
      errors,
      fields: [],
      untold: [],
    });
  });

  it.each([
    `throw invalidField('f', 'a', 'is wrong');`,
    `const error: FieldError = { field, code: 'a', message: 'm' };`,
  ])('see the field code of %s', (text) => {
    expect(codesOf('x.ts', text)).toEqual({ errors: [], fields: ['a'], untold: [] });
  });

  it.each([
    [`new DomainError({ kind: 'conflict', code: name, message: 'm' });`, 'name'],
    [`new DomainError({ kind: 'conflict', code: isB ? 'b' : name, message: 'm' });`, `isB ? 'b' : name`],
    [`new DomainError({ kind, code: 'a', message: 'm' });`, 'kind'],
    [`new DomainError(options);`, 'nothing'],
    [`switch (other) { case 'a': new DomainError({ kind: 'conflict', code: it, message: 'm' }); }`, 'it'],
    [`invalidField('f', name, 'is wrong');`, 'name'],
    ['const error = { field, code, message };', 'code'],
  ])('report the code that cannot be told from %s', (text, expression) => {
    expect(codesOf('x.ts', text)).toEqual({ errors: [], fields: [], untold: [`x.ts: ${expression}`] });
  });

  it('see the validators of a class, less those that refuse nothing', () => {
    class Example {
      @IsOptional()
      @IsMetadata()
      metadata?: object | null;

      @Max(5)
      @IsInt()
      number!: number;
    }

    expect(distinct(constraintsOf(Example))).toEqual(['is_int', 'is_metadata', 'max']);
  });
});
