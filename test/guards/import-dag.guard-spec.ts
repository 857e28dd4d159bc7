import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');

/** What every feature may import. */
const BASE = ['config', 'common', 'database'];

const FEATURES: Readonly<Record<string, readonly string[]>> = {
  idempotency: BASE,
  organizations: BASE,
  keys: BASE,
  'model-groups': BASE,
  credits: BASE,
  budgets: [...BASE, 'credits'],
  refills: [...BASE, 'credits'],
  teams: [...BASE, 'organizations', 'keys', 'model-groups', 'credits', 'budgets', 'refills'],
  auth: [...BASE, 'keys', 'teams', 'organizations'],
  'llm-calls': [...BASE, 'gateway', 'model-groups'],
  jobs: [...BASE, 'chat', 'teams', 'keys', 'credits', 'budgets', 'llm-calls', 'model-groups', 'gateway'],
  'openai-api': [...BASE, 'chat', 'jobs', 'teams', 'credits', 'model-groups', 'gateway'],
  // These read what the others wrote, by SQL.
  usage: BASE,
  'error-pages': ['common'],
  health: BASE,
  metrics: BASE,
  verification: [...BASE, 'credits', 'metrics'],
  demo: [...BASE, 'organizations', 'model-groups', 'teams', 'budgets'],
};

const BELOW_ROOT = ['config', 'common', 'database', 'gateway', 'chat', ...Object.keys(FEATURES)];

/**
 * The one table: which folder under src may import which. `src` stands for the files directly in it, and
 * `migrations` for the folder beside it, which is history and imports nothing that may change.
 * An edge may be moved where the code shows a more natural one, here and in docs/architecture.md.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  migrations: [],
  config: [],
  common: ['config'],
  database: ['config', 'common', 'migrations'],
  gateway: ['config', 'common'],
  chat: ['config', 'common', 'gateway'],
  ...FEATURES,
  src: BELOW_ROOT,
  commands: ['src', ...BELOW_ROOT],
};

/** One import, written in whatever way, types included. */
interface Import {
  /** Path below the root of the project, with slashes. */
  readonly file: string;
  readonly specifier: string;
}

interface SourceFacts {
  readonly imports: readonly Import[];
  readonly usesForwardRef: boolean;
  readonly reexportsAll: boolean;
}

function listSources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => posix.join(folder, file.replaceAll('\\', '/')))
    .sort();
}

function factsOf(file: string, text = readFileSync(join(ROOT, file), 'utf8')): SourceFacts {
  const imports: Import[] = [];
  let usesForwardRef = false;
  let reexportsAll = false;
  const add = (specifier: ts.Node | undefined): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      imports.push({ file, specifier: specifier.text });
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier);
      reexportsAll ||= node.exportClause === undefined;
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    else if (ts.isExternalModuleReference(node)) add(node.expression);
    else if (ts.isCallExpression(node) && isImportCall(node.expression)) add(node.arguments[0]);
    else if (ts.isIdentifier(node) && node.text === 'forwardRef') usesForwardRef = true;
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return { imports, usesForwardRef, reexportsAll };
}

/** `import()`, `require()`. */
function isImportCall(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
  );
}

/** The row of the table that a file belongs to. */
function moduleOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] !== 'src') return parts[0]!;
  return parts.length === 2 ? 'src' : parts[1]!;
}

function isRelative({ specifier }: Import): boolean {
  return specifier.startsWith('.');
}

function targetOf({ file, specifier }: Import): string {
  return posix.join(posix.dirname(file), specifier);
}

/** Imports between two modules under src, as readable edges. */
function crossings(imports: readonly Import[]): { edge: string; from: string; to: string; target: string }[] {
  return imports.filter(isRelative).flatMap((one) => {
    const target = targetOf(one);
    const [from, to] = [moduleOf(one.file), moduleOf(target)];
    return from === to ? [] : [{ edge: `${one.file} -> ${target}`, from, to, target }];
  });
}

function forbiddenEdges(imports: readonly Import[]): string[] {
  return crossings(imports)
    .filter(({ from, to }) => MAY_IMPORT[from]?.includes(to) !== true)
    .map(({ edge }) => edge);
}

/** Imports of what a module keeps to itself: its SQL, its rows and its wire format. */
function privateEdges(imports: readonly Import[]): string[] {
  return crossings(imports)
    .filter(({ target }) => /(\.repository\.js|\/entities\/.*|\/dto\/.*)$/.test(target))
    .map(({ edge }) => edge);
}

/** The entry that a package itself documents, although it is below its dist. */
const DOCUMENTED_ENTRIES: ReadonlySet<string> = new Set(['ajv/dist/2020.js']);

