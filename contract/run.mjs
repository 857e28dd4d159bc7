// All checks of the contract, each also when one before it has failed: `npm test`.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FOLDER, run, tool } from './support/commands.mjs';
import { DOCUMENT_FILE } from './support/document.mjs';

const USAGE =
  'Usage: npm test -- [--only <part>,<part>] [--max-examples <number>] [--fail-severity error|warn|info|hint]';

const TEST = ['--test', '--test-reporter', 'spec'];

/** The parts in the order in which they run: the cheap ones first. */
function listParts({ maxExamples, failSeverity }) {
  return [
    { name: 'rules', command: [process.execPath, ...TEST, 'rules.test.mjs'] },
    {
      name: 'spectral',
      command: [
        tool('spectral'),
        ...['lint', DOCUMENT_FILE, '--ruleset', join(FOLDER, 'spectral.yaml')],
        ...['--fail-severity', failSeverity],
      ],
    },
    {
      name: 'redocly',
      command: [
        tool('redocly'),
        ...['lint', DOCUMENT_FILE, '--config', join(FOLDER, 'redocly.yaml'), '--format', 'stylish'],
        ...['--max-problems', '1000'],
      ],
    },
    { name: 'examples', command: [process.execPath, ...TEST, 'examples.test.mjs'] },
    { name: 'clients', command: [process.execPath, join('clients', 'run.mjs')] },
    {
      name: 'schemathesis',
      command: [process.execPath, join('schemathesis', 'run.mjs'), '--max-examples', maxExamples],
    },
  ];
}

function readFlags() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      'max-examples': { type: 'string', default: '25' },
      'fail-severity': { type: 'string', default: 'warn' },
    },
  });
  const parts = listParts({ maxExamples: values['max-examples'], failSeverity: values['fail-severity'] });
  if (values.only === undefined) return parts;
  const wanted = values.only.split(',');
  const unknown = wanted.filter((name) => !parts.some((part) => part.name === name));
  if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}.`);
  return parts.filter(({ name }) => wanted.includes(name));
}

async function main() {
  const results = [];
  for (const { name, command } of readFlags()) {
    console.log(`\n== ${name}`);
    const begin = Date.now();
    const code = await run(command[0], command.slice(1));
    results.push({ name, isPassed: code === 0, seconds: (Date.now() - begin) / 1000 });
  }
  console.log('\n== the contract');
  for (const { name, isPassed, seconds } of results) {
    console.log(`${isPassed ? 'passed' : 'FAILED'} ${seconds.toFixed(1).padStart(7)} s  ${name}`);
  }
  const passed = results.filter(({ isPassed }) => isPassed).length;
  console.log(`${passed} passed, ${results.length - passed} failed`);
  if (passed < results.length) process.exitCode = 1;
}

await main().catch((error) => {
  console.error(`${error.message} ${USAGE}`);
  process.exitCode = 1;
});
