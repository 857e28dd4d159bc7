// The checks themselves: each rule passes a sound contract and finds the fault that it is for.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { capture, tool } from './support/commands.mjs';
import { exampleProblems } from './support/examples.mjs';
import { makeSoundDocument } from './support/sound-document.mjs';

const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';

/** The parts of the sound document that the faults below are put into. */
function open(document) {
  const operation = document.paths['/shelves/{shelf_id}'].put;
  const { 400: refusal } = document.paths['/v1/shelves'].get.responses;
  return {
    document,
    operation,
    request: operation.requestBody.content[JSON_TYPE],
    answer: operation.responses[200],
    success: operation.responses[200].content[JSON_TYPE],
    conflict: operation.responses[409],
    problem: operation.responses[409].content[PROBLEM_TYPE],
    openai: document.paths['/v1/shelves'].get,
    refusal,
    openaiError: refusal.content[JSON_TYPE],
  };
}

/** Faults by the rule that must find them. Where a name says more than the rule, it follows a colon. */
const SPECTRAL_FAULTS = {
  'operation-operationId': ({ operation }) => delete operation.operationId,
  'operation-id-snake-case': ({ operation }) => (operation.operationId = 'putShelf'),
  'operation-summary': ({ operation }) => delete operation.summary,
  'operation-description': ({ operation }) => delete operation.description,
  'operation-tags': ({ operation }) => delete operation.tags,
  'operation-tag-defined': ({ operation }) => (operation.tags = ['Ladders']),
  'response-description-not-empty': ({ answer }) => (answer.description = ''),
  'request-example': ({ request }) => delete request.examples,
  'request-example: both kinds': ({ request }) => (request.example = { boards: 5 }),
  'success-example': ({ success }) => delete success.example,
  'success-has-content': ({ answer }) => delete answer.content,
  'error-is-problem': ({ conflict, problem }) => (conflict.content = { [JSON_TYPE]: problem }),
  'error-is-problem: no content': ({ conflict }) => delete conflict.content,
  'problem-examples': ({ problem }) => delete problem.examples,
  'problem-examples: none': ({ problem }) => (problem.examples = {}),
  'problem-examples: one only': ({ problem }) => {
    problem.example = problem.examples.shelf_full.value;
    delete problem.examples;
  },
  'problem-examples: no value': ({ problem }) => (problem.examples.other = { summary: 'Another' }),
  'problem-examples: no code': ({ problem }) => delete problem.examples.shelf_full.value.code,
  'problem-details': ({ document }) => delete document.components.schemas.Problem.properties.title,
  'error-is-openai: a problem': ({ refusal, openaiError }) =>
    (refusal.content = { [PROBLEM_TYPE]: openaiError }),
  'error-is-openai: no content': ({ refusal }) => delete refusal.content,
  'error-is-openai: no examples': ({ openaiError }) => delete openaiError.examples,
  'error-is-openai: no code': ({ openaiError }) =>
    delete openaiError.examples.malformed_request.value.error.code,
  'openai-has-no-422': ({ openai, refusal }) => (openai.responses[422] = refusal),
  'oas3-valid-media-example': ({ success }) => (success.example.boards = 0),
  'oas3-unused-component': ({ document }) => (document.components.schemas.Ladder = { type: 'object' }),
  'oas3-schema': ({ answer }) => delete answer.description,
  'oas3-api-servers': ({ document }) => (document.servers = []),
};

const REDOCLY_FAULTS = {
  'no-empty-servers': ({ document }) => (document.servers = []),
  'security-defined': ({ operation }) => delete operation.security,
  'operation-description': ({ operation }) => delete operation.description,
  'operation-operationId': ({ operation }) => delete operation.operationId,
  'operation-4xx-response': ({ operation }) => delete operation.responses[409],
  'no-invalid-media-type-examples': ({ success }) => (success.example.boards = 0),
  'no-invalid-schema-examples': ({ document }) =>
    (document.components.schemas.Shelf.properties.boards.example = 0),
  'no-invalid-parameter-examples': ({ operation }) => (operation.parameters[0].example = 'north-east'),
  'no-unused-components': ({ document }) => (document.components.schemas.Ladder = { type: 'object' }),
  struct: ({ answer }) => delete answer.description,
};

