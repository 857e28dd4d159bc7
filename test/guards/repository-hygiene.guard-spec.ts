import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

/** Folders and endings that .gitignore names; a copy of the project need not be a git checkout. */
const IGNORED_FOLDERS = new Set([
  '.git',
  'node_modules',
  'dist',
  'coverage',
  '.data',
  '.venv',
  '__pycache__',
]);
const isIgnored = (name: string): boolean => name === '.env' || /\.(log|tsbuildinfo)$/.test(name);

/** What a commit of everything would hold. */
function listFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED_FOLDERS.has(entry.name) ? [] : listFiles(path);
    return entry.isFile() && !isIgnored(entry.name) ? [path] : [];
  });
}

const files = listFiles('');

/** Text files with their lines; files with NUL in them are not text. */
const texts = files
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }))
  .filter(({ text }) => !text.includes('\0'));

/** Places where a line matches, as `file:line`. */
function placesOf(pattern: RegExp, isChecked: (file: string) => boolean = () => true): string[] {
  return texts
    .filter(({ file }) => isChecked(file))
    .flatMap(({ file, text }) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          pattern.test(line) ? [`${file}:${index + 1}: ${line.slice(0, 120)}`] : [],
        ),
    );
}

function lineCountOf(file: string): number {
  return readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n').length;
}

// Put together from parts, or this file would find itself.
const HOME_FOLDERS = new RegExp(`(^|[^\\w.~-])/(${['home', 'root', 'work'].join('|')})/`);
const REGISTRY_HOSTS = new RegExp(
  [
    ['registry', 'npmjs'],
    ['registry', 'yarnpkg'],
    ['npm', 'pkg', 'github'],
    ['npmmirror', 'com'],
    ['pypi', 'org'],
    ['files', 'pythonhosted'],
  ]
    .map((parts) => parts.join('\\.'))
    .join('|'),
);

describe('the repository', () => {
  it('has files to check', () => {
    expect(files).toContain('package.json');
    expect(texts.length).toBeGreaterThan(100);
  });

  it('names no registry in package-lock.json, so that every mirror can install it', () => {
    expect(placesOf(/"resolved"/, (file) => file.endsWith('package-lock.json'))).toEqual([]);
  });

  it('names no package registry anywhere', () => {
    expect(placesOf(REGISTRY_HOSTS)).toEqual([]);
  });

  it('holds no path of the machine it was written on', () => {
    expect(placesOf(HOME_FOLDERS)).toEqual([]);
  });

  it('runs all of its tests', () => {
    const isTest = (file: string): boolean => /spec\.ts$/.test(file);

    expect(texts.filter(({ file }) => isTest(file)).length).toBeGreaterThan(20);
    expect(
      placesOf(/\b(it|test|describe)(\.\w+)*\.(only|skip|todo)\b|\b[fx](it|describe|test)\(/, isTest),
    ).toEqual([]);
  });
});

describe('the documentation', () => {
  const modules = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((name) => readdirSync(join(ROOT, 'src', name)).some((file) => file.endsWith('.module.ts')));

  it.each(modules)('of %s is a README of at most 60 lines', (name) => {
    expect(files).toContain(`src/${name}/README.md`);
    expect(lineCountOf(`src/${name}/README.md`)).toBeLessThanOrEqual(60);
  });

  it('begins with a README of at most 250 lines', () => {
    expect(lineCountOf('README.md')).toBeLessThanOrEqual(250);
  });
});

describe('the checks themselves', () => {
  it.each(['home', 'root', 'work'])('see a path below %s', (folder) => {
    const path = `/${folder}/someone/x`;
    for (const line of [path, `cd ${path}`, `"${path}"`, `file://${path}`]) {
      expect([line, HOME_FOLDERS.test(line)]).toEqual([line, true]);
    }
    for (const line of [
      `./${folder}/x`,
      `a/${folder}/x`,
      `https://example.com/${folder}/x`,
      `/${folder}s/x`,
    ]) {
      expect([line, HOME_FOLDERS.test(line)]).toEqual([line, false]);
    }
  });

  it('see a registry', () => {
    expect(REGISTRY_HOSTS.test(`https://${['registry', 'npmjs', 'org'].join('.')}/x`)).toBe(true);
    expect(REGISTRY_HOSTS.test('https://example.org/registry')).toBe(false);
  });
});
