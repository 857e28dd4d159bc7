import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transactions.js';

const PING_TIMEOUT_MS = 2_000;

/** Whether a load balancer should send requests here. */
@Injectable()
export class Readiness {
  private isDraining = false;

  constructor(private readonly transactions: Transactions) {}

  /** From now on not ready; called first at shutdown, so that no new work arrives. */
  startDraining(): void {
    this.isDraining = true;
  }

  async isReady(): Promise<boolean> {
    if (this.isDraining) return false;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => {
        resolve(false);
      }, PING_TIMEOUT_MS);
    });
    const ping = this.transactions.manager.query('SELECT 1').then(
      () => true,
      () => false,
    );
    const isReady = await Promise.race([ping, timeout]);
    clearTimeout(timer);
    return isReady;
  }
}