function deepPackageImports(imports: readonly Import[]): string[] {
  return imports
    .filter((one) => !isRelative(one) && /\/dist(\/|$)/.test(one.specifier))
    .filter((one) => !DOCUMENTED_ENTRIES.has(one.specifier))
    .map((one) => `${one.file} -> ${one.specifier}`);
}

const files = ['migrations', 'src'].flatMap(listSources);
const facts = new Map(files.map((file) => [file, factsOf(file)]));
const imports = [...facts.values()].flatMap((fact) => fact.imports);

describe('the table of imports', () => {
  it('has migrations and every folder under src, and no other', () => {
    expect(Object.keys(MAY_IMPORT).sort()).toEqual([...new Set(files.map(moduleOf))].sort());
  });

  it('names only modules that are in it', () => {
    const named = Object.values(MAY_IMPORT).flat();
    expect(named.filter((name) => !(name in MAY_IMPORT))).toEqual([]);
  });

  it('is acyclic', () => {
    // What imports only what is gone already goes next; whatever is left at the end is in a cycle.
    const left = new Set(Object.keys(MAY_IMPORT));
    for (let isShrinking = true; isShrinking;) {
      const free = [...left].filter((name) => !MAY_IMPORT[name]!.some((other) => left.has(other)));
      for (const name of free) left.delete(name);
      isShrinking = free.length > 0;
    }
    expect([...left]).toEqual([]);
  });
});

describe('the imports of the service', () => {
  it('are there to be checked', () => {
    expect(imports.filter(isRelative).length).toBeGreaterThan(100);
  });

  it('follow the table, types included', () => {
    expect(forbiddenEdges(imports)).toEqual([]);
  });

  it("never reach for another module's repository, entities or DTOs", () => {
    expect(privateEdges(imports)).toEqual([]);
  });
});

describe('the sources', () => {
  it("never reach into a package's dist, nor do the tests", () => {
    const ofTests = listSources('test').flatMap((file) => factsOf(file).imports);
    expect(deepPackageImports([...imports, ...ofTests])).toEqual([]);
  });

  it('have no forwardRef, which would hide a cycle', () => {
    expect(files.filter((file) => facts.get(file)!.usesForwardRef)).toEqual([]);
  });

  it('have no barrels', () => {
    expect(files.filter((file) => posix.basename(file) === 'index.ts')).toEqual([]);
    expect(files.filter((file) => facts.get(file)!.reexportsAll)).toEqual([]);
  });
});

describe('the checks themselves', () => {
  it.each([
    `import { A } from '../jobs/a.js';`,
    `import type { A } from '../jobs/a.js';`,
    `import { type A } from '../jobs/a.js';`,
    `import * as a from '../jobs/a.js';`,
    `import '../jobs/a.js';`,
    `export { A } from '../jobs/a.js';`,
    `export type { A } from '../jobs/a.js';`,
    `export * from '../jobs/a.js';`,
    `const a = await import('../jobs/a.js');`,
    `const a = require('../jobs/a.js');`,
    `import a = require('../jobs/a.js');`,
    `type A = import('../jobs/a.js').A;`,
    `function f(a: typeof import('../jobs/a.js')): void {}`,
  ])('see a forbidden edge in %s', (text) => {
    expect(forbiddenEdges(factsOf('src/credits/x.ts', text).imports)).toEqual([
      'src/credits/x.ts -> src/jobs/a.js',
    ]);
  });

  it.each([
    '../keys/keys.repository.js',
    '../keys/entities/virtual-key.entity.js',
    '../keys/dto/key.response.js',
  ])('see the private %s', (specifier) => {
    const text = `import type { X } from '${specifier}';`;
    expect(privateEdges(factsOf('src/teams/x.ts', text).imports)).toHaveLength(1);
    expect(privateEdges(factsOf('src/keys/x.ts', text.replace('../keys', '.')).imports)).toEqual([]);
  });

  it('see an import of anything outside, such as a test', () => {
    const text = `import { X } from '../../test/support/x.js';`;
    expect(forbiddenEdges(factsOf('src/keys/x.ts', text).imports)).toEqual([
      'src/keys/x.ts -> test/support/x.js',
    ]);
  });

  it('see a package that is entered by its dist, a forwardRef and a barrel', () => {
    const text = `
      import { X } from '@nestjs/core/dist/injector.js';
      import { forwardRef } from '@nestjs/common';
      export * from './y.js';`;
    const fact = factsOf('src/keys/x.ts', text);

    expect(deepPackageImports(fact.imports)).toEqual(['src/keys/x.ts -> @nestjs/core/dist/injector.js']);
    expect([fact.usesForwardRef, fact.reexportsAll]).toEqual([true, true]);
  });
});
