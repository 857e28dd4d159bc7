import { DO_NOT_RETRY, DomainError, invalidField } from '../common/domain-error.js';

export function teamAlreadyExists(teamId: string): DomainError {
  return new DomainError({
    kind: 'duplicate',
    code: 'team_already_exists',
    message: `Team ${teamId} already exists.`,
  });
}

export function teamSuspended(): DomainError {
  return new DomainError({
    kind: 'forbidden',
    code: 'team_suspended',
    message:
      'The team is suspended: no new jobs and calls. Running jobs can be completed, and everything read.',
  });
}

export function organizationSuspended(): DomainError {
  return new DomainError({
    kind: 'forbidden',
    code: 'organization_suspended',
    message:
      'The organization of the team is suspended: no new jobs and calls. Running jobs can be completed, and everything read.',
  });
}

export function teamHasOpenJobs(teamId: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'team_has_open_jobs',
    message: `Team ${teamId} has open jobs. Complete or cancel them first; suspend the team so that no new ones begin.`,
    headers: DO_NOT_RETRY,
  });
}

export function instantInFuture(): DomainError {
  return invalidField('as_of', 'in_future', 'must not lie in the future');
}
