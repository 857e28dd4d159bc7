import { Tenants1764000000001 } from './1764000000001-tenants.js';
import { Credits1764000000002 } from './1764000000002-credits.js';
import { Jobs1764000000003 } from './1764000000003-jobs.js';
import { ApiSurface1764000000004 } from './1764000000004-api-surface.js';
import { CreditSystem1764000000005 } from './1764000000005-credit-system.js';
import { Idempotency1764000000006 } from './1764000000006-idempotency.js';
import { Refills1764000000007 } from './1764000000007-refills.js';
import { CreditReports1764000000008 } from './1764000000008-credit-reports.js';
import { Calls1764000000009 } from './1764000000009-calls.js';
import { ModelsAndMessages1764000000010 } from './1764000000010-models-and-messages.js';

/** Every migration, in order. Listed rather than found, so that a stale compiled file is never run. */
export const ALL_MIGRATIONS = [
  Tenants1764000000001,
  Credits1764000000002,
  Jobs1764000000003,
  ApiSurface1764000000004,
  CreditSystem1764000000005,
  Idempotency1764000000006,
  Refills1764000000007,
  CreditReports1764000000008,
  Calls1764000000009,
  ModelsAndMessages1764000000010,
];
