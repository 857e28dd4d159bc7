import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Transactions } from '../database/transactions.js';
import { organizationNotFound } from './organizations.errors.js';
import { OrganizationsRepository } from './organizations.repository.js';
import type { OrganizationRecord } from './organizations.types.js';

@Injectable()
export class OrganizationsService {
  constructor(
    private readonly repository: OrganizationsRepository,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** @throws DomainError organization_already_exists */
  async create(input: {
    organizationId: string;
    name: string;
    metadata: object;
  }): Promise<OrganizationRecord> {
    const now = this.clock.now();
    const organization = { ...input, createdAt: now, updatedAt: now };
    await this.repository.insert(this.transactions.manager, organization);
    return organization;
  }

  /** @throws DomainError organization_not_found */
  async get(organizationId: string, manager = this.transactions.manager): Promise<OrganizationRecord> {
    const organization = await this.repository.find(manager, organizationId);
    if (organization === null) throw organizationNotFound(organizationId);
    return organization;
  }
}
