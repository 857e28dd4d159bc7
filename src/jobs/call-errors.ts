import type { DomainError } from '../common/domain-error.js';
import { callInterrupted } from '../common/general.errors.js';
import { ApiBodyErrors } from '../common/openapi.js';
import {
  modelGroupForbidden,
  modelGroupInactive,
  modelGroupNotFound,
} from '../model-groups/model-groups.errors.js';
import { organizationSuspended, teamSuspended } from '../teams/teams.errors.js';
import { callFailed, modelsResting } from './jobs.errors.js';

const EXAMPLE_REST_MS = 15_000;

/** What every route that makes a call can answer, before its first byte. */
const CALL_ERRORS: readonly DomainError[] = [
  callFailed('upstream_rejected_request', true),
  modelGroupForbidden('ChatFast'),
  modelGroupInactive('ChatFast'),
  teamSuspended(),
  organizationSuspended(),
  modelGroupNotFound('ChatFast'),
  callFailed('upstream_failed', true),
  callFailed('upstream_timeout', true),
  modelsResting(EXAMPLE_REST_MS),
  callInterrupted(),
];

/** The errors of a route that makes a call. @param errors its own */
export function ApiCallErrors(...errors: readonly DomainError[]): MethodDecorator {
  return ApiBodyErrors(...CALL_ERRORS, ...errors);
}
