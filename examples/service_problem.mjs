// The service's errors, and what a customer of the application is told instead.

const RETRY_AFTER_SECONDS = '5';

const INTERNAL = [500, 'internal_error', 'Something went wrong on our side.'];
const OUT_OF_CREDITS = [402, 'out_of_credits', 'Your plan has no credits left.'];
const NO_ANSWER = [502, 'no_answer', 'This could not be processed. Nothing was charged.'];
const SUSPENDED = [403, 'suspended', 'Your account is suspended.'];
const BUSY = [503, 'busy', 'Please try again in a moment.'];
// The customer's own situation is said by the code, because a status such as 403 has other causes as well: a key
// that was mixed up or a group that is not assigned is the application's fault, and the customer's no business.
const BY_CODE = new Map([
  ['insufficient_credits', OUT_OF_CREDITS],
  ['team_suspended', SUSPENDED],
  ['organization_suspended', SUSPENDED],
  ['upstream_rejected_request', [422, 'not_processable', 'This content cannot be processed.']],
  ['body_too_large', [413, 'too_large', 'This is too much at once.']],
]);
const BY_STATUS = new Map([
  [402, OUT_OF_CREDITS],
  [429, BUSY],
  [502, NO_ANSWER],
  [503, BUSY],
  [504, NO_ANSWER],
]);

/** The service answered with an error, or not at all. */
export class ServiceProblem extends Error {
  constructor(status, code, detail, retryAfter = null) {
    super(`${code}: ${detail}`);
    Object.assign(this, { status, code, retryAfter });
  }

  static fromAnswer(status, headers, text) {
    const { code, detail } = parseProblem(text) ?? {
      code: 'no_problem_document',
      detail: `The answer was ${status} without a problem document.`,
    };
    return new ServiceProblem(status, code, detail, headers.get('retry-after'));
  }

  /** Whether the same request may succeed later. Only a completion is sent again on this ground. */
  get mayPass() {
    return [429, 500, 502, 503, 504].includes(this.status);
  }

  /** Status, body and headers. The service's `detail` is written for the application's developers. */
  customerAnswer() {
    const [status, error, message] = BY_CODE.get(this.code) ?? BY_STATUS.get(this.status) ?? INTERNAL;
    const headers = status === 503 ? { 'retry-after': this.retryAfter ?? RETRY_AFTER_SECONDS } : {};
    return { status, body: { error, message }, headers };
  }
}

/** Null if something between us and the service answered in its place, with a page for people. */
function parseProblem(text) {
  try {
    const problem = JSON.parse(text);
    return problem?.code && problem.detail ? problem : null;
  } catch {
    return null;
  }
}
