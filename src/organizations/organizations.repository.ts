import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { violatesUnique } from '../database/postgres-error.js';
import { Organization } from './entities/organization.entity.js';
import { organizationAlreadyExists } from './organizations.errors.js';
import type { OrganizationRecord } from './organizations.types.js';

@Injectable()
export class OrganizationsRepository {
  /** @throws DomainError organization_already_exists */
  async insert(manager: EntityManager, organization: OrganizationRecord): Promise<void> {
    try {
      await manager.getRepository(Organization).insert({ ...organization });
    } catch (error) {
      if (violatesUnique(error, 'organizations_pkey')) {
        throw organizationAlreadyExists(organization.organizationId);
      }
      throw error;
    }
  }

  async find(manager: EntityManager, organizationId: string): Promise<OrganizationRecord | null> {
    return manager.getRepository(Organization).findOneBy({ organizationId });
  }
}