const EXAMPLE_FAULTS = {
  'a request that its schema refuses': ({ request }) => (request.examples.long.value.boards = 0),
  'a request with a field that there is not': ({ request }) => (request.examples.long.value.depth = 1),
  'an answer without a required field': ({ success }) => delete success.example.boards,
  'a parameter that is too long': ({ operation }) => (operation.parameters[0].example = 'north-east'),
  'a header of another type': ({ answer }) => (answer.headers['X-Request-Id'].example = 1),
  'an error with the status of another answer': ({ problem }) =>
    (problem.examples.shelf_full.value.status = 404),
  'an error whose status is text': ({ problem }) => (problem.examples.shelf_full.value.status = '409'),
  'an error under the name of another code': ({ problem }) =>
    (problem.examples.shelf_closed = problem.examples.shelf_full),
  'an error that is the only example': ({ problem }) => {
    problem.example = problem.examples.shelf_full.value;
    delete problem.examples;
  },
  'an error in the shape of OpenAI under the name of another code': ({ openaiError }) =>
    (openaiError.examples.shelf_full = openaiError.examples.malformed_request),
  'an error in the shape of OpenAI that is none': ({ openaiError }) =>
    delete openaiError.examples.malformed_request.value.error.type,
  'an example without a value': ({ request }) => delete request.examples.long.value,
  'a property whose own example it refuses': ({ document }) =>
    (document.components.schemas.Shelf.properties.boards.example = 0),
  'a property whose default it refuses': ({ document }) =>
    (document.components.schemas.Shelf.properties.boards.default = 'many'),
  'a schema with a keyword that does not exist': ({ document }) =>
    (document.components.schemas.Shelf.properties.boards.minimun = 1),
  'a date that is none': ({ document, success }) => {
    document.components.schemas.Shelf.properties.boards = { type: 'string', format: 'date-time' };
    success.example.boards = '2026-02-30T00:00:00Z';
  },
};

function makeBroken(fault) {
  const document = makeSoundDocument();
  fault(open(document));
  return document;
}

/** Lints the sound document and every broken one. @returns a function from the fault's name to the rules that found it */
async function lintAll(folder, faults, lint) {
  const names = ['sound', ...Object.keys(faults)];
  const files = names.map((_, index) => join(folder, `${index}.json`));
  for (const [index, name] of names.entries()) {
    const document = name === 'sound' ? makeSoundDocument() : makeBroken(faults[name]);
    writeFileSync(files[index], JSON.stringify(document));
  }
  const findings = await lint(files);
  return (name) =>
    findings.filter(({ file }) => file === `${names.indexOf(name)}.json`).map(({ rule }) => rule);
}

function describeLinter(title, faults, lint) {
  describe(title, () => {
    let folder;
    let rulesFor;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'contract-rules-'));
      rulesFor = await lintAll(folder, faults, lint);
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    it('passes a sound contract', () => {
      assert.deepEqual(rulesFor('sound'), []);
    });

    for (const name of Object.keys(faults)) {
      it(`fails by ${name}`, () => {
        const rule = name.split(':')[0];
        assert.ok(rulesFor(name).includes(rule), `found instead: ${rulesFor(name).join(', ') || 'nothing'}`);
      });
    }
  });
}

describeLinter('Spectral', SPECTRAL_FAULTS, async (files) => {
  const options = ['--ruleset', 'spectral.yaml', '--format', 'json', '--quiet'];
  const { output } = await capture(tool('spectral'), ['lint', ...files, ...options]);
  return JSON.parse(output).map(({ source, code }) => ({ file: basename(source), rule: code }));
});

describeLinter('Redocly', REDOCLY_FAULTS, async (files) => {
  const options = ['--config', 'redocly.yaml', '--format', 'json', '--max-problems', '1000'];
  const { output } = await capture(tool('redocly'), ['lint', ...files, ...options]);
  // It writes one JSON object for each file, one after the other, each closed at the beginning of a line.
  const reports = output.split(/(?<=^\})/m).filter((text) => text.trim() !== '');
  return reports
    .flatMap((text) => JSON.parse(text).problems)
    .map(({ location, ruleId }) => ({ file: basename(location[0].source.ref), rule: ruleId }));
});

describe('The check of the examples', () => {
  it('passes a sound contract', () => {
    assert.deepEqual(exampleProblems(makeSoundDocument()), []);
  });

  for (const [name, fault] of Object.entries(EXAMPLE_FAULTS)) {
    it(`finds ${name}`, () => {
      assert.notDeepEqual(exampleProblems(makeBroken(fault)), []);
    });
  }
});
