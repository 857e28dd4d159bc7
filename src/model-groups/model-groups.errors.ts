import { DO_NOT_RETRY, DomainError } from '../common/domain-error.js';

export function modelGroupAlreadyExists(groupName: string): DomainError {
  return new DomainError({
    kind: 'duplicate',
    code: 'model_group_already_exists',
    message: `Model group ${groupName} already exists.`,
  });
}

export function modelGroupNotFound(groupName: string): DomainError {
  return new DomainError({
    kind: 'not_found',
    code: 'model_group_not_found',
    message: `There is no model group ${groupName}.`,
  });
}

/** One answer for a group that is not assigned and one that does not exist, so that a team cannot probe. */
export function modelGroupForbidden(groupName: string): DomainError {
  return new DomainError({
    kind: 'forbidden',
    code: 'model_group_forbidden',
    message: `The team may not use model group ${groupName}. GET the team for those it may use.`,
  });
}

export function noModelGroup(): DomainError {
  return new DomainError({
    kind: 'forbidden',
    code: 'model_group_forbidden',
    message: 'The team has no model group. Ask the operator to assign one.',
  });
}

export function modelGroupInactive(groupName: string): DomainError {
  return new DomainError({
    kind: 'forbidden',
    code: 'model_group_inactive',
    message: `Model group ${groupName} is switched off. Use another group of the team.`,
  });
}

export function modelGroupInUse(groupName: string): DomainError {
  return new DomainError({
    kind: 'conflict',
    code: 'model_group_in_use',
    message: `Model group ${groupName} is assigned to a team. Give these teams other groups first.`,
    headers: DO_NOT_RETRY,
  });
}
