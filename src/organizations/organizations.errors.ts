import { DomainError } from '../common/domain-error.js';

export function organizationAlreadyExists(organizationId: string): DomainError {
  return new DomainError({
    kind: 'duplicate',
    code: 'organization_already_exists',
    message: `Organization ${organizationId} already exists.`,
  });
}
