// A process that runs an embedded Postgres and can be killed: `node driver.mjs <module> <options as JSON>`.
// It says in one line of JSON how the start went, stops at SIGTERM, and ignores SIGINT as a service does
// that finishes its requests first.
const [modulePath, optionsJson] = process.argv.slice(2);
const { startEmbeddedPostgres, resetEmbeddedPostgres, EmbeddedPostgresError } = await import(modulePath);

const notices = [];
const options = { ...JSON.parse(optionsJson), onNotice: (message) => notices.push(message) };
const say = (value) => console.log(JSON.stringify({ ...value, notices }));

process.on('SIGINT', () => undefined);
try {
  if (options.mode === 'reset') {
    say({ removed: await resetEmbeddedPostgres(options.dataDir) });
  } else {
    const database = await startEmbeddedPostgres(options);
    const keepAlive = setInterval(() => undefined, 60_000);
    process.on('SIGTERM', () => {
      clearInterval(keepAlive);
      database.stop().then(
        () => process.exit(0),
        (error) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
    say({ url: database.url, dataDir: database.dataDir });
  }
} catch (error) {
  if (!(error instanceof EmbeddedPostgresError)) throw error;
  say({ error: error.message, detail: error.detail });
}
