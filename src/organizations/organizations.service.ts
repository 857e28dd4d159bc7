import { Injectable } from '@nestjs/common';
import { organizationNotFound } from '../common/access.errors.js';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import {
  decodeCreationCursor,
  encodeCreationCursor,
  type Page,
  type PageRequest,
  toPageBy,
} from '../common/pagination.js';
import { Transactions } from '../database/transactions.js';
import { OrganizationsRepository } from './organizations.repository.js';
import type { OrganizationChange, OrganizationRecord } from './organizations.types.js';

@Injectable()
export class OrganizationsService {
  constructor(
    private readonly repository: OrganizationsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** @throws DomainError organization_already_exists */
  async create(
    input: { organizationId: string; name: string; metadata: object },
    manager: EntityManager = this.transactions.manager,
  ): Promise<OrganizationRecord> {
    const now = this.clock.now();
    const organization: OrganizationRecord = { ...input, status: 'active', createdAt: now, updatedAt: now };
    await this.repository.insert(manager, organization);
    return organization;
  }

  /** @throws DomainError organization_not_found */
  async get(organizationId: string, manager = this.transactions.manager): Promise<OrganizationRecord> {
    const organization = await this.repository.find(manager, organizationId);
    if (organization === null) throw organizationNotFound(organizationId);
    return organization;
  }

  /** Newest first. @throws DomainError validation_failed for a cursor that no page gave */
  async list({ cursor, limit }: PageRequest): Promise<Page<OrganizationRecord>> {
    const after = cursor === null ? null : decodeCreationCursor(cursor);
    const rows = await this.repository.list(this.transactions.manager, after, limit + 1);
    return toPageBy(rows, limit, ({ createdAt, organizationId }) =>
      encodeCreationCursor({ createdAt, id: organizationId }),
    );
  }

  /**
   * Changes what is given and leaves the rest. A suspension refuses new jobs and calls of every team of the
   * organization from the next request on. Idempotent.
   *
   * @throws DomainError organization_not_found
   */
  async update(organizationId: string, change: OrganizationChange): Promise<OrganizationRecord> {
    return this.transactions.run(async (manager) => {
      if (!(await this.repository.update(manager, organizationId, change, this.clock.now()))) {
        throw organizationNotFound(organizationId);
      }
      // Under the lock of the change, so that the answer is not somebody else's.
      return this.get(organizationId, manager);
    });
  }
}
