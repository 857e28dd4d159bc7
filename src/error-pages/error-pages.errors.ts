import { DomainError } from '../common/domain-error.js';
import { ERROR_PAGES_PATH } from '../common/problem.js';

/** A page that is missing is a path that leads nowhere, so it has no code of its own. */
export function errorPageNotFound(): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'route_not_found',
    message: `There is no error of this code. The codes are listed in ${ERROR_PAGES_PATH}.`,
  });
}
