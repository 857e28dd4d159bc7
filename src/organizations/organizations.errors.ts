import { DomainError } from '../common/domain-error.js';

export function organizationAlreadyExists(organizationId: string): DomainError {
  return new DomainError({
    kind: 'duplicate',
    code: 'organization_already_exists',
    message: `Organization ${organizationId} already exists.`,
  });
}

export function organizationNotFound(organizationId: string): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'organization_not_found',
    message: `There is no organization ${organizationId}.`,
  });
}
