import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { CreationKey } from '../common/pagination.js';
import { violatesUnique } from '../database/postgres-error.js';
import { Organization } from './entities/organization.entity.js';
import { organizationAlreadyExists } from './organizations.errors.js';
import type { OrganizationChange, OrganizationRecord } from './organizations.types.js';

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

  /** Newest first. @param after where the page begins, or null */
  async list(
    manager: EntityManager,
    after: CreationKey | null,
    limit: number,
  ): Promise<OrganizationRecord[]> {
    const query = manager
      .getRepository(Organization)
      .createQueryBuilder('organization')
      .orderBy('organization.createdAt', 'DESC')
      .addOrderBy('organization.organizationId', 'DESC')
      .limit(limit);
    if (after !== null) {
      query.where('(organization.createdAt, organization.organizationId) < (:createdAt, :id)', { ...after });
    }
    return query.getMany();
  }

  /** @returns whether there is such an organization */
  async update(
    manager: EntityManager,
    organizationId: string,
    change: OrganizationChange,
    now: Date,
  ): Promise<boolean> {
    const result = await manager
      .getRepository(Organization)
      .update({ organizationId }, { ...change, updatedAt: now });
    return result.affected === 1;
  }
}
