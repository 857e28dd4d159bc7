// Every example of the contract against its schema.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { operationsOf, readDocument } from './support/document.mjs';
import { makeValidator, operationExamples, operationProblems, schemaProblems } from './support/examples.mjs';

const document = readDocument();
const operations = operationsOf(document);
const validate = makeValidator(document);

/** The findings are the whole message: where in this file they were noticed tells nobody anything. */
function assertNone(findings) {
  if (findings.length === 0) return;
  const error = new Error(findings.join('\n'));
  error.stack = error.message;
  throw error;
}

describe('the contract', () => {
  it('has operations', () => {
    assert.ok(operations.length > 10);
  });

  it('has examples and defaults in its schemas that keep to them', () => {
    assertNone(schemaProblems(document, validate));
  });
});

for (const operation of operations) {
  describe(operation.name, () => {
    const examples = operationExamples(document, operation);
    const isThere = (kind, status) =>
      examples.some((example) => example.kind === kind && status.test(example.status ?? ''));

    it('has examples of its answers, and of its request if it takes one', () => {
      const missing = [];
      if (!isThere('response', /^2/)) missing.push('There is no example of success.');
      if (!isThere('response', /^[45]/)) missing.push('There is no example of an error.');
      if ('requestBody' in operation.operation && !isThere('request', /^$/)) {
        missing.push('There is no example of the request.');
      }
      assertNone(missing);
    });

    it('has examples that keep to their schemas, and errors with the status of their answer', () => {
      assertNone(operationProblems(document, operation, validate));
    });
  });
}
