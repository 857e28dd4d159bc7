import { DomainError } from '../common/domain-error.js';

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
