import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { asOrdinaryUser, asRoot } from '../support/conditional.js';
import { makeCheckout } from '../support/closed-checkout.js';
import {
  DatabaseProcess,
  isAlive,
  launched,
  postmasterPid,
  query,
  TemporaryFolders,
  waitFor,
} from '../support/embedded-postgres-process.js';

/** Both kinds of run assert their own case; the other kind's tests show up as skipped. */
const isRoot = process.geteuid?.() === 0;

const folders = new TemporaryFolders();
const processes: DatabaseProcess[] = [];

afterEach(async () => {
  for (const process_ of processes.splice(0)) await process_.kill();
  await folders.clean();
});

const start: typeof launched = async (options, extra) => {
  const process_ = await launched(options, extra);
  processes.push(process_);
  return process_;
};

async function runningPid(dataDir: string): Promise<number> {
  const pid = await postmasterPid(dataDir);
  if (pid === null || !(await isAlive(pid))) throw new Error('The server does not run.');
  return pid;
}

describe('a first start', () => {
  it('creates a database that only this machine reaches, with its password and durable', async () => {
    const dataDir = await folders.makeDataDir();
    const { result } = await start({ dataDir, mode: 'own' });

    const url = new URL(result.url);
    expect(url.hostname).toBe('127.0.0.1');
    expect(url.pathname).toBe('/app');
    expect(Number(url.port)).toBeLessThan(32_768);
    expect(result.dataDir).toBe(dataDir);
    const names = ['listen_addresses', 'unix_socket_directories', 'server_encoding', 'timezone', 'fsync'];
    const settings = await Promise.all(
      names.map(async (name) => [name, (await query(result.url, `SHOW ${name}`))[0]]),
    );
    expect(Object.fromEntries(settings)).toEqual({
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      server_encoding: 'UTF8',
      timezone: 'UTC',
      fsync: 'on',
    });
    expect(await query(result.url, `SELECT lower('ÄÖ')`)).toEqual(['äö']);

    const password = join(dataDir, 'postgres-password');
    expect((await stat(password)).mode & 0o777).toBe(0o600);
    expect(await readFile(password, 'utf8')).toBe(url.password);
    url.password = 'guessed';
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('takes nothing from the PG variables of the shell', async () => {
    const dataDir = await folders.makeDataDir();
    const env = { PGDATA: '/nowhere', PGPORT: '1', PGSSLMODE: 'require', PGOPTIONS: '-c nonsense=1' };
    const { result } = await start({ dataDir, mode: 'own' }, { env });
    expect(result.error).toBeUndefined();
  });

  it('starts over after one that was killed while it created the cluster', async () => {
    const dataDir = await folders.makeDataDir();
    const killed = DatabaseProcess.launch({ dataDir, mode: 'own' });
    processes.push(killed);
    await waitFor('a half-made cluster', async () => {
      const entries = await readdir(dataDir, { recursive: true }).catch(() => []);
      return entries.some((entry) => entry.endsWith('/cluster/global'));
    });
    await killed.kill();
    expect(await readdir(dataDir)).not.toContain('postgres');

    const { result } = await start({ dataDir, mode: 'own' });
    expect(result.notices).toEqual(['An earlier creation of the database was interrupted; it starts over.']);
    expect(await query(result.url, 'SELECT 1')).toEqual(['1']);
  });

  it('refuses a folder named postgres that is not a database', async () => {
    const dataDir = await folders.make();
    const letter = join(dataDir, 'postgres', 'letter');
    await mkdir(join(dataDir, 'postgres'));
    await writeFile(letter, 'Dear');
    for (const mode of ['own', 'reset'] as const) {
      const { result } = await start({ dataDir, mode });
      expect(result.error).toContain('holds something that is not a Postgres database');
    }
    expect(await readFile(letter, 'utf8')).toBe('Dear');
  });

  it('says in the server’s own words why it failed, and works once that is mended', async () => {
    const dataDir = await folders.makeDataDir();
    const settings = { shared_buffers: 'plenty' };
    const { result } = await start({ dataDir, mode: 'own', settings });
    expect(result.error).toContain(join(dataDir, 'postgres.log'));
    expect(result.detail).toContain('invalid value for parameter "shared_buffers"');
    expect((await start({ dataDir, mode: 'own' })).result.error).toBeUndefined();
  });

  it('says so when every port it draws is taken', async () => {
    const dataDir = await folders.makeDataDir();
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const { result } = await start({ dataDir, mode: 'own', settings: { port: String(port) } });
    listener.close();
    expect(result.error).toContain('found no port that stayed free');
    expect(result.detail).toContain('Address already in use');
  });

  asRoot('says, as root, what to do where the owner of the data has no entry in passwd', async () => {
    const dataDir = await folders.makeDataDir();
    await mkdir(join(dataDir, 'postgres'), { recursive: true });
    await chown(join(dataDir, 'postgres'), 54321, 54321);
    const { result } = await start({ dataDir, mode: 'own' });
    expect(result.error).toContain('by uid 54321, which has no entry in /etc/passwd. Add one');
    expect(result.detail).toContain('could not look up effective user ID 54321');
  });
});

describe('what is not ours in a data directory', () => {
  it('is a server beside which there is no password of ours: it is neither used, stopped nor removed', async () => {
    const dataDir = await folders.makeDataDir();
    const stranger = await start({ dataDir, mode: 'own' });
    const pid = await runningPid(dataDir);
    await stranger.kill();
    await rm(join(dataDir, 'postgres-users.json'));
    const password = join(dataDir, 'postgres-password');
    for (const foreign of [() => rm(password), () => writeFile(password, 'correct horse')]) {
      await foreign();
      const before = await readdir(dataDir);
      for (const mode of ['reset', 'own', 'attach'] as const) {
        const { result } = await start({ dataDir, mode });
        expect(result.error).toMatch(/not of this service's making|not the one that this service made/);
      }
      expect(await readdir(dataDir)).toEqual(before);
    }
    expect(await runningPid(dataDir)).toBe(pid);
  });

  it('is a server at rest with a foreign password: it is not started', async () => {
    const dataDir = await folders.makeDataDir();
    const stranger = await start({ dataDir, mode: 'own' });
    await query(stranger.result.url, `ALTER USER postgres PASSWORD 'correct horse'`);
    await stranger.stop();
    await writeFile(join(dataDir, 'postgres-password'), 'correct horse');
    const log = await readFile(join(dataDir, 'postgres.log'), 'utf8');
    const { result } = await start({ dataDir, mode: 'own' });
    expect(result.error).toContain('is not the one that this service made');
    expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).toBe(log);
  });

  it('stays at a reset where there is no cluster, which says that there was none', async () => {
    const dataDir = await folders.make();
    const ours = 'postgres.removed-0b0f6c1e-1f6f-4a55-9a54-6d0d8a0f6f11';
    await mkdir(join(dataDir, ours));
    await mkdir(join(dataDir, 'postgres.new-notes'));
    for (const name of ['postgres.log', 'postgres-password']) await writeFile(join(dataDir, name), 'mine');
    expect((await start({ dataDir, mode: 'reset' })).result.removed).toBe(false);
    expect((await readdir(dataDir)).sort()).toEqual([
      'postgres-password',
      'postgres.log',
      'postgres.new-notes',
    ]);
    expect((await start({ dataDir: join(dataDir, 'none'), mode: 'reset' })).result.removed).toBe(false);
  });

  it.each(['postgres.log', 'postgres-password'])(
    'is the file that a link named %s leads to: it is neither written, given away nor made',
    async (name) => {
      const outside = await folders.make();
      const dataDir = await folders.makeDataDir();
      await mkdir(dataDir);
      // As root: somebody else’s folder, who made the link.
      if (isRoot) await chown(dataDir, 65534, 65534);
      const secret = join(outside, 'secret');
      await symlink(secret, join(dataDir, name));
      const missing = await start({ dataDir, mode: 'own' });
      expect(missing.result.error).toContain(`${join(dataDir, name)} is a link`);
      expect(await readdir(outside)).toEqual([]);

      await writeFile(secret, 'secret', { mode: 0o600 });
      const { result } = await start({ dataDir, mode: 'own' });
      expect(result.error).toContain(`${join(dataDir, name)} is a link`);
      expect(await readFile(secret, 'utf8')).toBe('secret');
      expect((await stat(secret)).uid).toBe(process.geteuid?.());
    },
  );
});

describe('a later start', () => {
  it('finds the data that an earlier one left', async () => {
    const dataDir = await folders.makeDataDir();
    const first = await start({ dataDir, mode: 'own' });
    await query(first.result.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const pid = await runningPid(dataDir);
    await first.stop();
    expect(await isAlive(pid)).toBe(false);

    const second = await start({ dataDir, mode: 'own' });
    expect(second.result.notices).toEqual([]);
    expect(await query(second.result.url, 'SELECT answer FROM kept')).toEqual(['42']);
  });

  it('takes over the server of a process that was killed, and stops it with itself', async () => {
    const dataDir = await folders.makeDataDir();
    const first = await start({ dataDir, mode: 'own' });
    await query(first.result.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const pid = await runningPid(dataDir);
    await first.kill();

    const second = await start({ dataDir, mode: 'own' });
    expect(await runningPid(dataDir)).toBe(pid);
    expect(second.result.notices).toEqual([
      `Took over the database server that an earlier run left behind (process ${String(pid)}).`,
    ]);
    expect(await query(second.result.url, 'SELECT answer FROM kept')).toEqual(['42']);
    await second.stop();
    expect(await isAlive(pid)).toBe(false);
  });

  it('recovers what was committed when process and server were both killed', async () => {
    const dataDir = await folders.makeDataDir();
    const first = await start({ dataDir, mode: 'own' });
    await query(first.result.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const pid = await runningPid(dataDir);
    await first.kill();
    process.kill(pid, 'SIGKILL');

    const second = await start({ dataDir, mode: 'own' });
    expect(second.result.notices).toEqual([
      'The database was not stopped properly the last time; it has recovered.',
    ]);
    expect(await query(second.result.url, 'SELECT answer FROM kept')).toEqual(['42']);
  });

  it('waits for a server that is shutting down, then starts it anew', async () => {
    const dataDir = await folders.makeDataDir();
    const first = await start({ dataDir, mode: 'own' });
    const pid = await runningPid(dataDir);
    await first.kill();
    process.kill(pid, 'SIGINT');

    const second = await start({ dataDir, mode: 'own' });
    expect(await query(second.result.url, 'SELECT 1')).toEqual(['1']);
    expect(await runningPid(dataDir)).not.toBe(pid);
  });

  it('is not held up by another program that got the pid of a dead server', async () => {
    const dataDir = await folders.makeDataDir();
    const first = await start({ dataDir, mode: 'own' });
    const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
    const text = await readFile(pidFile, 'utf8');
    await first.stop();
    // The other program belongs to the server's user, or Postgres would see through it by itself.
    const { uid, gid } = await stat(join(dataDir, 'postgres'));
    const other = spawn('/bin/sleep', ['60'], { uid, gid });
    await once(other, 'spawn');
    await writeFile(pidFile, text.replace(/^\d+/, String(other.pid)));

    const second = await start({ dataDir, mode: 'own' });
    expect(await query(second.result.url, 'SELECT 1')).toEqual(['1']);
    expect(await isAlive(other.pid!)).toBe(true);
    other.kill();
  });

  it('leaves the server running at a Ctrl-C in the terminal, for the service to stop', async () => {
    const dataDir = await folders.makeDataDir();
    const service = await start({ dataDir, mode: 'own' });
    process.kill(-service.child.pid!, 'SIGINT');
    expect(await query(service.result.url, 'SELECT pg_sleep(0.3)')).toHaveLength(1);
    await service.stop();
    expect(await postmasterPid(dataDir)).toBeNull();
  });
});

describe('several processes on one data directory', () => {
  it('refuses a second server and names the first', async () => {
    const dataDir = await folders.makeDataDir();
    const first = await start({ dataDir, mode: 'own' });
    const second = await start({ dataDir, mode: 'own' });
    expect(second.result.error).toBe(
      `The data directory ${dataDir} is in use by another server (process ${String(first.child.pid)}). Stop it, or set DATA_DIR to another folder.`,
    );
    expect(await query(first.result.url, 'SELECT 1')).toEqual(['1']);
  });

  it('lets exactly one of several servers succeed one that was killed', async () => {
    const dataDir = await folders.makeDataDir();
    await (await start({ dataDir, mode: 'own' })).kill();
    const starts = await Promise.all([1, 2, 3, 4].map(() => start({ dataDir, mode: 'own' })));
    expect(starts.filter(({ result }) => result.error === undefined)).toHaveLength(1);
  });

  it('leaves a server’s database running when an attached command ends', async () => {
    const dataDir = await folders.makeDataDir();
    const service = await start({ dataDir, mode: 'own' });
    const command = await start({ dataDir, mode: 'attach' });
    expect(command.result.url).toBe(service.result.url);
    await command.stop();
    expect(await query(service.result.url, 'SELECT 1')).toEqual(['1']);
  });

  it('runs a database for commands until the last of them ends', async () => {
    const dataDir = await folders.makeDataDir();
    const [first, second] = await Promise.all([
      start({ dataDir, mode: 'attach' }),
      start({ dataDir, mode: 'attach' }),
    ]);
    expect(second.result.url).toBe(first.result.url);
    const pid = await runningPid(dataDir);
    await first.stop();
    expect(await query(second.result.url, 'SELECT 1')).toEqual(['1']);
    await second.stop();
    expect(await isAlive(pid)).toBe(false);
  });

  it('lets a server join the database of a command, which no longer ends it', async () => {
    const dataDir = await folders.makeDataDir();
    const command = await start({ dataDir, mode: 'attach' });
    const service = await start({ dataDir, mode: 'own' });
    expect(service.result.url).toBe(command.result.url);
    await command.stop();
    expect(await query(service.result.url, 'SELECT 1')).toEqual(['1']);
  });

  it('refuses a reset while a server or a command uses the data, and empties it afterwards', async () => {
    const dataDir = await folders.makeDataDir();
    for (const mode of ['own', 'attach'] as const) {
      const user = await start({ dataDir, mode });
      await query(user.result.url, 'CREATE TABLE old ()');
      const who = mode === 'own' ? 'a server' : 'a command';
      const refused = await start({ dataDir, mode: 'reset' });
      expect(refused.result.error).toContain(`in use by ${who} (process ${String(user.child.pid)})`);
      await user.stop();
      expect((await start({ dataDir, mode: 'reset' })).result.removed).toBe(true);
      expect(await readdir(dataDir)).toEqual([]);
    }
    const { result } = await start({ dataDir, mode: 'own' });
    await expect(query(result.url, 'SELECT * FROM old')).rejects.toThrow('does not exist');
  });

  it('resets data whose server outlived a killed process', async () => {
    const dataDir = await folders.makeDataDir();
    const service = await start({ dataDir, mode: 'own' });
    const pid = await runningPid(dataDir);
    await service.kill();
    expect((await start({ dataDir, mode: 'reset' })).result.error).toBeUndefined();
    expect(await isAlive(pid)).toBe(false);
    await expect(access(join(dataDir, 'postgres'))).rejects.toThrow('ENOENT');
  });

  it('keeps two data directories apart', async () => {
    const [one, two] = [await folders.makeDataDir(), await folders.makeDataDir()];
    const first = await start({ dataDir: one, mode: 'own' });
    const second = await start({ dataDir: two, mode: 'own' });
    await query(first.result.url, 'CREATE TABLE only_here ()');
    await first.stop();
    const tables = `SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'`;
    expect(await query(second.result.url, tables)).toEqual(['0']);
  });
});

describe('a checkout below a folder that only its user may enter', () => {
  async function makeClosedCheckout() {
    const checkout = await folders.make(0o700);
    const systemFolder = await folders.make(0o755);
    return { checkout, systemFolder, module: await makeCheckout(checkout) };
  }

  asOrdinaryUser('keeps, as an ordinary user, binaries and default data where they are', async () => {
    const { checkout, systemFolder, module } = await makeClosedCheckout();
    const dataDir = folders.watch(join(checkout, '.data'));
    const options = { dataDir, mode: 'own', isDefaultDataDir: true, systemFolder } as const;
    const { result } = await start(options, { module });
    expect(await query(result.url, 'SELECT 1')).toEqual(['1']);
    expect(result.dataDir).toBe(dataDir);
    expect((await stat(join(dataDir, 'postgres'))).uid).toBe(process.geteuid?.());
    expect(await readdir(systemFolder)).toEqual([]);
  });

  asRoot('keeps, as root, binaries and default data where the server’s user can reach them', async () => {
    const { checkout, systemFolder, module } = await makeClosedCheckout();
    const dataDir = join(checkout, '.data');
    const options = { dataDir, mode: 'own', isDefaultDataDir: true, systemFolder } as const;
    const first = await start(options, { module });
    expect(first.result.error).toBeUndefined();
    folders.watch(first.result.dataDir);
    await query(first.result.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    expect(first.result.dataDir.startsWith(join(systemFolder, 'data'))).toBe(true);
    expect(first.result.notices).toEqual([
      expect.stringContaining(`cannot enter ${dataDir}: the data is in ${first.result.dataDir}`),
      expect.stringContaining(`were copied to ${join(systemFolder, 'embedded-postgres')}`),
    ]);
    expect((await stat(join(first.result.dataDir, 'postgres'))).uid).not.toBe(0);
    const refused = await start({ dataDir, mode: 'reset' }, { module });
    expect(refused.result.error).toContain(`in use by a server (process ${String(first.child.pid)})`);
    await first.stop();

    const second = await start(options, { module });
    expect(second.result.dataDir).toBe(first.result.dataDir);
    expect(second.result.notices).toHaveLength(1);
    expect(await query(second.result.url, 'SELECT answer FROM kept')).toEqual(['42']);
    await second.stop();
    await start({ dataDir, mode: 'reset' }, { module });
    expect(await readdir(first.result.dataDir)).toEqual([]);
  });

  asRoot(
    'mends, as root, a copy of the binaries that is incomplete or that others could change',
    async () => {
      const { checkout, systemFolder, module } = await makeClosedCheckout();
      const dataDir = await folders.makeDataDir();
      const options = { dataDir, mode: 'own', systemFolder } as const;
      await (await start(options, { module })).stop();
      const copies = join(systemFolder, 'embedded-postgres');
      const [version] = await readdir(copies);
      const server = join(copies, version!, 'bin', 'postgres');
      const { size } = await stat(server);
      for (const damage of [() => truncate(server, 1000), () => chmod(server, 0o777), () => rm(server)]) {
        await damage();
        const again = await start(options, { module });
        expect(again.result.error).toBeUndefined();
        await again.stop();
        const mended = await stat(server);
        expect([mended.size, mended.mode & 0o777, mended.uid]).toEqual([size, 0o755, 0]);
        expect(await readdir(copies)).toEqual([version]);
      }
      expect(await readdir(checkout)).toContain('node_modules');
    },
  );
});

describe('an explicit data directory', () => {
  asOrdinaryUser('works, as an ordinary user, below a closed folder of that user', async () => {
    const closed = await folders.make(0o700);
    const { result } = await start({ dataDir: folders.watch(join(closed, 'data')), mode: 'own' });
    expect(await query(result.url, 'SELECT 1')).toEqual(['1']);
    expect((await stat(closed)).mode & 0o777).toBe(0o700);
  });

  asRoot('names, as root, the folder that keeps the server’s user from it', async () => {
    const closed = await folders.make(0o700);
    const dataDir = folders.watch(join(closed, 'data'));
    const { result } = await start({ dataDir, mode: 'own' });
    expect(result.error).toContain(`cannot enter ${closed}`);
    expect(result.error).toContain(`Run "chmod o+x ${closed}", or set DATA_DIR`);
    expect(await readdir(closed)).toEqual([]);
    await chmod(closed, 0o701);
    expect((await start({ dataDir, mode: 'own' })).result.error).toBeUndefined();
  });

  asOrdinaryUser('is, as an ordinary user, used as private as it is', async () => {
    const dataDir = folders.watch(await folders.make(0o700));
    const { result } = await start({ dataDir, mode: 'own' });
    expect(await query(result.url, 'SELECT 1')).toEqual(['1']);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  asRoot('is, as root, opened for the server’s user where it is ours, and nobody else’s', async () => {
    const dataDir = await folders.makeDataDir();
    const first = await start({ dataDir, mode: 'own' });
    await first.stop();
    await chmod(dataDir, 0o700);
    const second = await start({ dataDir, mode: 'own' });
    expect(await query(second.result.url, 'SELECT 1')).toEqual(['1']);

    const private_ = folders.watch(await folders.make(0o700));
    const { result } = await start({ dataDir: private_, mode: 'own' });
    expect(result.error).toContain(`Run "chmod o+x ${private_}"`);
    expect((await stat(private_)).mode & 0o777).toBe(0o700);
  });
});
