import { readSettings } from './config/environment.js';
import { exitWith } from './exit.js';
import { startService } from './service.js';

try {
  await startService(readSettings());
} catch (error) {
  exitWith(error);
}
